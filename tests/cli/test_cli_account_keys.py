"""``pingtoken keys``: a secret is told once, where it was asked for, and nowhere else."""

from __future__ import annotations

import csv
import io
import json
import stat
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pingtoken_sdk import PingToken
from pingtoken_sdk.testing import SandboxAccount

from .conftest import Run, clean_environment
from .terminal import in_terminal

Home = dict[str, str]


def works(account: SandboxAccount, secret: str) -> bool:
    """Whether a secret is that of a key in force: a key may always ask for itself."""
    with PingToken(api_key=secret, base_url=account.base_url) as client:
        return client.keys.current().status == "active"


def test_a_secret_into_a_file_of_ones_own(
    run_here: Run, at_home: Home, account: SandboxAccount, tmp_path: Path
) -> None:
    file = tmp_path / "key.txt"
    ran = run_here("keys", "create", "notebook", "--secret-file", str(file), env=at_home)
    assert ran.code == 0
    secret = file.read_text(encoding="utf-8").strip()
    assert works(account, secret)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert secret not in ran.out + ran.err
    assert "\nname          notebook\n" in ran.out
    assert f"the secret is in {file}, and nowhere else" in ran.err
    again = run_here("keys", "create", "second", "--secret-file", str(file), env=at_home)
    assert again.code == 2
    assert "cannot be made" in again.err
    assert file.read_text(encoding="utf-8").strip() == secret
    assert "second" not in run_here("keys", env=at_home).out


def test_a_secret_alone_on_standard_output(run_here: Run, at_home: Home, account: SandboxAccount) -> None:
    ran = run_here("keys", "create", "ci", "--show-secret", env=at_home)
    assert ran.code == 0
    assert works(account, ran.out.removesuffix("\n"))
    assert ran.out.strip() not in ran.err
    assert "told this once" in ran.err
    assert "\nname          ci\n" in ran.err


def test_a_secret_for_programs(run_here: Run, at_home: Home, account: SandboxAccount, tmp_path: Path) -> None:
    ran = run_here("keys", "create", "program", "--json", env=at_home)
    told = json.loads(ran.out)
    assert told["name"] == "program"
    assert works(account, told["secret"])
    assert "told this once" in ran.err
    file = tmp_path / "key.txt"
    told = json.loads(run_here("keys", "create", "p", "--json", "--secret-file", str(file), env=at_home).out)
    assert told["secret"] is None
    assert works(account, file.read_text(encoding="utf-8").strip())


def test_a_secret_with_nowhere_to_go_is_not_made(run_here: Run, at_home: Home) -> None:
    for words in (("create", "lost"), ("rotate", "current")):
        ran = run_here("keys", *words, env=at_home)
        assert ran.code == 2
        assert "told to nobody" in ran.err
        assert "nothing was sent" in ran.err
    assert len(json.loads(run_here("keys", "--json", env=at_home).out)) == 1


def test_a_file_stays_only_with_a_secret_in_it(run_here: Run, at_home: Home, tmp_path: Path) -> None:
    file = tmp_path / "key.txt"
    ran = run_here("keys", "create", "bad", "--ip", "no-address", "--secret-file", str(file), env=at_home)
    assert ran.code == 2
    assert "neither an address nor a CIDR block" in ran.err
    assert not file.exists()
    ran = run_here("keys", "create", "bad", "--secret-file", str(tmp_path / "no" / "key.txt"), env=at_home)
    assert ran.code == 2
    assert "cannot be made" in ran.err


def test_a_disk_that_is_full_loses_the_secret_but_not_the_way_out(at_home: Home, tmp_path: Path) -> None:
    file = tmp_path / "key.txt"
    command = [sys.executable, "-m", "pingtoken_sdk", "keys", "create", "full", "--secret-file", str(file)]
    ran = subprocess.run(
        ["sh", "-c", 'ulimit -f 0; exec "$@"', "sh", *command],
        env=clean_environment(**at_home),
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    assert ran.returncode == 1
    said = ran.stderr.splitlines()
    assert "cannot be written" in said[0]
    assert "is lost" in said[0]
    assert said[1].startswith("  'pingtoken keys rotate key_")
    assert len(said) == 2
    assert not file.exists()


def test_all_that_a_key_may_and_may_not(run_here: Run, at_home: Home) -> None:
    words = (
        "--scope", "inference", "--scope", "usage.read", "--model", "gpt-4o", "--ip", "127.0.0.0/8",
        "--spend-limit", "50 CNY/month", "--requests-per-minute", "60", "--tokens-per-minute", "200000",
        "--requests-per-day", "5000", "--concurrency", "4", "--expires", "90d", "--metadata", "team=search",
    )  # fmt: skip
    told = json.loads(run_here("keys", "create", "narrow", *words, "--json", env=at_home).out)
    assert told["scopes"] == ["inference", "usage.read"]
    assert told["allowed_models"] == ["gpt-4o"]
    assert told["allowed_ips"] == ["127.0.0.0/8"]
    assert told["spend_limit"] == {"amount": {"amount": "50", "currency": "CNY"}, "period": "month"}
    assert told["rate_limits"] == {
        "requests_per_minute": 60, "tokens_per_minute": 200000, "requests_per_day": 5000, "concurrency": 4,
    }  # fmt: skip
    left = datetime.fromisoformat(told["expires_at"]) - datetime.now(UTC)
    assert timedelta(days=89) < left <= timedelta(days=90)
    shown = run_here("keys", "show", told["id"], env=at_home)
    assert "spend limit      0.00 of 50.00 CNY/month" in shown.out
    assert "metadata         team=search" in shown.out
    assert "models           gpt-4o" in shown.out
    again = json.loads(run_here("keys", "show", told["id"], "--json", env=at_home).out)
    assert again == {name: value for name, value in told.items() if name != "secret"}
    assert told["secret"] not in shown.out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--spend-limit", "50 CNY"), "--spend-limit is '50 CNY'"),
        (("--spend-limit", "50 CNY/year"), "--spend-limit is '50 CNY/year'"),
        (("--spend-limit", "-5 CNY/month"), "the amount of spend_limit is -5 CNY"),
        (("--metadata", "team"), "--metadata is 'team'"),
        (("--expires", "soon"), "--expires is 'soon'"),
        (("--requests-per-minute", "0"), "requests_per_minute is 0"),
    ],
)
def test_a_bound_that_makes_no_sense_is_refused(
    run_here: Run, at_home: Home, words: tuple[str, str], said: str
) -> None:
    ran = run_here("keys", "create", "bad", *words, "--show-secret", env=at_home)
    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err
    assert len(ran.err.splitlines()) == 2


