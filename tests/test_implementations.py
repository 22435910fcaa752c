"""Accepted implementations are found by what decides them, and whatever is wrong with an entry is a miss."""

import json
from pathlib import Path

import pytest

from poet_import.cache.implementations import ImplementationCache
from poet_import.model import Original, PoetOptions, Template

SOURCE = "def total(prices: list[Price]) -> float:\n    return rounded(sum(prices, json.loads(START)))\n"
MODULE = """
try:
    import json
except ImportError:
    json = None
if True:
    START: str = "0"

class Price(float):
    currency: str = "EUR"

    def text(self, *, short: bool = False) -> str:
        return str(self)

async def fetch() -> None:
    pass

def rounded(value: float, digits: int = 2) -> float:
    return round(value, digits)

def unused() -> None:
    pass
"""
TEMPLATE = Template("base", "v1", "", "digest", ("base",), prompt_digest="prompt")
RECORD = {"model": "tiny"}


def key_of(source: str = SOURCE, module: str = MODULE, generator: str = "llm a", **others: object) -> str:
    template = others.pop("template", TEMPLATE)
    original = Original(source, "total", "total", module=f"{module}\n{source}")
    options = PoetOptions(**others)  # type: ignore[arg-type]  # as the rows say
    assert isinstance(template, Template)
    return ImplementationCache(None).key(original, options, template=template, generator=generator)


SAME = {
    "comments": {"source": SOURCE.replace("    return", "    # the sum\n\n    return")},
    "blanks": {"source": SOURCE.replace("sum(prices,", "sum( prices ,")},
    "body-of-a-callee": {"module": MODULE.replace("round(value, digits)", "float(f'{value:.{digits}f}')")},
    "body-of-a-method": {"module": MODULE.replace("return str(self)", "return repr(self)")},
    "what-it-does-not-use": {"module": MODULE.replace("def unused()", "def unused(more: int)")},
    "another-place": {"module": f"import sys\n{MODULE}"},
}
OTHER = {
    "logic": {"source": SOURCE.replace("sum(", "max(")},
    "docstring": {"source": SOURCE.replace("    return", '    """Add up."""\n    return')},
    "signature-of-a-callee": {"module": MODULE.replace("digits: int = 2", "digits: int = 3")},
    "kind-of-a-callee": {"module": MODULE.replace("def rounded", "async def rounded")},
    "constant": {"module": MODULE.replace('"0"', '"1"')},
    "field-of-a-class": {"module": MODULE.replace('"EUR"', '"USD"')},
    "signature-of-a-method": {"module": MODULE.replace("short: bool = False", "short: bool = True")},
    "base-of-a-class": {"module": MODULE.replace("Price(float)", "Price(int)")},
    "import": {"module": MODULE.replace("import json", "import simplejson as json")},
    "import-in-a-handler": {"module": MODULE.replace("json = None", "import simplejson as json")},
    "options": {"retries": 1},
    "objective": {"optimize_for": "speed"},
    "template": {"template": Template("base", "v2", "", "other", ("base",), prompt_digest="prompt")},
    "prompt": {"template": Template("base", "v1", "", "digest", ("base",), prompt_digest="another")},
    "generator": {"generator": "llm b"},
}


@pytest.mark.parametrize("changed", [pytest.param(one, id=name) for name, one in SAME.items()])
def test_key_is_the_same_for_other(changed: dict[str, str]) -> None:
    assert key_of(**changed) == key_of()  # type: ignore[arg-type]  # rows of one table


@pytest.mark.parametrize("changed", [pytest.param(one, id=name) for name, one in OTHER.items()])
def test_key_differs_for_another(changed: dict[str, object]) -> None:
    assert key_of(**changed) != key_of()  # type: ignore[arg-type]  # rows of one table


def test_entry_is_found_and_told_of(tmp_path: Path) -> None:
    cache = ImplementationCache(str(tmp_path))

    path = cache.store("abc", SOURCE, RECORD)

    stored = cache.load("abc")
    assert stored is not None
    assert (path, stored.text, stored.record["model"]) == (cache.path_of("abc"), SOURCE, "tiny")
    assert (cache.keys(), cache.size() > len(SOURCE)) == (["abc"], True)
    assert [file.name for file in (tmp_path / "implementations" / "abc").iterdir() if file.name.startswith(".")] == []


@pytest.mark.parametrize(
    ("name", "content"),
    [
        pytest.param("record.json", "", id="empty-record"),
        pytest.param("record.json", "[]", id="no-object"),
        pytest.param("record.json", "[" * 100_000, id="deep-record"),
        pytest.param("record.json", '{"code_digest": "x"}', id="another-digest"),
        pytest.param("code.py", "import os\n", id="edited-code"),
        pytest.param("code.py", b"\xff", id="no-text"),
    ],
)
def test_damaged_entry_is_a_miss(tmp_path: Path, name: str, content: str | bytes) -> None:
    cache = ImplementationCache(str(tmp_path))
    cache.store("abc", SOURCE, RECORD)
    (tmp_path / "implementations" / "abc" / name).write_bytes(
        content if isinstance(content, bytes) else content.encode()
    )

    assert cache.load("abc") is None


@pytest.mark.parametrize("directory", [None, "a-file"])
def test_nothing_is_kept_where_nothing_can_be(tmp_path: Path, directory: str | None) -> None:
    (tmp_path / "a-file").write_text("")
    cache = ImplementationCache(None if directory is None else str(tmp_path / directory))

    cache.remember_failure("abc", "no", 60)

    assert (cache.store("abc", SOURCE, RECORD), cache.load("abc"), cache.failure("abc")) == (None, None, None)
    assert (cache.keys(), cache.size(), cache.clear()) == ([], 0, 0)


def test_text_that_cannot_be_written_leaves_nothing_behind(tmp_path: Path) -> None:
    cache = ImplementationCache(str(tmp_path))

    assert cache.store("abc", "x = '\ud800'\n", RECORD) is None
    assert list((tmp_path / "implementations" / "abc").iterdir()) == []


@pytest.mark.parametrize(
    "noted",
    [
        {"reason": 1, "until": 9e9},
        {"reason": "no", "until": "later"},
        {"reason": "no", "until": 9e12},
        {"reason": "no", "until": 1.0},
        {},
    ],
)
def test_failure_that_is_over_or_damaged_is_forgotten(tmp_path: Path, noted: dict[str, object]) -> None:
    cache = ImplementationCache(str(tmp_path))
    cache.remember_failure("abc", "no", 60)
    assert cache.failure("abc") == "no"

    (tmp_path / "implementations" / "abc.failed").write_text(json.dumps(noted))

    assert cache.failure("abc") is None


def test_clearing_leaves_what_is_not_ours(tmp_path: Path) -> None:
    cache = ImplementationCache(str(tmp_path))
    cache.store("abc", SOURCE, RECORD)
    cache.remember_failure("def", "no", 60)
    theirs = tmp_path / "implementations" / "abc" / "notes.txt"
    theirs.write_text("mine")

    assert cache.clear() == 1
    assert theirs.exists()
    assert (cache.load("abc"), cache.failure("def")) == (None, None)
