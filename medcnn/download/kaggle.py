"""A Kaggle data set, asked for by the official ``kaggle`` client and streamed by our own downloader.

The client knows the credentials, makes the request and follows the redirect to the file store. Its own download is not
used: it cannot pin a version before 2.x, sends requests without a timeout, verifies no checksum, and writes its
half-done file under the final name.
"""

from __future__ import annotations

import io
import json
import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from typing import Any

import requests
from requests.adapters import HTTPAdapter

from medcnn.core.errors import MedcnnError
from medcnn.download import transfer
from medcnn.download.partial import Origin, Partial
from medcnn.params.sources import KaggleSource

_UNREADABLE = "Kaggle's answer cannot be read; is there a proxy in between?"


def download(source: KaggleSource, partial: Partial, study: str) -> Origin:
    """Download the data set's archive to ``partial``, as Kaggle serves it."""
    remote = KaggleRemote(source, study)
    transfer.download(remote, partial)
    return Origin(f"{remote.slug}.zip", source.version, remote.licence())


def newest(dataset: str, study: str) -> int:
    """The version of a data set, ``owner/slug``, that Kaggle shows now.

    Raises:
        MedcnnError: Kaggle does not answer, or not to these credentials.
    """
    remote = KaggleRemote(KaggleSource(kind="kaggle", dataset=dataset, version=1), study)
    try:
        return remote.newest()
    except requests.HTTPError as error:
        raise MedcnnError(remote.refusal(error.response.status_code)) from None
    except requests.RequestException as error:
        raise MedcnnError(f"{dataset}: Kaggle does not answer ({type(error).__name__}); try again") from None


