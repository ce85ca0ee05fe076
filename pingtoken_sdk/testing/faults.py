"""The fault script of an account of the sandbox."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .process import Sandbox

__all__ = ["Faults"]


class Faults:
    """The fault script of one account.

    Of the wire (bytes of one exchange; ``origin`` says whether the platform ``"completes"`` and bills the call, is
    ``"aborted"`` with it, or the request stays ``"unsent"``):

    ``reset`` (``when="before_headers" | "mid_headers" | "mid_body"``; completes);
    ``cut`` (``after_chunks`` or ``after_bytes`` of body, ``how="close" | "reset"``; aborted);
    ``silent`` (``after_chunks``; unsent, or completes once some chunks were given);
    ``slow`` (``delay`` s, ``bytes_per_second``); ``dribble`` (one byte a packet); ``split_utf8`` (``pause`` s).
    A chunk is one ``data:`` event of a stream.

    Of the platform: ``brownout`` (``factor`` times slower); ``error`` (``code``, ``status``, ``retry_after``);
    ``rate_limit`` (``retry_after`` s, ``form="seconds" | "milliseconds" | "date" | "absent" | "absurd"``,
    ``scope="edge" | "key" | "absent"``, ``code``); ``html`` (``status``, 502); ``error_in_200`` (``code``,
    ``after_chunks``); ``unfinished`` (a stream without its end, ``after_chunks``); ``gzip``; ``keepalive_flood``
    (``interval`` s); ``huge_headers`` (``bytes``); ``truncated_json``; ``wrong_shape``.

    Of a whole edge: ``refused``; ``reset_on_connect``.
    """

    def __init__(self, sandbox: Sandbox, account_id: str) -> None:
        self._sandbox = sandbox
        self._account_id = account_id

    def add(
        self, what: str, *, edge: str | None = None, requests: str | int | None = None, **more: Any
    ) -> str:
        """Order a fault and return its id.

        ``requests`` names which of this account's inference requests over ``edge`` (any edge if ``None``) it
        strikes, counted from 1 since it was added: ``2``, ``"3-5"``, ``"3-"``; ``None`` is all, until cleared.
        ``more`` may also hold ``count``, ``share`` (0..1), ``after`` and ``seconds`` (a window), ``path``
        (``"inference"``, ``"all"``, or the end of a path). ``refused`` and ``reset_on_connect`` strike a whole
        edge: use them on :meth:`SandboxAccount.private_edges`.
        """
        script: dict[str, Any] = {"what": what, **more}
        if edge is not None:
            script["edge"] = edge
        if requests is not None:
            script["requests"] = requests
        if what not in {"refused", "reset_on_connect"}:
            script["account"] = self._account_id
        rule: str = self._sandbox.admin("POST", "/faults", script)["id"]
        return rule

    def list(self) -> list[dict[str, Any]]:
        """This account's rules, with how many requests each saw and struck."""
        rules = self._sandbox.admin("GET", "/faults")["data"]
        return [rule for rule in rules if rule["account"] == self._account_id]

    def clear(self, rule: str | None = None) -> None:
        """Take one rule out, or all of this account's."""
        self._sandbox.admin("DELETE", "/faults", {"id": rule} if rule else {"account": self._account_id})

    def clear_edge(self, edge: str) -> None:
        """Take every rule of an edge out, the listener's too."""
        self._sandbox.admin("DELETE", "/faults", {"edge": edge})
