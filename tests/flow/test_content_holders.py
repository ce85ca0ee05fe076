"""What may hold a prompt, an answer or a key has a repr of its own, and is nothing that a reporter looks into."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from pingtoken_sdk.dialects.meaning import Verdict
from pingtoken_sdk.flow.call import Call, Whole
from pingtoken_sdk.flow.effects import Answer, Data, Request, Secret
from pingtoken_sdk.flow.stream import Broken


@pytest.mark.parametrize("kind", [Answer, Broken, Call, Data, Request, Secret, Verdict, Whole])
def test_it_is_closed(kind: type) -> None:
    assert "__repr__" in vars(kind)
    assert "__dict__" not in dir(kind)
    assert not issubclass(kind, Iterable)
