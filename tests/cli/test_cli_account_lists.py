"""``account``, ``balance``, ``usage``, ``bills``, ``calls`` and ``notices`` over months that were lived through."""

from __future__ import annotations

import csv
import io
import json
from decimal import Decimal
from typing import Any

import pytest

from pingtoken_sdk.testing import Sandbox, SandboxAccount

from .conftest import Run
from .terminal import in_terminal

NOVEMBER = ("--since", "2026-11-01", "--until", "2026-12-01")


def lines(text: str) -> list[Any]:
    return [json.loads(line) for line in text.splitlines()]


def table(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_the_account_in_words_and_for_programs(run_here: Run, team: dict[str, str], past: Sandbox) -> None:
    told = json.loads(run_here("account", "--json", env=team).out)
    assert told["id"] == past.team.id
    ran = run_here("account", env=team)
    assert f"account          {past.team.id}" in ran.out
    assert "state            active" in ran.out
    assert "time zone        Asia/Shanghai" in ran.out
    assert "pingtoken notices" in ran.err
    (row,) = table(run_here("account", "--csv", env=team).out)
    assert row["timezone"] == "Asia/Shanghai"


def test_a_suspended_account_says_why_and_what_still_works(
    run_here: Run, at_home: dict[str, str], account: SandboxAccount
) -> None:
    account.set_status("overdue")
    ran = run_here("account", env=at_home)
    assert ran.code == 0
    assert "suspended (overdue) since " in ran.out
    assert "reading bills and usage, and paying in, still work" in ran.err
    assert "pingtoken bills --status overdue" in ran.err
    overdue = json.loads(run_here("bills", "--status", "overdue", "--json", env=at_home).out)
    assert [bill["status"] for bill in overdue] == ["overdue"]
    paying = run_here("balance", "top-up", "50", "CNY", "--method", "alipay", env=at_home)
    assert paying.code == 0
    assert "pay at" in paying.out


def test_the_balance(run_here: Run, at_home: dict[str, str], account: SandboxAccount) -> None:
    account.give_voucher("5 CNY", expires_at="2030-01-01", models=["gpt-4o"])
    (told,) = json.loads(run_here("balance", "--json", env=at_home).out)
    assert told["available"] == {"amount": told["available"]["amount"], "currency": "CNY"}
    ran = run_here("balance", env=at_home)
    assert "can be spent  " in ran.out
    assert "5.00 CNY, until 20" in ran.out
    assert "for gpt-4o" in ran.out
    (row,) = table(run_here("balance", "--csv", env=at_home).out)
    assert Decimal(row["available"]) == Decimal(told["available"]["amount"])
    account.change(balance="-1")
    assert "refused for want of money" in run_here("balance", env=at_home).err


def test_what_moved_the_balance_streams(run_here: Run, team: dict[str, str]) -> None:
    moved = lines(run_here("balance", "transactions", *NOVEMBER, "--json", env=team).out)
    assert {"charge"} <= {one["type"] for one in moved}
    charges = lines(
        run_here("balance", "transactions", *NOVEMBER, "--type", "charge", "--json", env=team).out
    )
    assert charges == [one for one in moved if one["type"] == "charge"]
    rows = table(run_here("balance", "transactions", *NOVEMBER, "--csv", env=team).out)
    assert [row["id"] for row in rows] == [one["id"] for one in moved]
    assert [row["amount"] for row in rows] == [one["amount"]["amount"] for one in moved]


@pytest.mark.parametrize("amount", [("-5", "CNY"), ("0", "CNY"), ("5", "USD"), ("5",), ("lots",)])
def test_an_amount_that_cannot_be_paid_in_is_refused(
    run_here: Run, at_home: dict[str, str], amount: tuple[str, ...]
) -> None:
    ran = run_here("balance", "top-up", *amount, "--method", "alipay", env=at_home)
    assert ran.code == 2
    assert len(ran.err.splitlines()) == 2
    assert ran.out == ""


def test_usage_of_a_month_is_its_calls_and_its_days(run_here: Run, team: dict[str, str]) -> None:
    told = json.loads(run_here("usage", *NOVEMBER, "--json", env=team).out)
    calls = lines(run_here("calls", *NOVEMBER, "--json", env=team).out)
    assert told["timezone"] == "Asia/Shanghai"
    assert told["totals"]["requests"] == len(calls) == sum(one["requests"] for one in told["buckets"])
    cost = sum((Decimal(call["cost"]["amount"]) for call in calls), Decimal(0))
    assert Decimal(told["totals"]["costs"][0]["amount"]) == cost
    rows = table(
        run_here("usage", *NOVEMBER, "--group-by", "model", "--group-by", "status", "--csv", env=team).out
    )
    assert sum(int(row["requests"]) for row in rows) == len(calls)
    assert {row["group_model"] for row in rows} == {call["model"] for call in calls}
    assert {row["group_status"] for row in rows} <= {"succeeded", "failed", "cancelled"}


def test_usage_as_a_table_ends_with_the_whole(run_here: Run, team: dict[str, str]) -> None:
    ran = run_here("usage", "--since", "2026-08-01", "--until", "2026-11-01", "--bucket", "month", env=team)
    head, _, *months, whole = ran.out.splitlines()
    assert head.split() == [
        "month",
        "requests",
        "failed",
        "tokens",
        "in",
        "cached",
        "tokens",
        "out",
        "cost",
        "(CNY)",
    ]
    assert [month.split()[0] for month in months] == ["2026-08", "2026-09", "2026-10"]
    assert whole.startswith("in all")
    requests = [int(line.split()[1].replace(",", "")) for line in months]
    assert int(whole.split()[2].replace(",", "")) == sum(requests)
    assert "times are of Asia/Shanghai" in ran.err


def test_the_last_days_are_whole_days_by_the_accounts_clock(run_here: Run, team: dict[str, str]) -> None:
    told = json.loads(run_here("usage", "--since", "3d", "--json", env=team).out)
    assert told["start"].endswith("T16:00:00Z")  # midnight in Shanghai
    told = json.loads(run_here("usage", "--since", "3d", "--timezone", "UTC", "--json", env=team).out)
    assert told["start"].endswith("T00:00:00Z")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--since", "2026-11-20", "--until", "2026-11-19"), "is after"),
        (("--since", "yesterday"), "--since is 'yesterday'"),
        (("--until", "2026-11-01T10:00"), "without a time zone"),
        (("--timezone", "Mars/Olympus_Mons"), "Mars/Olympus_Mons"),
        (("--since", "52w", "--bucket", "hour"), "too many"),
    ],
)
def test_a_time_that_makes_no_sense_is_refused(
    run_here: Run, team: dict[str, str], words: tuple[str, ...], said: str
) -> None:
    ran = run_here("usage", *words, env=team)
    assert ran.code == 2
    assert said in ran.err
    assert len(ran.err.splitlines()) == 2


