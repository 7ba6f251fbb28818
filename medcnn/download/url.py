"""An archive behind an http(s) address."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit

import requests

from medcnn.core.errors import MedcnnError
from medcnn.download import transfer
from medcnn.download.partial import Origin, Partial
from medcnn.params.sources import UrlSource, public
from medcnn.reading.names import printable

_LONGEST_NAME = 100
"""In bytes; the file systems in use take 255, of which temporary names need some."""


def download(source: UrlSource, partial: Partial) -> Origin:
    """Download the file to ``partial``."""
    try:
        urlsplit(source.url)
    except ValueError as error:
        raise MedcnnError(f"source.url is not an address ({error}); check the address") from None
    transfer.download(UrlRemote(source.url), partial)
    return Origin(file_name(source.url))


def file_name(url: str) -> str:
    """The last part of the address's path as a file name."""
    name = printable(PurePosixPath(unquote(urlsplit(url).path)).name)
    end = name.encode()[-_LONGEST_NAME:].decode(errors="ignore")
    return end if end.strip(".") else "archive"


class UrlRemote:
    """A file behind an address, asked for without credentials other than those in the address itself."""

    def __init__(self, url: str) -> None:
        self._url = url

    @property
    def name(self) -> str:
        """The address without what may be secret in it."""
        return public(self._url)

    def open(self, headers: Mapping[str, str], timeout: tuple[float, float]) -> requests.Response:
        """Ask for the file."""
        return requests.get(self._url, headers=headers, timeout=timeout, stream=True)

    def refusal(self, status: int) -> str:
        """Say what a refusal means."""
        reason = {
            requests.codes.unauthorized: "it wants a login",
            requests.codes.forbidden: "access is denied",
            requests.codes.not_found: "there is no such file",
            requests.codes.gone: "there is no such file any more",
        }.get(status, "unexpected")
        return f"{self.name}: the server answered {status}, {reason}; check the address in source.url"
