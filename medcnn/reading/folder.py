"""A folder read like an archive: the files that it would hold if it were packed, under the same names."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from medcnn.core.errors import MedcnnError
from medcnn.reading.members import Archive
from medcnn.reading.names import printable


class FolderArchive(Archive):
    """The files of a folder and of the folders below it, in place.

    Raises:
        MedcnnError: a link leads out of the folder or to no file, or something is no regular file.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._files = {printable(file.relative_to(path).as_posix()): file for file in files_below(path)}

    def names(self) -> list[str]:
        """See ``Archive.names``."""
        return sorted(self._files)

    def size(self, name: str) -> int:
        """See ``Archive.size``."""
        self._check_name(name)
        return self._files[name].stat().st_size

    def close(self) -> None:
        """Nothing is kept open."""

    def _open(self, name: str) -> IO[bytes]:
        return self._files[name].open("rb")

    def holds(self, name: str) -> bool:
        """See ``Archive.holds``."""
        return name in self._files


def files_below(folder: Path) -> Iterator[Path]:
    """All files below a folder.

    A link to a file inside the folder is read as that file, as any viewer shows it. Links that lead out would bring
    in what the user did not name, and links to folders may go round in circles: both are refused.

    Raises:
        MedcnnError: for such a link, or for a pipe, a socket or a device.
        OSError: a folder cannot be listed.
    """
    for place, folders, names in os.walk(folder, onerror=_refuse):
        for name in (*folders, *names):
            path = Path(place, name)
            if path.is_symlink():
                _check_link(path, folder)
            elif name in names and not path.is_file():
                raise MedcnnError(f"{path} is not a regular file; remove it or choose another folder")
            if name in names:
                yield path


def _check_link(path: Path, folder: Path) -> None:
    if not path.is_file():
        raise MedcnnError(f"{path} is a link to no file or to a folder; put a file or the folder itself in its place")
    if not path.resolve().is_relative_to(folder.resolve()):
        raise MedcnnError(f"{path} is a link that leads out of {folder}; put the file itself in its place")


def _refuse(error: OSError) -> None:
    raise error
