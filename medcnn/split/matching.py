"""Which file of the raw data a label table means.

Tables name images as their makers saw them: without suffix, with backslashes, below a folder of another machine, with
or without leading zeros. A name and a file belong together if one is the end of the other, whole folders at a time. It
is tried on the names as they are first, and then on looser spellings of both; what a stricter spelling has matched, a
looser one does not touch.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from medcnn.core import tables
from medcnn.core.arrays import Integers
from medcnn.reading.pictures import SUFFIXES

_FURTHER = (
    ".npy", ".npz", ".jp2", ".avif", ".heic", ".mha", ".svs", ".tga", ".gz", ".ima", ".img", ".raw", ".dat", ".bin",
)  # fmt: skip
_SUFFIX = "(?i)(" + "|".join(re.escape(suffix) for suffix in (*SUFFIXES, *_FURTHER)) + ")+$"
_WRITTEN = {
    r"\\": "/",
    r"^([A-Za-z][\w+.-]+://[^?#]*)[?#].*$": r"\1",
    r"^[A-Za-z][\w+.-]+://[^/]*/": "",
    r"^[A-Za-z]:": "",
    r"(/\.?)+/": "/",
    r"^(\.{0,2}/)+": "",
}
"""What makes a path or an address a plain path below some folder: patterns, and what they are replaced by."""


@dataclass(frozen=True)
class Matched:
    """What became of the names of a label table.

    Attributes:
        files: (N,) the file of each name; -1 where there is none.
        loosely: how many names were matched by each looser spelling, in words such as ``without suffixes``.
        ambiguous: names that mean several files, and files that several names mean, as pairs of a name and a file.
    """

    files: Integers
    loosely: dict[str, int]
    ambiguous: tuple[tuple[str, str], ...]


def matched(names: pd.Series[str], files: pd.Series[str], homes: Sequence[str] = ()) -> Matched:
    """Find the file that each name means.

    Args:
        names: as a label table has them; one may repeat.
        files: paths in the raw data, of which none repeats.
        homes: folders; of several files that a name could mean, those below the first are meant, and so on.
    """
    files = files.reset_index(drop=True)
    codes, texts = pd.factorize(names)
    wanted, offered = _written(pd.Series(texts, dtype=tables.TEXT)), _written(files)
    found = np.full(len(wanted), -1)
    found[wanted == ""] = -2  # Nothing is named, so that nothing is looked for.
    loosely: dict[str, int] = {}
    ambiguous: list[tuple[str, str]] = []
    for how, loosen in _SPELLINGS.items():
        here, there = np.flatnonzero(found == -1), np.setdiff1d(np.arange(len(offered)), found)
        if not len(here) or not len(there):
            break
        if how == _ELSEWHERE and len(here) < (found != -2).sum():
            break  # Other names were found where they say, so that these are not there.
        spelt = loosen(wanted.iloc[here])
        pairs = _pairs(spelt, loosen(offered.iloc[there]))
        pairs = pairs.assign(
            spelt=spelt.array[pairs["name"].to_numpy()], name=here[pairs["name"]], file=there[pairs["file"]]
        )
        pairs = _decided(pairs, offered, homes)
        single = ~(pairs["name"].duplicated(keep=False) | pairs["torn"])
        ambiguous += [(texts[name], files.iloc[file]) for name, file in _both(pairs[~single])]
        found[pairs["name"][single]] = pairs["file"][single]
        if how and single.any():
            loosely[how] = int(single.sum())
        if ambiguous:
            break
    return Matched(np.maximum(np.append(found, -1)[codes], -1), loosely, tuple(ambiguous))


def _written(paths: pd.Series[str]) -> pd.Series[str]:
    for pattern, plain in _WRITTEN.items():
        paths = paths.str.replace(pattern, plain, regex=True)
    paths = paths.str.strip()
    return paths if paths.str.isascii().all() else paths.str.normalize("NFC").astype(tables.TEXT)


def _pairs(names: pd.Series[str], files: pd.Series[str]) -> pd.DataFrame:
    """Every name and file of which one is the end of the other, by position, with the folders that they share."""
    names, files = names.reset_index(drop=True), files.reset_index(drop=True)
    depths, heights = names.str.count("/"), files.str.count("/")
    found = [pd.DataFrame({"name": [], "file": [], "shared": [], "key": []}).astype(int).astype({"key": tables.TEXT})]
    for depth in sorted(set(depths)):
        ends = _ends(files[heights >= depth], depth)
        found.append(_joined(names[depths == depth], ends).assign(shared=depth))
    for depth in sorted(set(heights)):
        ends = _ends(names[depths > depth], depth)
        found.append(_joined(ends, files[heights == depth]).assign(shared=depth))
    return pd.concat(found, ignore_index=True)


def _ends(paths: pd.Series[str], folders: int) -> pd.Series[str]:
    """The file name of each path and so many folders above it."""
    return pd.Series(["/".join(path.split("/")[-folders - 1 :]) for path in paths], paths.index, dtype=tables.TEXT)


def _joined(names: pd.Series[str], files: pd.Series[str]) -> pd.DataFrame:
    left = pd.DataFrame({"key": names.array, "name": names.index})
    return left.merge(pd.DataFrame({"key": files.array, "file": files.index}), on="key")


def _decided(pairs: pd.DataFrame, files: pd.Series[str], homes: Sequence[str]) -> pd.DataFrame:
    """The pairs that share most folders, and of those that share equally many, those at home; ``torn`` where names that
    are spelt differently mean one file.
    """
    for end in ("name", "file"):
        pairs = pairs[pairs["shared"] == pairs.groupby(end)["shared"].transform("max")]
    for home in homes:
        if pairs["name"].duplicated().any():
            near = ("/" + files.iloc[pairs["file"]]).str.contains(f"/{home}/", regex=False).set_axis(pairs.index)
            pairs = pairs[near | ~near.groupby(pairs["name"]).transform("any")]
    return pairs.assign(torn=pairs.groupby("file")["spelt"].transform("nunique") > 1)


def _both(pairs: pd.DataFrame) -> list[tuple[int, int]]:
    return [(int(name), int(file)) for name, file in zip(pairs["name"], pairs["file"], strict=True)][:4]


def _stripped(paths: pd.Series[str]) -> pd.Series[str]:
    return paths.str.replace(_SUFFIX, "", regex=True)


def _folded(paths: pd.Series[str]) -> pd.Series[str]:
    return _stripped(paths).str.casefold().astype(tables.TEXT)


def _without_zeros(paths: pd.Series[str]) -> pd.Series[str]:
    whole = _folded(paths).str.replace(r"(^|/)([0-9]+)\.0+$", r"\1\2", regex=True)
    return whole.str.replace(r"(^|[^0-9])0+([0-9])", r"\1\2", regex=True)


def _from_its_root(paths: pd.Series[str]) -> pd.Series[str]:
    """The paths below the folder that they have in common."""
    plain = _without_zeros(paths)
    common = posixpath.dirname(posixpath.commonprefix([plain.min(), plain.max()]))
    return plain.str.removeprefix(common + "/").astype(tables.TEXT) if common else plain


_ELSEWHERE = "below another folder"
_SPELLINGS: dict[str, Callable[[pd.Series[str]], pd.Series[str]]] = {
    "": lambda paths: paths,
    "without suffixes": _stripped,
    "in any case": _folded,
    "without leading zeros": _without_zeros,
    _ELSEWHERE: _from_its_root,
}
