"""What changed between the base and now: params, and the figures on test with their intervals."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

from medcnn.core import markdown
from medcnn.params.judging.figures import FIGURES
from medcnn.results.base import Figures
from medcnn.review.results import Pair

HEADER = ("model", "figure", "base [interval]", "now [interval]", "change")


def dvc_diff(kind: str, revision: str) -> str:
    """What ``dvc <kind> diff`` prints as Markdown, or the line with which it failed.

    Args:
        kind: params or metrics.
        revision: what the working folder is compared with.
    """
    command = [sys.executable, "-m", "dvc", kind, "diff", revision, "--md"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 (git)
    if done.returncode:
        lines = done.stderr.strip().splitlines() or [f"it ended with {done.returncode}"]
        return f"`dvc {kind} diff` failed: {lines[-1]}"
    table = done.stdout.strip()
    return table if table.count("\n") > 1 else f"No {kind} changed."


def moved(pair: Pair) -> str:
    """A Markdown table of the figures on test that moved, of every model, as far as the digits show."""
    found = list(rows(pair))
    return markdown.grid(HEADER, found) if found else "No figure on test moved."


def rows(pair: Pair) -> Iterator[tuple[str, ...]]:
    """The figures on test that moved: a row for each, with the cells of ``HEADER``."""
    now, before = pair.now, pair.before
    earlier = before.evaluated if before else {}
    if before and before.best != now.best:
        yield from _compared(f"the chosen one: {before.best}, now {now.best}", before.test, now.test)
    for model in dict.fromkeys((*now.ranking, *earlier)):
        blocks = (models[model].test if model in models else Figures() for models in (earlier, now.evaluated))
        yield from _compared(model, *blocks)


def _compared(name: str, before: Figures, now: Figures) -> Iterator[tuple[str, ...]]:
    for figure in FIGURES:
        shown = [markdown.figure(block, figure.key) for block in (before, now)]
        if shown[0] != shown[1]:
            yield name, figure.name, *shown, _change(before.get(figure.key), now.get(figure.key))


def _change(before: float | None, now: float | None) -> str:
    return markdown.NONE if before is None or now is None else f"{now - before:+.4f}"
