"""The account: its money, its state, its key, and what the platform has to say."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Final

from ...types.account import Account, BalanceList, Identity, PlatformBudget
from ...types.bills import Bill
from ...types.keys import Key
from ...types.notices import Notice
from ..access import Question
from ..desk import Desk
from ..drawing import Drawn
from ..labels import Labels
from ..loading import Slot
from ..panel import Panel
from ..polling import Pace
from ..stock import rewrite
from ..views.account import account_view

__all__ = ["AccountPanel"]

_LIFETIMES: Final = {"balances": 15.0, "account": 60.0, "key": 120.0, "budgets": 120.0, "identity": 600.0}
"""Seconds in which each becomes old. A refresh is one request: for what is the oldest by this measure."""


class AccountPanel(Panel):
    """Balance against what can be spent, state of account and key, identity, budgets, notices."""

    pace: ClassVar[Pace | None] = Pace(first=60.0, longest=900.0)

    def __init__(self, client: Any, *, lang: str | None = None, desk: Desk | None = None) -> None:
        super().__init__(client, lang=lang, desk=desk)
        self._profile: Slot[Account] = self._desk.profile
        self._balances: Slot[BalanceList] = Slot("balances")
        self._key: Slot[Key] = Slot("key")
        self._identity: Slot[Identity] = Slot("identity")
        self._budgets: Slot[Sequence[PlatformBudget]] = Slot("budgets")
        self._notices: Slot[list[Notice]] = Slot("notices")
        self._overdue: Slot[Sequence[Bill]] = Slot("bills")
        self._mark: Any = None

    def _title(self, labels: Labels) -> str:
        return labels.account

    def _slots(self) -> Sequence[Slot[Any]]:
        return (
            self._balances,
            self._profile,
            self._key,
            self._identity,
            self._budgets,
            self._notices,
            self._overdue,
        )

    def _lacking(self) -> bool:
        return all(
            slot.trouble is not None and slot.trouble.unavailable for slot in (self._profile, self._balances)
        )

    def _first(self) -> None:
        self._look_closer()
        self._ask(self._balances)
        self._ask(self._key)
        self._ask(self._budgets)
        self._ask(self._notices)

    def _look_closer(self) -> None:
        """What is worth a question only in some accounts."""
        account = self._profile.value
        if account is None:
            return
        if account.identity_status not in (None, "none") and not (
            self._identity.tried or self._identity.loading
        ):
            self._ask(self._identity)
        balances = self._balances.value
        owing = any(balance.overdue for balance in balances) if balances is not None else False
        if (account.status_reason == "overdue" or owing) and not self._overdue.loading:
            self._ask(self._overdue)

    def _again(self) -> None:
        now = time.monotonic()
        due = [slot for slot in self._slots() if slot.name in _LIFETIMES and self._may_ask(slot)]
        self._ask(max(due, key=lambda slot: slot.age(now) / _LIFETIMES[slot.name], default=self._balances))

    def _may_ask(self, slot: Slot[Any]) -> bool:
        if slot is self._identity and not slot.tried:
            return False
        return slot.trouble is None or not slot.trouble.unavailable

    def _ask(self, slot: Slot[Any]) -> None:
        if slot is self._profile:
            unread = None if self._profile.value is None else self._profile.value.unread_messages
            self._desk.ask_profile(self._loader, lambda: self._after_profile(unread))
            return
        question, over = self._questions()[slot.name]
        self._loader.load(slot, question, over)

    def _questions(self) -> dict[str, tuple[Question[Any], Callable[[], None] | None]]:
        return {
            "balances": (lambda client: client.account.balances(), self._look_closer),
            "key": (lambda client: client.keys.current(), None),
            "identity": (lambda client: client.account.identity.retrieve(), None),
            "budgets": (lambda client: client.account.budgets.list().next_page(), None),
            "notices": (lambda client: client.notices.list(), None),
            "bills": (lambda client: client.bills.list(status="overdue").next_page(), None),
        }

    def _after_profile(self, unread: int | None) -> None:
        """Another number of unread messages is news, and only then are the notices asked for again."""
        account = self._profile.value
        if account is not None and account.unread_messages != unread:
            self._ask(self._notices)
        self._look_closer()

    def _content(self) -> Drawn:
        balances = self._balances.value
        view = account_view(
            self._profile.value,
            self._locale,
            now=self._now(),
            balances=() if balances is None else tuple(balances),
            key=self._key.value,
            identity=self._identity.value,
            bills=self._overdue.value or (),
            budgets=self._budgets.value or (),
            notices=self._notices.value or (),
        )
        return Drawn([view], () if balances is None else balances.to_rows())

    def _actions(self, widgets: Any) -> list[Any]:
        self._mark = widgets.Button()
        self._mark.on_click(self._do(self._mark_read))
        return [self._mark]

    def _sync_controls(self, labels: Labels, *, usable: bool) -> None:
        rewrite(self._mark, description=labels.mark_read, disabled=not usable or not self._unread())

    def _unread(self) -> list[str]:
        return [notice.id for notice in self._notices.value or () if notice.unread]

    def _mark_read(self) -> None:
        unread = self._unread()
        if unread and not self._loader.busy:
            done: Slot[Any] = Slot("mark_read")
            self._loader.load(
                done, lambda client: client.notices.mark_read(unread), over=lambda: self._ask(self._notices)
            )
