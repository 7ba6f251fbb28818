"""Whose pseudonyms stand in the results of a study, for whoever has its images and the project's key."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pandas as pd

from medcnn.core import tables
from medcnn.core.errors import ParamsError
from medcnn.dataset import manifest
from medcnn.params import whole
from medcnn.pseudonyms import doubtful, pseudonyms
from medcnn.runtime import paths


def lines(study: str, wanted: Sequence[str], csv: Path | None) -> Iterator[str]:
    """The names behind pseudonyms.

    Args:
        study: whose stage ``split`` has run.
        wanted: the pseudonyms that are asked for.
        csv: gets all of them.

    Raises:
        ParamsError: there is no such study, a pseudonym is none of its names, or nothing is asked for.
    """
    whole.load().study(study)
    rows, names = manifest.read(paths.manifest(study), "path", "group"), pseudonyms.of_project()
    known = doubtful.names_of(rows["path"], rows["group"])
    # A quoted number in a sentence may be a patient's.
    name_of = {names.of(name, kind): name for name, of in known.items() for kind in (of, "name")}
    if not wanted and csv is None:
        raise ParamsError(f"{study}: name the pseudonyms to look up, or a file for all {len(name_of)} by --csv FILE")
    for pseudonym in wanted:
        if pseudonym not in name_of:
            raise ParamsError(
                f"{pseudonym} is no pseudonym of {study} by the key in {paths.pseudonyms()}; other clones have others"
            )
        yield f"{pseudonym}  {name_of[pseudonym]}"
    if csv is not None:
        tables.write(csv, pd.DataFrame(sorted(name_of.items()), columns=["pseudonym", "name"]))
        yield f"{csv}: {len(name_of)} pseudonyms of {study}; keep it here"
