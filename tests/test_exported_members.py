"""The public names: what ``__all__`` promises is there, and nothing public is there besides."""

import re
import subprocess
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest

import poet_import
from poet_import import runtime

Run = Callable[..., "subprocess.CompletedProcess[str]"]

PACKAGE = Path(poet_import.__file__).parent


def public_names(module: ModuleType) -> set[str]:
    """Return what a user sees in a module: no private names, no modules, none of our switch for type checkers."""
    names = {name for name in dir(module) if not name.startswith("_") or name == "__version__"}
    return {name for name in names if not isinstance(getattr(module, name), ModuleType)} - {"TYPE_CHECKING"}


def test_all_names_what_the_package_has() -> None:
    assert public_names(poet_import) == set(poet_import.__all__)
    assert poet_import.__all__ == sorted(poet_import.__all__)


@pytest.mark.parametrize("name", poet_import.__all__)
def test_a_public_name_is_loaded_when_it_is_used(run_python: Run, name: str) -> None:
    result = run_python(f"import poet_import; print(poet_import.{name} is poet_import.{name})")

    assert result.stdout == "True\n", result.stderr


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'poet_import' has no attribute 'nothing'"):
        poet_import.nothing  # type: ignore[attr-defined]  # noqa: B018  (that is the point)


def test_what_is_exported_says_so_in_its_module() -> None:
    for name in poet_import.__all__:
        value = getattr(poet_import, name)
        assert getattr(value, "__module__", "poet_import").startswith("poet_import"), name


def test_the_runtime_has_all_that_it_names() -> None:
    assert sorted(runtime.__all__, key=str.lower) == sorted(set(runtime.__all__), key=str.lower)
    for name in runtime.__all__:
        assert getattr(runtime, name) is not None


def test_woven_code_calls_nothing_but_what_the_runtime_names() -> None:
    texts = [path.read_text(encoding="utf-8") for path in (PACKAGE / "source").glob("*.py")]

    called = {name for text in texts for name in re.findall(r"__poet__\.([A-Za-z_]\w*)", text)}

    assert called
    assert called <= set(runtime.__all__)


def test_errors_can_be_caught_by_one_name() -> None:
    errors = import_module("poet_import.errors")

    for name in poet_import.__all__:
        value = getattr(poet_import, name)
        if isinstance(value, type) and issubclass(value, Exception) and not issubclass(value, Warning):
            assert issubclass(value, errors.PoetError)
