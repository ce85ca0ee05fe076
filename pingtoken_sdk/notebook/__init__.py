"""The account in a notebook: a dashboard, and each of its panels by itself.

::

    from pingtoken_sdk.notebook import dashboard
    dashboard(client)

Each function takes a :class:`~pingtoken_sdk.PingToken` or an :class:`~pingtoken_sdk.AsyncPingToken`, and ``lang=``
(``"en"`` or ``"zh"``; the account's language otherwise). What it returns is shown where it is the last line of a
cell; in a terminal, ``print`` shows it as text. Live panels need ``pip install 'pingtoken_sdk[notebook]'``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..client import AsyncPingToken, PingToken
    from ..types.base import Money
    from .board import Dashboard
    from .panels.account import AccountPanel
    from .panels.bills import BillsPanel
    from .panels.calls import CallsPanel
    from .panels.edges import EdgesPanel
    from .panels.meter import MeterPanel
    from .panels.usage import UsagePanel

__all__ = ["account", "bills", "calls", "dashboard", "edges", "meter", "usage"]


def dashboard(
    client: PingToken | AsyncPingToken, *, lang: str | None = None, budget: Money | str | None = None
) -> Dashboard:
    """All panels behind tabs. ``budget`` (``"5 CNY"``) is what this session's spend is shown against.

    Raises:
        ConfigurationError: In a notebook without ipywidgets; the message says what to install.
        InvalidRequestError: ``budget`` is no amount above zero.
        ValueError: ``lang`` is neither ``"en"`` nor ``"zh"``.
    """
    from .board import Dashboard

    return Dashboard(client, lang=lang, budget=budget)


def account(client: PingToken | AsyncPingToken, *, lang: str | None = None) -> AccountPanel:
    """What can be spent, the state of account and key, identity, budgets, notices. Raises as :func:`dashboard`."""
    from .panels.account import AccountPanel

    return AccountPanel(client, lang=lang)


def usage(client: PingToken | AsyncPingToken, *, lang: str | None = None) -> UsagePanel:
    """Cost, tokens or requests over time, by model, key or edge. Raises as :func:`dashboard`."""
    from .panels.usage import UsagePanel

    return UsagePanel(client, lang=lang)


def bills(client: PingToken | AsyncPingToken, *, lang: str | None = None) -> BillsPanel:
    """Bills by month, and the lines of one of them. Raises as :func:`dashboard`."""
    from .panels.bills import BillsPanel

    return BillsPanel(client, lang=lang)


def calls(client: PingToken | AsyncPingToken, *, lang: str | None = None) -> CallsPanel:
    """Call records, filtered and paged by the platform. Raises as :func:`dashboard`."""
    from .panels.calls import CallsPanel

    return CallsPanel(client, lang=lang)


def edges(client: PingToken | AsyncPingToken, *, lang: str | None = None) -> EdgesPanel:
    """The edges as the router sees them now. Raises as :func:`dashboard`."""
    from .panels.edges import EdgesPanel

    return EdgesPanel(client, lang=lang)


def meter(
    client: PingToken | AsyncPingToken, *, lang: str | None = None, budget: Money | str | None = None
) -> MeterPanel:
    """What this client spends, live while cells run. Raises as :func:`dashboard`."""
    from .panels.meter import MeterPanel

    return MeterPanel(client, lang=lang, budget=budget)
