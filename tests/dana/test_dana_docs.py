"""The examples of docs/dana.md are what is woven, and what is said."""

import re
from pathlib import Path

import pytest
from dana_programs import woven

from poet_import import transpile
from poet_import.errors import TranspileError

PAGE = (Path(__file__).parents[2] / "docs" / "dana.md").read_text(encoding="utf-8")
PAIRS = re.findall(r"```dana before\n(.*?)```\n\n```dana after\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize(("before", "after"), PAIRS)
def test_example_is_what_is_woven(before: str, after: str) -> None:
    assert woven(before) == after


def test_page_has_examples() -> None:
    assert len(PAIRS) == PAGE.count("```dana before") == 3


def test_error_is_what_is_said() -> None:
    with pytest.raises(TranspileError) as caught:
        transpile("@poet\ndef f(x: int)\n    return x\n", language="dana")

    assert f"TranspileError: {caught.value}\n" in PAGE
    assert f"errors.{type(caught.value).__name__}" in PAGE
