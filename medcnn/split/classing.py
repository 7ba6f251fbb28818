"""The class that a folder, a file name or a value of a label table stands for, and what is doubtful about it."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from medcnn.dataset.doubts import SHOWN, Doubt, Severity
from medcnn.params.labels import Labels
from medcnn.params.shared.classes import NO_FINDING, SEPARATOR
from medcnn.reading.names import matches

VALUES = 8
"""How many of the values or folders that were found a message lists."""
_WILD = re.compile(r"\[[^]]*\]|[*?]")


@dataclass
class Classifier:
    """Finds the class of a text, and remembers which texts were of none and which could be of several.

    Of the patterns that match, one without wildcards wins, then the one with most characters beside wildcards.

    Attributes:
        patterns: the class by pattern.
        overlaps: by text, the patterns of different classes that match it, that which won first.
        undecided: those of ``overlaps`` in which no pattern is more exact than another.
        by_name: paths of which the file name gave the class.
    """

    patterns: Mapping[str, str]
    overlaps: dict[str, tuple[str, ...]] = field(default_factory=dict)
    undecided: set[str] = field(default_factory=set)
    by_name: list[str] = field(default_factory=list)
    _known: dict[str, str] = field(default_factory=dict)

    def of_text(self, text: str) -> str:
        """The class of a text; '' where no pattern matches."""
        if text not in self._known:
            self._known[text] = self._looked_up(text)
        return self._known[text]

    def of_folders(self, folder: str) -> str:
        """The class of the nearest of a path's folders that a pattern matches; '' for none."""
        return next(filter(None, map(self.of_text, reversed(folder.split("/")))), "")

    def of_file_name(self, path: str) -> str:
        """The class of a file's name, with or without its suffix; '' for none."""
        name = PurePosixPath(path)
        label = self._looked_up(name.name) or self._looked_up(name.stem)
        if label:
            self.by_name.append(path)
        return label

    def _looked_up(self, text: str) -> str:
        found = sorted((pattern for pattern in self.patterns if matches(text, pattern)), key=_exactness, reverse=True)
        if len({self.patterns[pattern] for pattern in found}) > 1:
            self.overlaps[text] = tuple(found)
            if _exactness(found[0]) == _exactness(found[1]):
                self.undecided.add(text)
        return self.patterns[found[0]] if found else ""


@dataclass
class SeveralFindings(Classifier):
    """Finds all findings that a text names; '' where one of them is of no class.

    Attributes:
        separator: between findings.
    """

    separator: str = SEPARATOR

    def _looked_up(self, text: str) -> str:
        parts = [part.strip() for part in text.split(self.separator)]
        found = {NO_FINDING if part == NO_FINDING else super(SeveralFindings, self)._looked_up(part) for part in parts}
        if "" in found:
            return ""
        known = [name for name in dict.fromkeys(self.patterns.values()) if name in found - {NO_FINDING}]
        return SEPARATOR.join(known) or NO_FINDING


def classifier(labels: Labels) -> Classifier:
    """What finds the classes of a study."""
    if labels.multi_label:
        return SeveralFindings(labels.classes, separator=labels.csv.separator)
    return Classifier(labels.classes)


def of_no_class(classifier: Classifier, unnamed: Counter[str], total: int, what: str) -> Iterator[Doubt]:
    """Images whose folder or value is of no class.

    Args:
        classifier: the patterns.
        unnamed: how many images have each folder or value that is of no class.
        total: the number of images.
        what: what was matched, ``folder`` or ``value``.
    """
    if unnamed:
        almost = nearly(unnamed, classifier.patterns)
        text = (
            f"{unnamed.total()} of {total} images are of no class and set aside, by {what}: {shown(unnamed)}"
            f"{'; ' + almost if almost else ''}; add patterns to labels.classes, or exclude them"
        )
        some = tuple(f"'{text}' {count}" for text, count in unnamed.most_common(SHOWN))
        yield Doubt("warning", "labels_of_no_class", text, unnamed.total(), some)


def of_two_classes(classifier: Classifier) -> Iterator[Doubt]:
    """Texts that patterns of two classes match: an error where neither is closer, a note where one is exact."""
    contested = classifier.overlaps
    exact = {text for text, found in contested.items() if not _WILD.search(found[0])}
    kinds: dict[Severity, set[str]] = {
        "error": classifier.undecided,
        "warning": set(contested) - exact - classifier.undecided,
        "note": exact,
    }
    for severity, texts in kinds.items():
        if texts:
            said = tuple(_contested(text, classifier) for text in sorted(texts)[:SHOWN])
            cure = "" if severity == "note" else "; make the patterns of labels.classes exact"
            yield Doubt(severity, "labels_of_two_classes", "; ".join(said) + cure, len(texts), said)


def from_file_names(classifier: Classifier, total: int) -> Iterator[Doubt]:
    """Images whose file names gave the class, as no folder did: a warning where folders gave that of others."""
    names = classifier.by_name
    if names:
        severity: Severity = "note" if len(names) == total else "warning"
        text = f"{len(names)} of {total} images have their class from the file name, such as {names[0]}"
        yield Doubt(severity, "classes_from_file_names", text, len(names), tuple(names[:SHOWN]))


def taken(classifier: Classifier, label: str) -> str:
    """What the patterns of a class matched and lost to patterns of others, for messages; '' where they lost nothing."""
    for text, patterns in classifier.overlaps.items():
        own = next((pattern for pattern in patterns if classifier.patterns[pattern] == label), None)
        if own is not None and classifier.patterns[patterns[0]] != label:
            return f"'{own}' matches '{text}', which '{patterns[0]}' takes as the closer pattern; write it in full"
    return ""


def nearly(texts: Iterable[str], patterns: Iterable[str]) -> str:
    """Texts that differ from a pattern by case, blanks, or the zeros of a number alone, for messages; '' for none."""
    plain = {_plain(pattern): pattern for pattern in patterns}
    pairs = [f"'{text}' is almost '{plain[_plain(text)]}'" for text in texts if text and _plain(text) in plain]
    return "; ".join(pairs[:SHOWN])


def shown(counts: Counter[str]) -> str:
    """The most frequent texts with their counts, for messages."""
    some = ", ".join(f"'{text}' {count}" for text, count in counts.most_common(VALUES))
    return some + (f" and {len(counts) - VALUES} more" if len(counts) > VALUES else "")


def _contested(text: str, classifier: Classifier) -> str:
    first, *others = classifier.overlaps[text]
    label = classifier.patterns[first]
    other = next(pattern for pattern in others if classifier.patterns[pattern] != label)
    return f"'{text}' matches '{first}' ({label}) and '{other}' ({classifier.patterns[other]}): taken as {label}"


def _exactness(pattern: str) -> tuple[bool, int]:
    return not _WILD.search(pattern), len(_WILD.sub("", pattern))


def _plain(text: str) -> str:
    """A text without case, blanks, and what a number may be written with."""
    bare = re.sub(r"[\s_-]+", "", unicodedata.normalize("NFKC", text).casefold())
    return re.sub(r"^0+(?=\d)|(?<=\d)\.0+$", "", bare)