def test_bills_and_what_they_are_made_of(run_here: Run, team: dict[str, str]) -> None:
    bills = json.loads(run_here("bills", "--json", env=team).out)
    assert [bill["status"] for bill in bills][:2] == ["open", "paid"]
    paid = bills[1]
    made_of = lines(run_here("bills", "lines", paid["id"], "--json", env=team).out)
    whole = sum((Decimal(line["amount"]["amount"]) for line in made_of), Decimal(0))
    assert whole == Decimal(paid["subtotal"]["amount"])
    shown = run_here("bills", "show", paid["id"], env=team)
    assert "period      2026-10 (Asia/Shanghai)" in shown.out
    assert "does not add up" not in shown.err
    assert json.loads(run_here("bills", "show", paid["id"], "--json", env=team).out) == paid
    rows = run_here("bills", "--since", "2026-09-01", "--until", "2026-11-01", env=team).out.splitlines()[2:]
    assert [row.split()[2] for row in rows] == ["2026-10", "2026-09"]
    first = run_here("bills", env=team)
    assert "open, estimated" in first.out.splitlines()[2]
    rows = run_here("bills", "lines", paid["id"], "--limit", "3", env=team).out.splitlines()
    assert len(rows) == 5


def test_a_bill_that_does_not_exist(run_here: Run, team: dict[str, str]) -> None:
    ran = run_here("bills", "show", "bill_none", "--json", env=team)
    assert ran.code == 1
    assert json.loads(ran.out)["error"]["type"] == "NotFoundError"
    assert len(ran.err.splitlines()) <= 2