def test_rotating_leaves_the_old_secret_its_grace(
    run_here: Run, at_home: Home, account: SandboxAccount
) -> None:
    old = at_home["PINGTOKEN_API_KEY"]
    ran = run_here("keys", "rotate", "current", "--grace", "1h", "--show-secret", env=at_home)
    assert ran.code == 0
    new = ran.out.strip()
    assert new != old
    assert works(account, new)
    assert works(account, old)
    assert "the old secret works for another 1h" in ran.err
    ran = run_here(
        "keys", "rotate", account.key_id, "--grace", "0s", "--json", env={**at_home, "PINGTOKEN_API_KEY": new}
    )
    assert json.loads(ran.out)["id"] == account.key_id
    dead = run_here("keys", "show", env={**at_home, "PINGTOKEN_API_KEY": new})
    assert dead.code == 1
    assert new not in dead.out + dead.err


def test_a_grace_that_is_none(run_here: Run, at_home: Home) -> None:
    for grace, said in (("soon", "--grace is 'soon'"), ("52w", "grace is")):
        ran = run_here("keys", "rotate", "current", "--grace", grace, "--show-secret", env=at_home)
        assert (ran.code, ran.out) == (2, "")
        assert said in ran.err


def test_revoking_wants_a_yes(run_here: Run, at_home: Home, account: SandboxAccount) -> None:
    made = json.loads(run_here("keys", "create", "old", "--json", env=at_home).out)
    ran = run_here("keys", "revoke", made["id"], env=at_home)
    assert ran.code == 2
    assert "nobody is there to confirm it" in ran.err
    question = "Revoke it at once, on every edge? Type yes:"
    code, shown = in_terminal(("keys", "revoke", made["id"]), at_home, typed={question: "y\n"})
    assert code == 1
    assert "the key was not revoked" in shown
    assert works(account, made["secret"])
    code, shown = in_terminal(("keys", "revoke", made["id"]), at_home, typed={question: "yes\n"})
    assert code == 0
    assert f"{made['id']} is revoked" in shown
    listed = json.loads(run_here("keys", "--status", "revoked", "--json", env=at_home).out)
    assert [key["id"] for key in listed] == [made["id"]]


def test_the_key_in_use_is_spared_unless_it_is_meant(run_here: Run, at_home: Home) -> None:
    ran = run_here("keys", "revoke", "current", "--yes", env=at_home)
    assert ran.code == 1
    assert run_here("keys", "show", env=at_home).code == 0
    ran = run_here("keys", "revoke", "current", "--yes", "--allow-self", "--json", env=at_home)
    assert json.loads(ran.out)["revoked"] is True
    assert "state         revoked" in run_here("keys", "show", env=at_home).out
    assert run_here("keys", "--json", env=at_home).code == 1


def test_the_list_in_its_forms(run_here: Run, at_home: Home) -> None:
    run_here("keys", "create", "名字 one", "--json", env=at_home)
    run_here("keys", "create", "two", "--json", env=at_home)
    listed = json.loads(run_here("keys", "--json", env=at_home).out)
    assert {"名字 one", "two"} <= {key["name"] for key in listed}
    rows = list(csv.DictReader(io.StringIO(run_here("keys", "list", "--csv", env=at_home).out)))
    assert [row["id"] for row in rows] == [key["id"] for key in listed]
    only = run_here("keys", "--name", "tw", env=at_home).out.splitlines()[2:]
    assert [line.split()[1] for line in only] == ["two"]
    assert "secret" not in rows[0]


def test_a_word_in_the_wrong_place_is_not_repeated(capsys: pytest.CaptureFixture[str]) -> None:
    from pingtoken_sdk.cli import main

    for words in (
        ("keys", "list", "pt-0123456789"),
        ("keys", "--json", "pt-0123456789"),
        ("account", "pt-0123456789"),
    ):
        with pytest.raises(SystemExit) as left:
            main(words)
        assert left.value.code == 2
        said = capsys.readouterr().err
        assert "unrecognized arguments: ..." in said
        assert "pt-0123456789" not in said
