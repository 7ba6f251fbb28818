"""Which part of a path names the patient: candidates are tried on all paths, and the one that says most is proposed."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from medcnn.core.errors import ParamsError
from medcnn.init import words

_LEAST_COVERED = 0.5
_LARGEST = 0.5
"""Of the images, the share that one patient may have; more speaks against a pattern."""
WORD = re.compile(rf"(?<![A-Za-z])((?:{'|'.join(sorted(words.PATIENTS, key=len, reverse=True))})[ _-]?)(?=\d)", re.I)
_BEFORE_THE_LAST_NUMBER = r"([^/]*\d)[^/\d]+\d+[^/\d.]*\.\w+$"
_BEFORE_THE_FIRST_UNDERSCORE = r"([^/_]*\d[^/_]*)_[^/]*$"


@dataclass(frozen=True)
class Pattern:
    """A regular expression for ``labels.group``, and what it finds.

    Attributes:
        regex: its group is the patient.
        found: how many images it matches.
        patients: how many patients it finds.
        example: one of them.
        origin: where it looks, in words.
    """

    regex: str
    found: int
    patients: int
    example: str
    origin: str


def proposed(paths: Sequence[str], classes: Collection[str]) -> Pattern | None:
    """The pattern that names the patient in most of the paths; None where nothing does.

    Args:
        paths: of all images.
        classes: names of the folders that are classes, which are nobody's name.
    """
    by_word = _of_words(paths)
    if by_word is not None and by_word.found == len(paths):
        return by_word
    tried = (_tried(regex, origin, paths) for regex, origin in _candidates(paths, classes))
    return next((pattern for pattern in tried if pattern and pattern.found == len(paths)), by_word)


def tried(regex: str, paths: Sequence[str]) -> Pattern | None:
    """What a pattern that the user gives finds; None where it finds nothing.

    Raises:
        ParamsError: it is not a regular expression.
    """
    try:
        re.compile(regex)
    except re.error as error:
        raise ParamsError(f"--group: '{regex}' is not a regular expression: {error}") from error
    return _tried(regex, "--group", paths, least=0, alone=True, largest=1)


def _of_words(paths: Sequence[str]) -> Pattern | None:
    """A pattern made of the words before numbers, such as ``patient_``: one in all paths, or several in some each."""
    found = [dict.fromkeys(WORD.findall(path)) for path in paths]
    counts = Counter(word for names in found for word in names)
    order = sorted(counts, key=lambda word: (-counts[word], words.PATIENTS.index(word.lower().rstrip(" _-"))))
    chosen: list[str] = []
    for word in order:
        if any(word in names and not names.keys() & set(chosen) for names in found):
            chosen.append(word)
    if not chosen:
        return None
    every = "|".join(re.escape(word).replace(r"\ ", " ").replace(r"\-", "-") for word in chosen)
    body = every if len(chosen) == 1 else f"(?:{every})"
    short = "(?<![A-Za-z])" if min(map(len, chosen)) < len("pat") else ""
    person = any(word.lower().startswith(("pat", "subj", "person", "part")) for word in chosen)
    return _tried(rf"{short}({body}\d+)", "path", paths, alone=person)


def _candidates(paths: Sequence[str], classes: Collection[str]) -> Iterator[tuple[str, str]]:
    """Patterns that need no word, and where they look, the surest first."""
    for depth in range(min(path.count("/") for path in paths)):
        names = {path.split("/")[depth] for path in paths}
        if len(names) > max(2 * len(classes), 4) and not names & set(classes):
            yield rf"^(?:[^/]+/){{{depth}}}([^/]+)/" if depth else "^([^/]+)/", "folder"
    yield _BEFORE_THE_LAST_NUMBER, "file name"
    yield _BEFORE_THE_FIRST_UNDERSCORE, "file name"


def _tried(
    regex: str,
    origin: str,
    paths: Sequence[str],
    *,
    least: float = _LEAST_COVERED,
    largest: float = _LARGEST,
    alone: bool = False,
) -> Pattern | None:
    """What a pattern finds; None where that is little, one patient for most images, or one for each."""
    compiled = re.compile(regex)
    matches = [match for match in map(compiled.search, paths) if match]
    images = Counter(match[1] if compiled.groups else match[0] for match in matches)
    if not matches or len(matches) < least * len(paths) or max(images.values()) > largest * len(paths):
        return None
    if not alone and not 2 < len(images) < len(matches):
        return None
    return Pattern(regex, len(matches), len(images), next(iter(images)), origin)
