"""``pingtoken chat``: one question, the answer as it comes, and what it cost."""

from __future__ import annotations

import argparse
import sys
from typing import Any, Final

from ..errors import StreamInterruptedError
from ..resources.stream import Stream
from ..types.chat import ChatCompletion, ChatCompletionChunk
from . import connection
from .output import amount_text, attempts_json, cost_json, print_json
from .reading import positive, read_text

__all__ = ["DESCRIPTION", "EXAMPLE", "NAME", "SUMMARY", "add_arguments", "run"]

NAME: Final = "chat"
SUMMARY: Final = "ask a model one question"
DESCRIPTION: Final = """\
Ask a model one question. The answer goes to standard output as it comes; tokens, cost and the edges that
were tried go to standard error."""
EXAMPLE: Final = """\
pingtoken chat -m deepseek-v4-pro "Why is the sky blue?"
git diff | pingtoken chat -m qwen-plus --system "Write a commit message."
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of the command."""
    parser.add_argument("question", nargs="?", help="the question; else it is read from standard input")
    parser.add_argument(
        "-m", "--model", required=True, help="the model to ask, as 'pingtoken models' names it"
    )
    parser.add_argument("--system", metavar="TEXT", help="instructions that stand before the question")
    parser.add_argument("--max-tokens", metavar="N", type=positive, help="the longest answer, in tokens")
    connection.add_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Ask, and show the answer."""
    question = read_text(args.question)
    messages = [{"role": "user", "content": question}]
    if args.system:
        messages.insert(0, {"role": "system", "content": args.system})
    with connection.open_client(args) as client:
        stream = client.chat.completions.create(
            model=args.model, messages=messages, max_tokens=args.max_tokens, stream=True
        )
        if args.json:
            return _show_json(stream)
        return _show(stream)


def _show(stream: Stream[ChatCompletionChunk]) -> int:
    ended = True
    try:
        for chunk in stream:
            text = chunk.text
            if text:
                ended = text.endswith("\n")
                print(text, end="", flush=True)
    finally:
        stream.close()
        if not ended:
            print(flush=True)
    completion = stream.completion
    for choice in completion.choices:
        for call in choice.message.tool_calls or ():
            print(f"{call.function.name}({call.function.arguments})")
    print(_summary(completion, stream), file=sys.stderr)
    return 0


def _summary(completion: ChatCompletion, stream: Stream[ChatCompletionChunk]) -> str:
    usage = completion.usage
    parts = [completion.model]
    if usage is not None:
        parts.append(f"{usage.prompt_tokens} tokens in, {usage.completion_tokens} out")
    cost = completion.cost
    if cost is None:
        parts.append(f"cost unknown: {completion.cost_note or 'no price'}")
    else:
        says = "says the platform" if cost.source == "platform" else f"by the {cost.price}"
        parts.append(f"{amount_text(cost)}, {says}")
    parts.append(" ".join(map(str, completion.attempts)))
    return f"-- {'; '.join(parts)}"


def _show_json(stream: Stream[ChatCompletionChunk]) -> int:
    try:
        completion = stream.get_final_completion()
    except StreamInterruptedError as broken:
        if broken.partial is not None:
            print_json({"complete": False, **_answer(broken.partial)})
        raise
    print_json({"complete": True, **_answer(completion)})
    return 0


def _answer(completion: ChatCompletion) -> dict[str, Any]:
    return {
        "text": completion.text,
        "completion": completion,
        "usage": completion.usage,
        "cost": cost_json(completion.cost),
        "cost_note": completion.cost_note,
        "request_id": completion.request_id,
        "attempts": attempts_json(completion.attempts),
    }
