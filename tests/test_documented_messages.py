"""The error messages that docs/tdddft.md explains are those that the code raises."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
TABLE = re.search(r"<!-- messages -->\n(.*?)<!-- end -->", (ROOT / "docs/tdddft.md").read_text(), re.DOTALL)[1]
MESSAGES = re.findall(r"^\| `([^`]+)`", TABLE, re.MULTILINE)


@pytest.fixture(scope="module")
def texts():
    """Every text of the package, f-strings with … for what is filled in."""
    found = []
    for file in (ROOT / "tdddft").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.JoinedStr):
                found.append("".join(p.value if isinstance(p, ast.Constant) else "…" for p in node.values))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.append(node.value)
    return found


def test_the_page_explains_the_messages_of_every_stage():
    assert len(MESSAGES) > 20


@pytest.mark.parametrize("message", MESSAGES)
def test_a_message_that_the_page_explains_is_raised(message, texts):
    assert any(message in text for text in texts)