class KaggleRemote:
    """One version of a Kaggle data set."""

    def __init__(self, source: KaggleSource, study: str) -> None:
        self.owner, self.slug = source.dataset.split("/")
        self.version = source.version
        self._study = study

    @property
    def name(self) -> str:
        """The data set and its version."""
        return f"Kaggle data set {self.owner}/{self.slug} version {self.version}"

    def open(self, headers: Mapping[str, str], timeout: tuple[float, float]) -> requests.Response:
        """Ask for the archive; signed file addresses expire, so each attempt asks Kaggle anew."""
        from kagglesdk.datasets.types.dataset_api_service import ApiDownloadDatasetRequest

        request = ApiDownloadDatasetRequest()
        request.owner_slug, request.dataset_slug = self.owner, self.slug
        request.dataset_version_number = self.version
        try:
            with self._translated_errors(), self._datasets(timeout, headers) as datasets:
                answer: requests.Response = datasets.download_dataset(request)
        except requests.HTTPError as error:
            if error.response.ok:
                raise MedcnnError(f"{self.name}: {_UNREADABLE}") from None
            return error.response
        return answer

    def newest(self) -> int:
        """The version that Kaggle shows now."""
        from kagglesdk.datasets.types.dataset_api_service import ApiGetDatasetRequest

        request = ApiGetDatasetRequest()
        request.owner_slug, request.dataset_slug = self.owner, self.slug
        timeout = (transfer.PATIENCE.connect, transfer.PATIENCE.read)
        with self._translated_errors(), self._datasets(timeout) as datasets:
            return int(datasets.get_dataset(request).current_version_number)

    def licence(self) -> str | None:
        """The licence as Kaggle names it; None where it does not say, which is no reason to fail."""
        from kagglesdk.datasets.types.dataset_api_service import ApiGetDatasetMetadataRequest

        request = ApiGetDatasetMetadataRequest()
        request.owner_slug, request.dataset_slug = self.owner, self.slug
        timeout = (transfer.PATIENCE.connect, transfer.PATIENCE.read)
        try:
            with self._translated_errors(), self._datasets(timeout) as datasets:
                licences = datasets.get_dataset_metadata(request).info.licenses
            return ", ".join(licence.name for licence in licences) or None
        except (MedcnnError, requests.RequestException, AttributeError):
            return None

    def refusal(self, status: int) -> str:
        """Say what a refusal means."""
        if status in (requests.codes.unauthorized, requests.codes.forbidden):
            return (
                f"{self.name}: Kaggle answered {status}: the token is wrong or expired (make a new one at "
                "https://www.kaggle.com/settings/api), or the terms of the data set are not accepted yet (open "
                f"https://www.kaggle.com/datasets/{self.owner}/{self.slug}); {self._instead}"
            )
        if status == requests.codes.not_found:
            return f"{self.name} does not exist (Kaggle answered 404); check studies.{self._study}.source"
        return f"{self.name}: Kaggle answered {status}, which is unexpected; {self._instead}"

    @contextmanager
    def _datasets(self, timeout: tuple[float, float], headers: Mapping[str, str] | None = None) -> Iterator[Any]:
        """The client's calls about data sets, each with a timeout and with these headers more."""
        from kagglesdk.datasets.services.dataset_api_service import DatasetApiClient

        with self._signed_in() as client:
            # The client lets nobody set a timeout or a header, and the older one would read the archive into memory.
            client._session.stream = True
            for scheme in ("https://", "http://"):
                client._session.mount(scheme, _Adapter(timeout, headers or {}))
            yield DatasetApiClient(client)

    def _signed_in(self) -> Any:
        """The client's HTTP client, with the token or the user name and key that it finds."""
        from kagglesdk.kaggle_http_client import KaggleHttpClient

        if _has_token():
            # Importing the whole client would ask Kaggle about the token, without a timeout.
            return KaggleHttpClient()
        # Importing it signs in already; both may print and exit.
        with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
            try:
                from kaggle.api.kaggle_api_extended import KaggleApi

                api = KaggleApi()
                api.authenticate()
            except SystemExit:
                raise MedcnnError(self._no_credentials) from None
        # At debug level, which the client's VERBOSE switches on, urllib3 logs signed addresses.
        logging.getLogger("urllib3").setLevel(logging.WARNING)
        # Verbose, it would print the key and read the whole archive into memory.
        api.args = [argument for argument in api.args if argument != "--verbose"]
        return api.build_kaggle_client().http_client()

    @contextmanager
    def _translated_errors(self) -> Iterator[None]:
        """Put faults of the client in our own words: its texts may hold the token."""
        try:
            yield
        except (json.JSONDecodeError, KeyError, TypeError):
            raise MedcnnError(f"{self.name}: {_UNREADABLE}") from None
        except ValueError:
            # From http.client and requests, about a header.
            raise MedcnnError(f"{self.name}: the Kaggle token or key has characters that cannot be sent") from None
        except OSError as error:
            if isinstance(error, requests.RequestException):
                raise
            # The older client has nothing but this to say that there are no credentials. The newer one tries the
            # token as a file name: leave the name out.
            if error.errno is None:
                raise MedcnnError(self._no_credentials) from None
            raise MedcnnError(f"{self.name}: the Kaggle client failed: {error.strerror}") from None

    @property
    def _no_credentials(self) -> str:
        return (
            f"{self.name}: no Kaggle credentials found: set KAGGLE_API_TOKEN, or KAGGLE_USERNAME and KAGGLE_KEY, or "
            "write ~/.kaggle/access_token (not with Python 3.10) or ~/.kaggle/kaggle.json; "
            f"{self._instead}"
        )

    @property
    def _instead(self) -> str:
        source = f"studies.{self._study}.source"
        return f"without an account use a local archive: -S {source}.kind=archive -S {source}.path=FILE.zip"


def _has_token() -> bool:
    try:
        from kagglesdk.kaggle_env import get_access_token_from_env
    except ImportError:
        # The older client looks nowhere else.
        return "KAGGLE_API_TOKEN" in os.environ
    token, _ = get_access_token_from_env()
    return token is not None


class _Adapter(HTTPAdapter):
    """Sends requests with a timeout and extra headers."""

    def __init__(self, timeout: tuple[float, float], headers: Mapping[str, str]) -> None:
        super().__init__()
        self._timeout = timeout
        self._headers = headers

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        request.headers.update(self._headers)
        return super().send(request, *args, **{**kwargs, "timeout": self._timeout})
