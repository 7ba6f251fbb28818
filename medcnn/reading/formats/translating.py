"""Errors of the libraries that read medical files, as errors of an image that cannot be read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from medcnn.reading.decode import UnreadableImageError


@contextmanager
def translate_errors(kind: str, package: str) -> Iterator[None]:
    """Turn whatever a library raises at a file, which may be nearly anything where the file is broken, into one error.

    Args:
        kind: of the file, as users call it.
        package: what reads such files, and may be missing.

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
