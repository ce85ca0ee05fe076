"""``/exports``, and the files that exports and invoices lead to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ..errors import PlatformError
from ..exports import FORMATS, KINDS
from ..portions import FILTERS
from . import desk
from .form import Form
from .operations import Answer, Operation, Table, Visit
from .reading import invalid

if TYPE_CHECKING:
    from ..platform import Platform

__all__ = ["export_operations", "file_routes"]

_ALSO: Final = {"bills": "billing.read", "personal_data": "account.read"}
"""What a key needs besides ``usage.read`` for what it could not read otherwise."""


def export_operations(platform: Platform) -> Table:
    """Their table."""
    pages = _ExportPages(platform)
    return {
        "/exports": {"POST": Operation(pages.create, "usage.read", once="taken", closed=True)},
        "/exports/{export_id}": {"GET": Operation(pages.get, "usage.read", closed=True)},
    }


def file_routes(platform: Platform) -> list[Route]:
    """The files. Whoever has a link may have its file, for as long as the link works."""

    async def page(request: Request) -> Response:
        query = request.query_params
        file = platform.files.read(
            request.path_params["file_id"], query.get("until", ""), query.get("signature", "")
        )
        if file is None:
            raise PlatformError("not_found", "this link is not valid, or not any more")
        headers = {"Content-Disposition": f'attachment; filename="{file.name}"', "Cache-Control": "no-store"}
        return Response(file.body, 200, headers, file.content_type)

    return [Route("/files/{file_id}", page)]


class _ExportPages:
    """What they do."""

    def __init__(self, platform: Platform) -> None:
        self._exports = platform.exports

    def create(self, visit: Visit) -> Answer:
        body = visit.body
        body.need("kind")
        kind = body.choice("kind", KINDS) or ""
        form = body.choice("format", FORMATS) or "csv"
        start, end = (_instant(body, name) for name in ("start", "end"))
        if kind in _ALSO:
            desk.require(visit.key, _ALSO[kind])
        if start is not None and end is not None and start >= end:
            invalid("start", "an instant before end")
        answer = self._exports.create(visit.account, kind, form, start, end, _filters(body))
        return Answer(answer, 202)

    def get(self, visit: Visit) -> Answer:
        answer = self._exports.find(visit.account, visit.path("export_id"))
        if answer["kind"] in _ALSO:
            desk.require(visit.key, _ALSO[answer["kind"]])
        return Answer(answer)


def _instant(body: Form, name: str) -> Any:
    if body.is_null(name):
        invalid(name, "RFC 3339 with an offset")
    return body.instant(name)


def _filters(body: Form) -> dict[str, Any]:
    """Texts, or arrays of texts; a filter that does not exist is refused, not ignored."""
    given = body.inner("filters")
    if given is None:
        return {}
    for name, value in given.fields.items():
        texts = value if isinstance(value, list) else [value]
        if name not in FILTERS or not all(isinstance(text, str) for text in texts):
            invalid("filters", f"texts, or arrays of them, by {', '.join(FILTERS)}")
    return dict(given.fields)
