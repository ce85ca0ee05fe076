"""The names of the room: all there, and those that only estimates need loaded late."""

from __future__ import annotations

import inspect
import subprocess
import sys

import pytest

from pingtoken_sdk import cost


def test_every_name_resolves_to_a_class_or_function_of_the_room() -> None:
    for name in cost.__all__:
        thing = getattr(cost, name)
        assert inspect.isclass(thing) or inspect.isfunction(thing), name
        assert thing.__name__ == name
        assert thing.__module__.startswith("pingtoken_sdk.cost.")


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="guess"):
        _ = cost.guess


def test_a_price_loads_no_tokenizer() -> None:
    code = (
        "import sys; from pingtoken_sdk.cost import Catalogue; Catalogue.bundled().versions('gpt-4o')[0].label;"
        "print(*sorted(name for name in sys.modules if name.startswith('pingtoken_sdk.cost.')))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == [f"pingtoken_sdk.cost.{name}" for name in ("catalogue", "charge", "prices")]
