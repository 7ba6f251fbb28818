"""The comment on a pull request: the verdict first, then the gate, what changed, and pictures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from medcnn.core import files, markdown
from medcnn.dataset import manifest
from medcnn.params.whole import Params
from medcnn.review import base, changes, gate, pictures, verdict
from medcnn.review.gate import Breach
from medcnn.review.results import Pair, pairs
from medcnn.review.verdict import Verdict
from medcnn.runtime import paths

LONGEST_DIFF = 25_000
"""Characters of `dvc metrics diff`; GitHub takes comments of up to 65,536."""


@dataclass(frozen=True)
class Review:
    """Everything that a comment says.

    Attributes:
        revision: the base, as the user named it.
        pairs: each study now and at the base.
        verdicts: one per study.
        breaches: what breaks the gate.
        params: which params changed, as Markdown.
        metrics: which metrics changed, as Markdown.
    """

    revision: str
    pairs: tuple[Pair, ...]
    verdicts: tuple[Verdict, ...]
    breaches: tuple[Breach, ...]
    params: str
    metrics: str


def write(revision: str, output: Path, settings: Params) -> None:
    """Write the comment, and its pictures beside it.

    Raises:
        MedcnnError: there is no such revision, or a study has no results here.
    """
    found = _reviewed(revision, settings)
    names: list[tuple[str, str]] = []
    for pair in found.pairs:
        for name, words, picture in pictures.drawn(pair, settings.evaluate.bins):
            files.write_bytes(output.with_name(f"{name}.png"), picture)
            names.append((f"{name}.png", words))
    files.write_text(output, "\n\n".join(_parts(found, names)) + "\n")


def _reviewed(revision: str, settings: Params) -> Review:
    with base.opened(revision) as opened:
        compared = tuple(pairs(settings.run.studies, opened))
    return Review(
        revision,
        compared,
        tuple(_judged(pair, settings) for pair in compared),
        tuple(gate.breaches(compared, settings.evaluate.gate)),
        changes.dvc_diff("params", revision),
        changes.dvc_diff("metrics", revision),
    )


def _judged(pair: Pair, settings: Params) -> Verdict:
    groups = manifest.groups(paths.manifest(pair.now.study))
    return verdict.verdict(pair, groups, settings.evaluate, settings.seed)


def _parts(found: Review, names: Sequence[tuple[str, str]]) -> Iterator[str]:
    yield f"## {'; '.join(f'{said.study}: {said.word}' for said in found.verdicts)}"
    yield "\n".join(f"- **{said.study}: {said.word}.** {said.why}." for said in found.verdicts)
    yield _gate(found.breaches)
    yield f"### Params, against `{found.revision}`"
    yield found.params
    yield "### Figures on test that moved"
    for pair in found.pairs:
        yield f"**{pair.now.study}**, where {pair.now.best} is chosen"
        yield changes.moved(pair)
    yield f"<details><summary>dvc metrics diff {found.revision}</summary>\n\n{_cut(found.metrics)}\n\n</details>"
    yield "### Plots"
    yield from (f"![{words}](./{name})" for name, words in names)


def _gate(breaches: Sequence[Breach]) -> str:
    if not breaches:
        return "**Gate: passed.**"
    return "\n".join(("**Gate: failed.**", "", *(f"- {markdown.escaped(str(breach))}" for breach in breaches)))


def _cut(table: str) -> str:
    if len(table) <= LONGEST_DIFF:
        return table
    whole_lines = table[:LONGEST_DIFF].rpartition("\n")[0]
    return f"{whole_lines}\n\nThe rest is too long for a comment: run the command."
