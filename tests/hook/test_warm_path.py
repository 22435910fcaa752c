"""What a start costs: which modules it loads, and what the finder does for each import."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., "subprocess.CompletedProcess[str]"]
Write = Callable[..., Path]

HEAVY = [
    "libcst",
    "jinja2",
    "httpx",
    "asyncio",
    "click",
    "rich",
    "typing",
    "re",
    "inspect",
    "dataclasses",
    "hashlib",
    "enum",
    "ast",
    "contextlib",
    "functools",
    "collections",
    "appdirs",
    "warnings",
    "tokenize",
    "importlib",
    "logging",
    "threading",
    "traceback",
    "linecache",
    "string",
    "pathlib",
    "tomllib",
    "__future__",
    "types",
]
MARKED = """\
from poet_import import poet

@poet{options}
def price(sku: str, quantity: {hint}) -> float:
    return 1.5

class Basket:
    @poet
    {kind}def total(self, prices: list[float]) -> float:
        return sum(prices)
"""
LOADED = "import sys; before = set(sys.modules); {imports}; print(*sorted(set(sys.modules) - before))"


@pytest.fixture
def loaded(run_python: Run) -> Callable[[str], set[str]]:
    """Return the modules that some imports load in a fresh interpreter, without site and what it loads."""

    def call(imports: str) -> set[str]:
        result = run_python("-S", "-c", LOADED.format(imports=imports))
        assert not result.stderr, result.stderr
        return set(result.stdout.split())

    return call


def test_activation_loads_nothing_but_what_every_interpreter_has(loaded: Callable[[str], set[str]]) -> None:
    ours = loaded("import os, poet_import")

    assert ours.isdisjoint(HEAVY)
    assert {name for name in ours if name.startswith("poet_import")} == {
        "poet_import",
        "poet_import.cache",
        "poet_import.cache.bytecode",
        "poet_import.cache.directory",
        "poet_import.hook",
        "poet_import.hook.finder",
        "poet_import.hook.loader",
        "poet_import.settings",
    }


@pytest.mark.parametrize(
    ("options", "hint", "kind", "light"),
    [
        ("", "int", "", HEAVY),
        ("(retries=3, timeout=2.0)", "int", "", HEAVY),
        (
            '(domain="ml_monitoring")',
            "int",
            "async ",
            ["libcst", "jinja2", "httpx", "asyncio", "typing", "re", "inspect"],
        ),
    ],
    ids=["checks", "retry and timeout", "domain and async"],
)
def test_a_second_start_loads_nothing_heavy(
    loaded: Callable[[str], set[str]], write: Write, options: str, hint: str, kind: str, light: list[str]
) -> None:
    write(MARKED.format(options=options, hint=hint, kind=kind))
    loaded("import poet_import, shop")

    assert loaded("import poet_import, shop").isdisjoint(light)


def test_a_module_without_the_marker_loads_nothing_more(loaded: Callable[[str], set[str]], write: Write) -> None:
    write("def price(): ...\n")

    assert loaded("import poet_import, shop") == loaded("import poet_import") | {"shop"}


def test_a_plain_import_makes_few_calls(run_python: Run, write: Write) -> None:
    write("")
    code = """
import sys, poet_import
calls = []
sys.setprofile(lambda frame, event, _: event == 'call' and 'poet_import' in frame.f_code.co_filename and calls.append(frame))
import shop
sys.setprofile(None)
print(len(calls), sorted({frame.f_code.co_name for frame in calls}))
"""
    count, names = run_python(code).stdout.split(" ", 1)

    assert int(count) <= 6, names
