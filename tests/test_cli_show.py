"""`poet show`: the woven source of files, modules and functions, of none of which it runs a line."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from poet_import.cli import poet

SHOP = '''\
from poet_import import poet


@poet
def price(sku: str, quantity: int = 1) -> float:
    """Return the price."""
    return 1.5 * quantity


class Basket:
    @poet(retries=2)
    def total(self, prices: list[float]) -> float:
        return sum(prices)

    @property
    def size(self) -> int:
        return 0

    @size.setter
    def size(self, value: int) -> None:
        pass


def plain():
    def inner():
        return 1

    return inner
'''

Invoke = Callable[..., Result]


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in a directory that holds shop.py, with a cache of its own and none of the caller's settings."""
    for variable in [name for name in os.environ if name.startswith("POET_")]:
        monkeypatch.delenv(variable)
    monkeypatch.setenv("POET_CACHE_DIR", str(tmp_path / "cache"))
    for variable in ("NO_COLOR", "PYTHONDONTWRITEBYTECODE"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.chdir(tmp_path)
    write("shop.py", SHOP)
    return tmp_path


@pytest.fixture
def invoke() -> Invoke:
    def call(*arguments: str) -> Result:
        return CliRunner().invoke(poet, arguments, prog_name="poet")

    return call


def write(path: str, text: str) -> None:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(text, encoding="utf-8")


def test_show_prints_the_woven_module(invoke: Invoke) -> None:
    result = invoke("show", "shop.py")

    assert result.exit_code == 0
    assert "# perceive" in result.stdout
    assert "def plain():" in result.stdout
    compile(result.stdout, "shop.py", "exec")


def test_show_prints_one_function_with_its_decorators(invoke: Invoke) -> None:
    result = invoke("show", "shop.py::price")

    assert result.stdout.startswith("@poet\ndef price(")
    assert "# perceive" in result.stdout
    assert "class Basket" not in result.stdout


def test_show_prints_a_method_without_its_indentation(invoke: Invoke) -> None:
    assert invoke("show", "shop.py::Basket.total").stdout.startswith("@poet(retries=2)\ndef total(")


def test_show_prints_every_accessor_of_a_name(invoke: Invoke) -> None:
    assert invoke("show", "shop.py::Basket.size").stdout == (
        "@property\ndef size(self) -> int:\n    return 0\n\n"
        "@size.setter\ndef size(self, value: int) -> None:\n    pass\n"
    )


@pytest.mark.parametrize(
    "name", [pytest.param("plain.inner", id="dotted"), pytest.param("plain.<locals>.inner", id="qualname")]
)
def test_show_finds_a_nested_function(invoke: Invoke, name: str) -> None:
    assert invoke("show", f"shop.py::{name}").stdout == "def inner():\n    return 1\n"


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        pytest.param("prise", "did you mean price?", id="near"),
        pytest.param("xyzzy", "did you mean price or Basket.total or", id="far"),
    ],
)
def test_show_names_the_functions_there_are(invoke: Invoke, name: str, hint: str) -> None:
    result = invoke("show", f"shop.py::{name}")

    assert result.exit_code == 1
    assert f"shop.py has no function {name}; {hint}" in result.stderr


def test_show_of_a_name_in_a_file_without_functions_says_so(invoke: Invoke) -> None:
    write("empty.py", "")

    assert "empty.py has no function f; it has none at all" in invoke("show", "empty.py::f").stderr


def test_show_of_a_file_without_poet_prints_it_and_says_so(invoke: Invoke) -> None:
    write("plain.py", "x = 1")

    result = invoke("show", "plain.py")

    assert result.stdout == "x = 1\n"
    assert "plain.py has no @poet function" in result.stderr


@pytest.mark.parametrize(
    "target",
    [
        pytest.param("stock.shop", id="module"),
        pytest.param("stock.shop:price", id="function"),
        pytest.param("stock.shop::price", id="function-as-in-a-file"),
    ],
)
def test_show_finds_a_module_without_importing_its_package(invoke: Invoke, target: str) -> None:
    write("stock/__init__.py", "raise RuntimeError('imported')")
    write("stock/shop.py", SHOP)

    result = invoke("show", target)

    assert result.exit_code == 0
    assert "# perceive" in result.stdout


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("nowhere", id="missing"),
        pytest.param("nowhere.inner", id="missing-package"),
        pytest.param("shop.inner", id="in-a-plain-module"),
        pytest.param("sys", id="built-in"),
    ],
)
def test_show_of_what_has_no_source_is_a_failure(invoke: Invoke, name: str) -> None:
    result = invoke("show", name)

    assert result.exit_code == 1
    assert f"no such file or module: {name}; give a path" in result.stderr


def test_show_of_a_broken_file_says_where_it_breaks(invoke: Invoke) -> None:
    write("broken.py", "from poet_import import poet\ndef f(:\n")

    result = invoke("show", "broken.py")

    assert result.exit_code == 1
    assert "Error: broken.py:2: invalid syntax" in result.stderr


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        pytest.param(b"x = '\xe9'\n", "latin.py: invalid or missing encoding declaration", id="in-the-first-line"),
        pytest.param(b"\n\n\nx = '\xe9'\n", "latin.py: 'utf-8' codec can't decode byte 0xe9", id="later"),
    ],
)
def test_show_of_a_file_in_another_encoding_says_so(content: bytes, complaint: str, invoke: Invoke) -> None:
    Path("latin.py").write_bytes(content)

    result = invoke("show", "latin.py")

    assert result.exit_code == 1
    assert f"Error: {complaint}" in result.stderr


def test_show_of_what_cannot_be_woven_says_why(invoke: Invoke) -> None:
    write("taken.py", SHOP + "_poet_timer = 1\n")

    result = invoke("show", "taken.py")

    assert result.exit_code == 1
    assert "Error: taken.py: the name _poet_timer belongs to woven code" in result.stderr


@pytest.mark.parametrize(
    ("decorator", "reason"),
    [
        pytest.param("@poet(**OPTIONS)", "its options are known, or refused, only when the module runs", id="dynamic"),
        pytest.param("@numba.njit\n@poet", "numba.njit compiles it from its bytecode", id="compiled"),
    ],
)
def test_show_says_what_stays_as_it_is_and_why(decorator: str, reason: str, invoke: Invoke) -> None:
    source = f"import numba\nfrom poet_import import poet\n\n{decorator}\ndef f(x: int): ...\n"
    write("dynamic.py", source)

    result = invoke("show", "dynamic.py")

    assert result.stdout == source
    assert result.stderr == f"dynamic.py: f stays as it is: {reason}\n"


def test_show_of_a_folder_is_a_failure(invoke: Invoke) -> None:
    write("stock/__init__.py", "")

    assert invoke("show", "stock").exit_code == 1


def test_show_highlights_on_a_terminal(on_terminal: Callable[..., str]) -> None:
    assert "\x1b[" in on_terminal("show", "shop.py::price")


def test_no_color_is_respected(on_terminal: Callable[..., str]) -> None:
    assert "\x1b[" not in on_terminal("show", "shop.py::price", NO_COLOR="1")
