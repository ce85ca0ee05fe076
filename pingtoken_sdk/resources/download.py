"""A file that is being downloaded: beside its place until it is whole, then in its place at once."""

from __future__ import annotations

import hashlib
import os
import secrets
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Final, Self
from urllib.parse import urljoin, urlsplit

from ..errors import APIResponseValidationError, InvalidRequestError, of_status
from ..options import Options
from ..types.records import Export
from ..wire.download import Fetched, Link

__all__ = ["Download", "first_link"]

_MOVED: Final = frozenset({301, 302, 303, 307, 308})
_MOST_HOPS: Final = 5


class Download:
    """Bytes on their way to the file ``path``. Raises :class:`InvalidRequestError` where that can be none.

    Used in a ``with``: whatever ends that before :meth:`finish` leaves neither a file nor a part of one.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = Path(path)
        if self._path.is_dir():
            raise InvalidRequestError(f"{str(self._path)!r} is a folder", hint="name the file in it")
        if not self._path.parent.is_dir():
            raise InvalidRequestError(f"there is no folder {str(self._path.parent)!r}", hint="make it first")
        self._part = self._path.with_name(f".{self._path.name}.{secrets.token_hex(4)}.part")
        self._file: BinaryIO | None = None
        self._hash = hashlib.sha256()
        self._size = 0
        self._hops = 0

    def __enter__(self) -> Self:
        self._file = self._part.open("xb")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._file is not None
        self._file.close()
        with suppress(FileNotFoundError):  # it is in its place
            self._part.unlink()

    def write(self, data: bytes) -> None:
        """Take some more of it."""
        assert self._file is not None
        self._file.write(data)
        self._hash.update(data)
        self._size += len(data)

    def follow(self, link: Link, answer: Fetched) -> Link | None:
        """Where to go on after ``answer``; ``None`` where it was the file. Raises :class:`APIStatusError`, and
        :class:`APIResponseValidationError` for a way that is not to be gone."""
        if answer.status == 200:
            return None
        if answer.status in _MOVED and answer.location is not None:
            self._hops += 1
            if self._hops > _MOST_HOPS:
                raise APIResponseValidationError("the link to the file leads from one page to the next")
            return link.moved(_target(link.url, answer.location, secure=link.secure))
        raise of_status(answer.status)(
            f"the link to the file was answered with {answer.status}",
            status_code=answer.status,
            hint="links work for a while only: retrieve the export again",
        )

    def finish(self, export: Export) -> Path:
        """Put the file in its place. Raises :class:`APIResponseValidationError` where it is not the one promised."""
        assert self._file is not None
        if export.bytes is not None and export.bytes != self._size:
            raise _another(f"it has {self._size} bytes, and {export.bytes} were promised")
        if export.sha256 is not None and export.sha256.lower() != self._hash.hexdigest():
            raise _another("its SHA-256 is not the one promised")
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        self._part.replace(self._path)
        return self._path


def first_link(options: Options, export: Export) -> Link:
    """The link to an export that is ready. The key goes along to the host of ``base_url`` alone.

    Raises :class:`APIResponseValidationError` for a link that is not to be followed.
    """
    if export.download_url is None:
        raise APIResponseValidationError("the export is ready, but there is no link to it")
    home = urlsplit(options.base_url)
    secure = home.scheme == "https"
    url = _target(options.base_url + "/", export.download_url, secure=secure)
    return Link(url, secure, options.timeouts.connect, _origin(options.base_url), options.key.authorization())


def _target(here: str, link: str, *, secure: bool) -> str:
    """Where ``link``, found at ``here``, leads. Raises :class:`APIResponseValidationError`."""
    try:
        url = link if urlsplit(link).scheme else urljoin(here, link)
        parts = urlsplit(url)
        fine = bool(parts.hostname) and parts.username is None and (parts.port or 1) > 0
        fine = fine and parts.scheme in (("https",) if secure else ("https", "http"))
    except ValueError:
        fine = False
    if not fine:
        raise APIResponseValidationError(
            "the link to the file is none that may be followed",
            hint="it must be https, as base_url is" if secure else "it must be http or https",
        )
    return url


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.lower()}"


def _another(told: str) -> APIResponseValidationError:
    return APIResponseValidationError(f"the file is not the one promised: {told}", hint="download it again")
