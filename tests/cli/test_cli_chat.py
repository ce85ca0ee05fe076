"""``pingtoken chat`` against the sandbox."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from pingtoken_sdk.testing import SandboxAccount

from .conftest import Run, clean_environment

MODEL = "gpt-4o-mini"


def test_the_answer_is_on_stdout_and_the_cost_on_stderr(
    run: Run, at_home: dict[str, str], account: SandboxAccount
) -> None:
    ran = run("chat", "-m", MODEL, "--max-tokens", "30", "Why is the sky blue?", env=at_home)
    assert ran.code == 0
    assert ran.out.strip()
    assert ran.out.endswith("\n")
    (attempt,) = account.calls()
    assert f"{attempt['input_tokens']} tokens in, {attempt['output_tokens']} out" in ran.err
    assert "CNY, says the platform" in ran.err
    assert "ok, first token" in ran.err
    assert account.api_key not in ran.out + ran.err


def test_json_holds_answer_usage_cost_and_attempts(
    run: Run, at_home: dict[str, str], account: SandboxAccount
) -> None:
    ran = run("chat", "-m", MODEL, "--json", "--system", "Be brief.", stdin="为什么？", env=at_home)
    assert ran.code == 0
    answer = json.loads(ran.out)
    (attempt,) = account.calls()
    assert answer["complete"] is True
    assert answer["text"] == answer["completion"]["choices"][0]["message"]["content"] != ""
    assert answer["usage"]["completion_tokens"] == attempt["output_tokens"]
    assert answer["cost"] == {
        "amount": attempt["cost"],
        "currency": "CNY",
        "source": "platform",
        "price": None,
    }
    assert [one["outcome"] for one in answer["attempts"]] == ["ok"]
    assert answer["request_id"] == attempt["request_id"]


def test_a_stream_that_breaks_shows_what_came_and_fails(
    run: Run, at_home: dict[str, str], account: SandboxAccount
) -> None:
    account.faults.add("cut", after_chunks=3)
    plain = run("chat", "-m", MODEL, "Tell me a long story.", env=at_home)
    assert plain.code == 1
    assert plain.out.strip()
    assert "broke after content" in plain.err
    assert "possibly billed" in plain.err
    for_programs = run("chat", "-m", MODEL, "--json", "Tell me a long story.", env=at_home)
    partial, error = map(json.loads, for_programs.out.splitlines())
    assert for_programs.code == 1
    assert partial["complete"] is False
    assert partial["text"]
    assert error["error"]["type"] == "StreamInterruptedError"


def test_a_failover_is_told_and_is_no_failure(
    run: Run, at_home: dict[str, str], account: SandboxAccount
) -> None:
    for edge in account.edge_names[1:]:
        account.faults.add("error", edge=edge, code="edge_overloaded")
    seen = set()
    for _ in range(8):
        ran = run("chat", "-m", MODEL, "--json", "--max-tokens", "5", "hi", env=at_home)
        assert ran.code == 0
        attempts = json.loads(ran.out)["attempts"]
        assert attempts[-1]["edge"] == account.edge_names[0]
        seen.add(len(attempts))
        if max(seen) > 1:
            return
    pytest.fail("in eight runs no call met a failing edge")


def test_a_wrong_key(run: Run, at_home: dict[str, str]) -> None:
    key = "pt-canary-0123456789"
    ran = run("chat", "-m", MODEL, "hi", env={**at_home, "PINGTOKEN_API_KEY": key})
    assert ran.code == 1
    assert "token" in ran.err
    assert "PINGTOKEN_API_KEY" in ran.err
    assert key not in ran.out + ran.err
    assert len(ran.err.splitlines()) == 2


@pytest.mark.parametrize("key", ["", "  ", "pt-canary\nx"])
def test_a_key_that_is_none(run: Run, at_home: dict[str, str], key: str) -> None:
    ran = run("chat", "-m", MODEL, "hi", env={**at_home, "PINGTOKEN_API_KEY": key})
    assert ran.code == 2
    assert "canary" not in ran.out + ran.err


def test_a_model_that_does_not_exist_has_near_names(run: Run, at_home: dict[str, str]) -> None:
    ran = run("chat", "-m", "gpt-4o-mimi", "hi", env=at_home)
    assert ran.code == 1
    assert "gpt-4o-mini" in ran.err


def test_no_network(run: Run, at_home: dict[str, str]) -> None:
    closed = {"PINGTOKEN_EDGES": "http://127.0.0.1:9", "PINGTOKEN_BASE_URL": "http://127.0.0.1:9"}
    ran = run("chat", "-m", MODEL, "--json", "hi", env={**at_home, **closed})
    assert ran.code == 1
    assert "127.0.0.1:9" in ran.err
    assert json.loads(ran.out)["error"]["type"] == "APIConnectionError"


def test_a_base_url_without_scheme_is_misuse(run: Run, at_home: dict[str, str]) -> None:
    ran = run("chat", "-m", MODEL, "hi", "--base-url", "llm.example.com/v1", env=at_home)
    assert ran.code == 2
    assert "https://llm.example.com/v1" in ran.err


def test_the_key_may_come_from_a_file(
    run: Run, at_home: dict[str, str], account: SandboxAccount, tmp_path: Path
) -> None:
    file = tmp_path / "key"
    file.write_text(account.api_key + "\n", encoding="utf-8")
    without = {name: value for name, value in at_home.items() if name != "PINGTOKEN_API_KEY"}
    ran = run("chat", "-m", MODEL, "--max-tokens", "5", "hi", "--key-file", str(file), env=without)
    assert ran.code == 0
    assert account.api_key not in ran.out + ran.err


def test_a_question_that_is_empty(run: Run, at_home: dict[str, str], account: SandboxAccount) -> None:
    ran = run("chat", "-m", MODEL, stdin="\n", env=at_home)
    assert ran.code == 2
    assert "standard input is empty" in ran.err
    assert account.calls() == []


@pytest.mark.parametrize("length", ["-5", "0", "many"])
def test_a_length_that_is_none_is_not_sent(run_here: Run, at_home: dict[str, str], length: str) -> None:
    with pytest.raises(SystemExit) as caught:
        run_here("chat", "-m", MODEL, f"--max-tokens={length}", "hi", env=at_home)
    assert caught.value.code == 2


@pytest.mark.parametrize("encoding", ["utf-8:surrogateescape", "utf-8:strict"])
def test_bytes_that_are_no_text(at_home: dict[str, str], account: SandboxAccount, encoding: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pingtoken_sdk", "chat", "-m", MODEL],
        input=b"caf\xe9 \xff",
        env={**clean_environment(**at_home), "PYTHONIOENCODING": encoding},
        capture_output=True,
        timeout=50,
        check=False,
    )
    assert done.returncode == 2
    assert b"standard input" in done.stderr
    assert b"not text in this terminal's encoding" in done.stderr
    assert b"Traceback" not in done.stderr
    assert account.calls() == []
