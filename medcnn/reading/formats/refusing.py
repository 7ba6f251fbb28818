"""The faults of the libraries that read medical files, told as those of images are."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from medcnn.reading.decode import UnreadableImageError


@contextmanager
def told(kind: str, package: str) -> Iterator[None]:
    """Whatever a library raises at a file of a kind, which may be nearly anything where the file is broken.

    Raises:
        UnreadableImageError: the package is not installed, or the file is broken.
    """
    try:
        yield
    except UnreadableImageError:
        raise
    except ImportError as error:
        raise UnreadableImageError(f"a {kind} file needs {package}: pip install {package}") from error
    except Exception as error:
        reason = (str(error).strip().splitlines() or [""])[0] or type(error).__name__
        raise UnreadableImageError(f"broken {kind} file: {reason[:200]}") from error