def test_calls_are_filtered_by_the_platform(run_here: Run, team: dict[str, str]) -> None:
    every = lines(run_here("calls", "--json", env=team).out)
    assert [one["created_at"] for one in every] == sorted((one["created_at"] for one in every), reverse=True)
    model = every[0]["model"]
    for words, keep in (
        (("--model", model), lambda call: call["model"] == model),
        (("--status", "failed"), lambda call: call["status"] == "failed"),
        (("--key-id", every[0]["key_id"]), lambda call: call["key_id"] == every[0]["key_id"]),
        (
            ("--min-cost", "0.2"),
            lambda call: Decimal(call.get("cost", {"amount": "0"})["amount"]) >= Decimal("0.2"),
        ),
        (("--request-id", every[3]["request_id"]), lambda call: call["id"] == every[3]["id"]),
    ):
        found = lines(run_here("calls", *words, "--json", env=team).out)
        assert found == [call for call in every if keep(call)], words
        assert found, words
    oldest = lines(run_here("calls", "--oldest-first", "--limit", "5", "--json", env=team).out)
    assert [call["id"] for call in oldest] == [call["id"] for call in reversed(every[-5:])]


def test_a_list_goes_on_where_it_was_left(run_here: Run, team: dict[str, str]) -> None:
    every = [call["id"] for call in lines(run_here("calls", "--json", env=team).out)]
    words: list[str] = ["--since", "9000d"]
    found: list[str] = []
    while words:
        ran = run_here("calls", "--limit", "200", "--json", *words, env=team)
        assert ran.code == 0, ran.err
        found += [call["id"] for call in lines(ran.out)]
        words = ran.err.removeprefix("-- to go on: ").split()
    assert found == every


def test_calls_as_a_table_are_the_newest(run_here: Run, team: dict[str, str]) -> None:
    ran = run_here("calls", env=team)
    assert len(ran.out.splitlines()) == 52
    assert "the first 50; --limit 500 shows more" in ran.err
    call_id = ran.out.splitlines()[2].split()[-1]
    shown = run_here("calls", "show", call_id, env=team)
    assert shown.out.startswith(f"call             {call_id}\n")
    assert "tokens in" in shown.out
    told = json.loads(run_here("calls", "show", call_id, "--json", env=team).out)
    assert told["id"] == call_id


@pytest.mark.parametrize("limit", ["0", "-3"])
def test_a_limit_that_is_none_is_refused(run_here: Run, team: dict[str, str], limit: str) -> None:
    ran = run_here("calls", f"--limit={limit}", env=team)
    assert (ran.code, ran.out) == (2, "")
    assert f"--limit is {limit}" in ran.err


def test_a_cursor_of_another_list_is_refused(run_here: Run, team: dict[str, str]) -> None:
    ran = run_here("calls", "--limit", "2", "--json", env=team)
    cursor = ran.err.split()[-1]
    other = run_here("calls", "--model", "gpt-4o", "--cursor", cursor, env=team)
    assert other.code == 2
    assert "the cursor belongs to another query" in other.err


def test_a_key_where_an_id_belongs_is_not_repeated(run_here: Run, team: dict[str, str]) -> None:
    secret = team["PINGTOKEN_API_KEY"]
    for words in (
        ("calls", "show", secret),
        ("calls", "--key-id", secret),
        ("usage", "--key-id", secret),
        ("bills", "lines", secret),
        ("bills", "show", secret),
        ("keys", "show", secret),
        ("keys", "revoke", secret, "--yes"),
        ("keys", "rotate", secret, "--show-secret"),
        ("notices", "read", secret),
        ("feedback", "show", secret),
    ):
        for form in ((), ("--json",)):
            if form and "--show-secret" in words:
                continue
            ran = run_here(*words, *form, env=team)
            assert ran.code == 2, words
            assert "a key's secret" in ran.err
            assert secret not in ran.out + ran.err


def test_notices_come_unread_first(run_here: Run, at_home: dict[str, str], account: SandboxAccount) -> None:
    account.set_status("restricted")
    account.set_status("active")
    told = json.loads(run_here("notices", "--json", env=at_home).out)
    unread = [bool(notice.get("unread")) for notice in told]
    assert unread == sorted(unread, reverse=True)
    assert any(unread)
    ran = run_here("notices", env=at_home)
    assert ran.out.splitlines()[2].startswith("*  ")
    name = told[0]["id"]
    shown = run_here("notices", "show", name, env=at_home)
    assert f"notice  {name}" in " ".join(shown.out.split("\n")[0].split()) or name in shown.out
    assert told[0]["body"].split()[0] in shown.out
    assert run_here("notices", "show", "msg_none", env=at_home).code == 1
    assert run_here("notices", "read", env=at_home).code == 2
    read = run_here("notices", "read", name, "--json", env=at_home)
    assert json.loads(read.out) == {"read": [name]}
    left = json.loads(run_here("notices", "--unread", "--json", env=at_home).out)
    assert name not in [notice["id"] for notice in left]
    assert run_here("notices", "read", "--all", env=at_home).code == 0
    assert json.loads(run_here("notices", "--unread", "--json", env=at_home).out) == []
    assert "no notices" in run_here("notices", "--unread", env=at_home).err


