"""What moved between two states of the results, and whether the test images can tell, as ``review`` judges it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

from medcnn.core.errors import MedcnnError
from medcnn.dataset import manifest
from medcnn.params.whole import Params
from medcnn.review import base, changes, results
from medcnn.review.results import Pair
from medcnn.review.verdict import verdict
from medcnn.runtime import paths


def compared(before: str, after: str | None, settings: Params) -> Iterator[str]:
    """The lines for every study of the run.

    Args:
        before: a commit, branch or experiment.
        after: another one; the results here where None.
        settings: the whole of ``params.yaml``.

    Raises:
        MedcnnError: there is no such revision, or a study has no results there.
    """
    with ExitStack() as stack:
        earlier = stack.enter_context(base.opened(before))
        later = stack.enter_context(base.opened(after)) if after else None
        for study in settings.run.studies:
            found = results.brought(study, later) if later else results.here(study)
            if found is None:
                raise MedcnnError(f"{after} has no results of {study}; name a revision that was run")
            pair = Pair(found, results.brought(study, earlier))
            said = verdict(pair, manifest.groups(paths.manifest(study)), settings.evaluate, settings.seed)
            yield f"{study}: {said.word}; {said.why}"
            yield from _table(list(changes.rows(pair)) if pair.before else [])


def _table(rows: list[tuple[str, ...]]) -> Iterator[str]:
    if not rows:
        yield "  no figure on test that both have moved"
        return
    lines = [changes.HEADER, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(changes.HEADER))]
    for line in lines:
        yield "  " + "  ".join(f"{cell:<{width}}" for cell, width in zip(line, widths, strict=True)).rstrip()
