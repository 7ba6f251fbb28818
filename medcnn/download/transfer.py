"""One downloader for every remote source: streamed, resumed, retried, and patient only within limits.

Of our own for what downloads of gigabytes meet and the common downloaders leave out: a half-done file is continued only
where the server confirms that it is still the same (``If-Range``), ``Retry-After`` is obeyed, and a server that sends
next to nothing is given up. What is sent is ``requests``' work.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from typing import Protocol

import requests
import urllib3

from medcnn.core.errors import MedcnnError
from medcnn.download.bars import BLOCK, bar
from medcnn.download.partial import Partial

_PROGRESS = 1 << 16
"""An attempt that brings fewer bytes than this counts as one without progress."""


@dataclass(frozen=True)
class Patience:
    """How long to wait, in seconds, and how often to try.

    Attributes:
        connect: until a connection stands.
        read: without a single byte; also the span over which ``slowest`` is judged.
        slowest: bytes a second below which a transfer counts as stalled.
        attempts: in a row without progress.
        backoff: before the second attempt; it doubles from there.
        longest_wait: that a server may ask for with Retry-After.
    """

    connect: float = 10
    read: float = 30
    slowest: float = 1024
    attempts: int = 4
    backoff: float = 1
    longest_wait: float = 120


PATIENCE = Patience()


class Remote(Protocol):
    """A remote file."""

    @property
    def name(self) -> str:
        """What to call it in messages; free of secrets."""

    def open(self, headers: Mapping[str, str], timeout: tuple[float, float]) -> requests.Response:
        """Ask for the file with these extra headers; return the streaming answer, whatever its status."""

    def refusal(self, status: int) -> str:
        """Say in one line what an HTTP status that a second attempt would not change means here, and what to do."""


class TransientError(Exception):
    """A fault that may be gone at another attempt; ``wait`` is how many seconds the server asked for."""

    def __init__(self, reason: str, wait: float | None = None) -> None:
        super().__init__(reason)
        self.wait = wait


def download(remote: Remote, partial: Partial) -> None:
    """Bring all bytes of a remote file to ``partial``, going on from those that it holds.

    Raises:
        MedcnnError: the server refuses, or several attempts in a row made no progress.
    """
    patience = PATIENCE
    furthest, idle = partial.kept, 0
    while not partial.is_whole:
        fault = _attempt(remote, partial, patience)
        if fault is not None:
            idle = 0 if partial.kept >= furthest + _PROGRESS else idle + 1
            furthest = max(furthest, partial.kept)
            if idle == patience.attempts:
                raise MedcnnError(f"{remote.name}: {fault} ({idle} attempts); {partial.summary}")
            _wait(remote, partial, patience, fault, idle)


def _wait(remote: Remote, partial: Partial, patience: Patience, fault: TransientError, idle: int) -> None:
    wait = patience.backoff * 2 ** max(idle - 1, 0) if fault.wait is None else fault.wait
    if wait > patience.longest_wait:
        raise MedcnnError(f"{remote.name}: {fault} and asks to wait {wait:.0f} s, try then; {partial.summary}")
    print(f"{remote.name}: {fault}; trying again in {wait:g} s", file=sys.stderr)
    time.sleep(wait)


def _attempt(remote: Remote, partial: Partial, patience: Patience) -> TransientError | None:
    try:
        _receive(remote, partial, patience)
    except TransientError as fault:
        return fault
    return None


def _receive(remote: Remote, partial: Partial, patience: Patience) -> None:
    # Without compression on the way, Content-Length and ranges count the file's own bytes.
    headers = {"Accept-Encoding": "identity", **partial.range_headers}
    with (
        _translated_network_errors(remote, patience),
        remote.open(headers, (patience.connect, patience.read)) as response,
    ):
        _check_status(response, remote, partial)
        if not partial.begin(response):
            raise TransientError("the remote file has changed")
        _stream(response, partial, patience)
    if partial.size is None:
        partial.size = partial.kept
    if not partial.is_whole:
        raise TransientError(f"the answer had {partial.kept} bytes instead of {partial.size}")


def _check_status(response: requests.Response, remote: Remote, partial: Partial) -> None:
    status = response.status_code
    if status in (requests.codes.ok, requests.codes.partial_content):
        return
    if status == requests.codes.requested_range_not_satisfiable and partial.kept:
        partial.discard()
        raise TransientError("the remote file has changed")
    if status in (requests.codes.request_timeout, requests.codes.too_many_requests) or status >= 500:
        raise TransientError(f"the server answered {status}{_MEANINGS.get(status, '')}", _retry_after(response))
    raise MedcnnError(remote.refusal(status))


_MEANINGS = {429: " (too many requests)", 500: " (internal error)", 503: " (unavailable)"}


def _retry_after(response: requests.Response) -> float | None:
    """Seconds of a Retry-After header, given as a number or as a date (RFC 9110, 10.2.3)."""
    value = response.headers.get("Retry-After", "")
    if value.isdecimal():
        return float(value)
    try:
        return max(0.0, (parsedate_to_datetime(value) - datetime.now(timezone.utc)).total_seconds())
    except (TypeError, ValueError):
        return None


def _stream(response: requests.Response, partial: Partial, patience: Patience) -> None:
    started, received = time.monotonic(), 0
    with partial.path.open("ab") as file, bar("download", partial.size, partial.kept) as progress:
        # read1 returns what has arrived: a server that drips must not hold a large block back for hours.
        while block := response.raw.read1(BLOCK, decode_content=False):
            file.write(block)
            progress.update(len(block))
            received += len(block)
            elapsed = time.monotonic() - started
            if elapsed > patience.read:
                if received < patience.slowest * elapsed:
                    raise TransientError(f"the server is too slow: {received / elapsed:.0f} bytes/s")
                started, received = time.monotonic(), 0


@contextmanager
def _translated_network_errors(remote: Remote, patience: Patience) -> Iterator[None]:
    """Put network errors in our own words: their texts hold addresses, and those hold signatures."""
    try:
        yield
    except (requests.ConnectTimeout, urllib3.exceptions.ConnectTimeoutError):
        raise TransientError(f"no connection within {patience.connect:g} s") from None
    except (requests.ReadTimeout, urllib3.exceptions.ReadTimeoutError):
        raise TransientError(f"the server is too slow: no data for {patience.read:g} s") from None
    except (requests.ConnectionError, urllib3.exceptions.HTTPError) as error:
        raise TransientError(_reason(error)) from None
    except requests.RequestException as error:
        raise MedcnnError(f"{remote.name}: {type(error).__name__}; check the address") from None


def _reason(error: BaseException) -> str:
    """What the operating system said beneath a network error."""
    beneath = [error, *_beneath(error)]
    for fault in beneath:
        if isinstance(fault, OSError) and fault.errno is not None and fault.strerror:
            return f"no connection: {fault.strerror}"
    return "the connection was cut"


def _beneath(error: BaseException) -> Iterator[BaseException]:
    causes = (error.__cause__, error.__context__, getattr(error, "reason", None), *error.args)
    for cause in causes:
        if isinstance(cause, BaseException):
            yield cause
            yield from _beneath(cause)
