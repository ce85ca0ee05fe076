"""The cells of the notebooks that the tests open."""

from __future__ import annotations

from typing import Final

CLIENT: Final = """\
from pingtoken_sdk import PingToken, notebook
client = PingToken()
for _ in range(3):
    client.chat.completions.create(
        model="deepseek-v4-flash", messages=[{"role": "user", "content": "Hello"}], max_tokens=20
    )"""
DASHBOARD: Final = "board = notebook.dashboard(client, lang={lang!r}, budget='5 CNY')\nboard"
TABS: Final = {
    "en": ("Account", "Usage", "Bills", "Calls", "Edges", "This session"),
    "zh": ("账户", "用量", "账单", "调用记录", "节点", "本次会话"),
}