def test_a_change_of_price_tells_the_new_one(run_here: Run, team: dict[str, str]) -> None:
    told = json.loads(run_here("notices", "--category", "price", "--json", env=team).out)
    change = next(notice for notice in told if notice["kind"] == "price_change")
    shown = run_here("notices", "show", change["id"], env=team)
    assert "new price" in shown.out
    assert "CNY per 1,000,000 tokens" in shown.out


@pytest.mark.parametrize(
    "words",
    [
        ("account",), ("balance",), ("balance", "transactions"), ("keys",), ("keys", "show"), ("bills",),
        ("usage", *NOVEMBER), ("usage", *NOVEMBER, "--group-by", "model"), ("calls",), ("notices",), ("agreements",),
    ],
    ids=" ".join,
)  # fmt: skip
def test_nothing_is_wider_than_the_terminal(team: dict[str, str], words: tuple[str, ...]) -> None:
    code, shown = in_terminal(words, team)
    assert code == 0
    table_lines = [line for line in shown.splitlines() if not line.startswith("-- ")]
    assert table_lines
    assert max(map(len, table_lines)) <= 80


def test_an_account_without_anything_says_so(run_here: Run, at_home: dict[str, str]) -> None:
    for words, said in (
        (("calls",), "no calls in that time"),
        (("feedback",), "nothing was written"),
        (("bills", "--status", "overdue"), "no bills"),
        (("usage", "--group-by", "model"), "nothing was used in that time"),
    ):
        ran = run_here(*words, env=at_home)
        assert (ran.code, ran.out, ran.err) == (0, "", f"-- {said}\n")
    assert run_here("calls", "--json", env=at_home).out == ""
    assert run_here("feedback", "--json", env=at_home).out == "[]\n"
    assert run_here("calls", "--csv", env=at_home).out.startswith("id,")


def test_json_and_csv_are_one_or_the_other(capsys: pytest.CaptureFixture[str]) -> None:
    from pingtoken_sdk.cli import main

    with pytest.raises(SystemExit) as left:
        main(["bills", "--json", "--csv"])
    assert left.value.code == 2
    assert "not allowed with" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["account", "balance", "keys", "notices", "feedback", "agreements"])
def test_what_a_platform_lacks_is_said_in_two_lines(
    run_here: Run, at_home: dict[str, str], command: str
) -> None:
    ran = run_here(command, "--dialect", "generic", "--json", env=at_home)
    assert ran.code == 1
    assert "not offered by this kind of platform (generic)" in ran.err
    assert len(ran.err.splitlines()) == 2
    assert json.loads(ran.out)["error"]["type"] == "FeatureUnavailableError"


@pytest.mark.parametrize("command", ["usage", "bills", "calls"])
@pytest.mark.parametrize("form", [(), ("--json",), ("--csv",)])
def test_an_empty_ledger_does_not_pass_for_no_use(
    run_here: Run, at_home: dict[str, str], command: str, form: tuple[str, ...]
) -> None:
    ran = run_here(command, "--dialect", "generic", *form, env=at_home)
    assert ran.code == 1
    assert "keeps no records, and a command has made no calls of its own" in ran.err
    assert "requests" not in ran.out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--newapi-user", "7"), "belong together"),
        (("--newapi-token-file", "token.txt"), "belong together"),
        (
            ("--newapi-user", "7", "--newapi-token-file", "token.txt", "--dialect", "generic"),
            "belong together",
        ),
        (
            ("--newapi-user", "7", "--newapi-token-file", "token.txt"),
            "the token file token.txt cannot be read",
        ),
    ],
)
def test_credentials_of_a_gateway_that_make_no_sense(
    run_here: Run, at_home: dict[str, str], words: tuple[str, ...], said: str
) -> None:
    ran = run_here("account", *words, env=at_home)
    assert ran.code == 2
    assert said in ran.err
