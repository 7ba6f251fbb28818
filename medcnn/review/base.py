"""Files as they were at a revision: what git keeps from git, what DVC keeps from its cache or remote."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from dvc.exceptions import DvcException, NotDvcRepoError
from dvc.repo import Repo
from dvc_data.index.index import DataIndexError

from medcnn.core import files
from medcnn.core.errors import MedcnnError


@dataclass(frozen=True)
class Base:
    """A revision.

    Attributes:
        name: as the user named it.
        root: a folder that ``bring`` fills with its files; it is laid out as the project is.
    """

    name: str
    root: Path
    _repo: Repo | None

    def bring(self, path: Path) -> None:
        """Lay a file of the revision below ``root``; one that it lacks, or that DVC cannot find, stays absent."""
        if self._repo is None:
            return
        try:
            content = self._repo.dvcfs.read_bytes(path.as_posix())
        except (OSError, DvcException, DataIndexError):
            return
        files.write_bytes(self.root / path, content)


@contextmanager
def opened(revision: str) -> Iterator[Base]:
    """A revision of the repository here, for as long as the block lasts.

    Raises:
        MedcnnError: there is no git repository, or no such revision in it.
    """
    if not revision:
        # DVC would take none for the files here, which are like themselves.
        raise MedcnnError("nothing to compare with at ''; name a branch, a commit or an experiment")
    try:
        repo = Repo(rev=revision)
    except NotDvcRepoError:
        # The revision is older than the project's use of DVC.
        repo = None
    except DvcException as error:
        raise MedcnnError(
            f"nothing to compare with at '{revision}': {error}; name a branch, a commit or an experiment"
        ) from error
    with tempfile.TemporaryDirectory() as folder, repo or nullcontext():
        yield Base(revision, Path(folder), repo)
