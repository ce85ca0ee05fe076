"""``client.exports``: files of call records, usage, bills or personal data."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ..dialects.operation import Operation
from ..dialects.platform import Platform
from ..errors import APIError, APITimeoutError, InvalidRequestError
from ..types.records import Export
from ..wire.download import Link, afetch, fetch
from .base import Resource, body_of
from .download import Download, first_link
from .names import Named
from .payload import Veil
from .perform import aperform, perform
from .ranges import Moment, Range, in_zone, range_of

if TYPE_CHECKING:
    from ..client import AsyncPingToken, PingToken

__all__ = ["AsyncExports", "Exports"]

_SHORTEST: Final = 0.2
_GROWTH: Final = 1.5
_LONGEST: Final = 5.0


class Exports(Resource):
    """Files that the platform makes, blocking."""

    def create(
        self,
        kind: str,
        *,
        format: str | None = None,
        start: Moment | None = None,
        end: Moment | None = None,
        filters: Mapping[str, Any] | None = None,
    ) -> Export:
        """Have a file made: of ``"call_records"``, ``"usage"``, ``"bills"`` or ``"personal_data"``, from ``start``
        until before ``end``. ``format`` is ``"csv"`` or ``"jsonl"``; ``filters`` are those of the platform's lists.

        Raises :class:`InvalidRequestError` for times that are none.
        """
        body = _body(kind, format, filters)
        return perform(self._client, _create(self._platform, body, range_of(start, end)))

    def retrieve(self, export_id: str) -> Export:
        """How an export stands; once it is ready, with a link that works for a while. Raises :class:`NotFoundError`
        for an unknown one."""
        wanted = self._named(export_id, "export")
        del export_id
        return perform(self._client, _retrieve(self._platform, wanted))

    def wait(self, export_id: str) -> Export:
        """Ask until it is ready, for as long as the client's ``timeout`` allows.

        Raises :class:`APIError` for one that failed or whose time is over, :class:`APITimeoutError` where it is not
        ready in time, and :class:`NotFoundError` for an unknown one.
        """
        wanted = self._named(export_id, "export")
        del export_id
        patience = _Patience(self._client)
        while True:
            export = perform(self._client, _retrieve(self._platform, wanted))
            if _is_ready(export):
                return export
            self._client._engine.sleep(patience.next())

    def download(self, export_id: str, path: str | os.PathLike[str]) -> Path:
        """Wait until an export is ready, and write it to ``path``, in place of what was there. The file appears whole
        or not at all, and its hash is compared. Its content is never held in memory. Returns ``path``.

        Raises :class:`InvalidRequestError` where ``path`` cannot be a file, :class:`APIResponseValidationError` for a
        file that is not the one promised, and what :meth:`wait` raises.
        """
        wanted = self._named(export_id, "export")
        del export_id
        download = Download(path)
        patience = _Patience(self._client)
        while not _is_ready(export := perform(self._client, _retrieve(self._platform, wanted))):
            self._client._engine.sleep(patience.next())
        with download:
            link: Link | None = first_link(self._client._session.options, export)
            while link is not None:
                link = download.follow(
                    link, fetch(self._client._engine, link, patience.until, download.write)
                )
            return download.finish(export)


class AsyncExports(Resource):
    """Files that the platform makes, awaiting."""

    async def create(
        self,
        kind: str,
        *,
        format: str | None = None,
        start: Moment | None = None,
        end: Moment | None = None,
        filters: Mapping[str, Any] | None = None,
    ) -> Export:
        """Have a file made: of ``"call_records"``, ``"usage"``, ``"bills"`` or ``"personal_data"``, from ``start``
        until before ``end``. ``format`` is ``"csv"`` or ``"jsonl"``; ``filters`` are those of the platform's lists.

        Raises :class:`InvalidRequestError` for times that are none.
        """
        body = _body(kind, format, filters)
        return await aperform(self._client, _create(self._platform, body, range_of(start, end)))

    async def retrieve(self, export_id: str) -> Export:
        """How an export stands; once it is ready, with a link that works for a while. Raises :class:`NotFoundError`
        for an unknown one."""
        wanted = self._named(export_id, "export")
        del export_id
        return await aperform(self._client, _retrieve(self._platform, wanted))

    async def wait(self, export_id: str) -> Export:
        """Ask until it is ready, for as long as the client's ``timeout`` allows.

        Raises :class:`APIError` for one that failed or whose time is over, :class:`APITimeoutError` where it is not
        ready in time, and :class:`NotFoundError` for an unknown one.
        """
        wanted = self._named(export_id, "export")
        del export_id
        patience = _Patience(self._client)
        while True:
            export = await aperform(self._client, _retrieve(self._platform, wanted))
            if _is_ready(export):
                return export
            await self._client._engine.sleep(patience.next())

    async def download(self, export_id: str, path: str | os.PathLike[str]) -> Path:
        """Wait until an export is ready, and write it to ``path``, in place of what was there. The file appears whole
        or not at all, and its hash is compared. Its content is never held in memory. Returns ``path``.

        Raises :class:`InvalidRequestError` where ``path`` cannot be a file, :class:`APIResponseValidationError` for a
        file that is not the one promised, and what :meth:`wait` raises.
        """
        wanted = self._named(export_id, "export")
        del export_id
        download = Download(path)
        patience = _Patience(self._client)
        while not _is_ready(export := await aperform(self._client, _retrieve(self._platform, wanted))):
            await self._client._engine.sleep(patience.next())
        with download:
            link: Link | None = first_link(self._client._session.options, export)
            while link is not None:
                answer = await afetch(self._client._engine, link, patience.until, download.write)
                link = download.follow(link, answer)
            return download.finish(export)


class _Patience:
    """When to ask again: soon at first, then less and less often, and in the end no more."""

    def __init__(self, client: PingToken | AsyncPingToken) -> None:
        self.until = time.monotonic() + client._session.options.timeouts.total
        self._pause = _SHORTEST

    def next(self) -> float:
        """The next moment to ask, on the monotonic clock. Raises :class:`APITimeoutError`."""
        at = time.monotonic() + self._pause
        if at >= self.until:
            raise APITimeoutError(
                "the export is not ready yet", hint="wait again, or allow more time with timeout="
            )
        self._pause = min(self._pause * _GROWTH, _LONGEST)
        return at


def _body(kind: str, format: str | None, filters: Mapping[str, Any] | None) -> Veil:
    if not isinstance(kind, str) or not kind:
        raise InvalidRequestError(f"kind is {kind!r:.40}", hint="give such as 'call_records'")
    if filters is not None and not isinstance(filters, Mapping):
        raise InvalidRequestError(f"filters is a {type(filters).__name__}", hint="give a mapping")
    return body_of(kind=kind, format=format, filters=None if filters is None else dict(filters))


def _create(platform: Platform, body: Veil, asked: Range) -> Operation[Export]:
    span = yield from in_zone(platform, asked)
    body.update(body_of(start=span.start, end=span.end))
    return (yield from platform.ask(lambda dialect: dialect.create_export(body)))


def _retrieve(platform: Platform, wanted: Named) -> Operation[Export]:
    name = wanted.text
    return platform.ask(lambda dialect: dialect.export(name))


def _is_ready(export: Export) -> bool:
    """Raises :class:`APIError` for an export that will never be."""
    if export.status in ("failed", "expired"):
        told = "could not be made" if export.status == "failed" else "is over"
        raise APIError(
            f"the export {told}",
            code=f"export_{export.status}",
            hint="have it made anew: client.exports.create(...)",
        )
    return export.status == "ready"
