"""``transpile(source, language="dana")``: the same call, the same metadata, Dana in the place of Python."""

import subprocess
import sys
from pathlib import Path

import pytest

from poet_import import PoetFallbackWarning, Settings, atranspile, transpile
from poet_import.errors import TranspileError

TWO = """import math.py as math
@poet(domain="api_operations", timeout=2, on_violation="warn")
def area(width: float) -> float:
    return width * math.pi
@poet
def name(word: str):
    return word
"""
OFFLINE = Settings()


def test_source_is_transpiled_whole() -> None:
    done = transpile(TWO, language="dana", settings=OFFLINE)

    assert done.to_dict()["poet_implementation"] == {"code": done.code, "language": "dana"}
    assert "# @poet\ndef name(word: str):\n    # perceive\n" in done.code
    assert done.operate is None


def test_metadata_is_of_the_first_function_and_lists_all() -> None:
    metadata = transpile(TWO, language="dana", settings=OFFLINE).metadata

    assert metadata["decorator_params"] == {"domain": "api_operations", "timeout": 2}
    assert metadata["options"] == {"on_violation": "warn", "semantics": "preserve"}
    assert metadata["phases_included"] == ["perceive", "operate", "enforce"]
    assert (metadata["original_function_name"], metadata["source"]) == ("area", "none")
    assert metadata["enhancements"]
    (said,) = metadata["warnings"]
    assert "nothing in Dana stops a running function" in said
    assert [row["original_function_name"] for row in metadata["functions"]] == ["area", "name"]


def test_phases_hold_train_only_with_an_objective() -> None:
    source = '@poet(optimize_for="accuracy")\ndef f(x):\n    return x\n'

    metadata = transpile(source, language="dana", settings=OFFLINE).metadata

    assert metadata["phases_included"] == ["perceive", "operate", "enforce", "train"]


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        pytest.param({"generator": "remote", "service_url": "http://127.0.0.1:1"}, "cannot be reached", id="service"),
        pytest.param({"generator": "remote"}, "set POET_SERVICE_URL", id="service that is not configured"),
        pytest.param({"generator": "llm", "model": "nobody"}, "name its provider", id="model that is not configured"),
    ],
)
def test_generator_that_cannot_be_asked_is_a_fallback(settings: dict[str, str], reason: str, tmp_path: Path) -> None:
    chosen = Settings(mode="eager", cache_dir=str(tmp_path), **settings)

    with pytest.warns(PoetFallbackWarning, match=reason):
        metadata = transpile("@poet\ndef f(x):\n    return x\n", language="dana", settings=chosen).metadata

    assert metadata["source"] == "fallback"


async def test_asynchronous_call_gives_the_same() -> None:
    done = await atranspile(TWO, language="dana", settings=OFFLINE)

    assert done == transpile(TWO, language="dana", settings=OFFLINE)


def test_imports_of_the_context_stand_above_it() -> None:
    source, context = "@poet\ndef f(x):\n    return x\n", {"imports": ["import math.py", "from a import b"]}

    done = transpile(source, language="dana", context=context)

    assert done.code.startswith("import math.py\nfrom a import b\n# @poet\n")


@pytest.mark.parametrize("imports", [["print(1)"], ["import"], [1], "import a"])
def test_what_is_no_import_is_refused(imports: object) -> None:
    with pytest.raises(TranspileError, match=r"context\.imports.*import statements"):
        transpile("@poet\ndef f(x):\n    return x\n", language="dana", context={"imports": imports})


@pytest.mark.parametrize(
    ("source", "found"),
    [
        pytest.param("def f(x):\n    return x\nstruct A:\n    x: int\nx = 1\n", "f, A", id="others"),
        pytest.param("x = 1\n", "no function at all", id="nothing"),
    ],
)
def test_source_without_a_mark_is_refused(source: str, found: str) -> None:
    with pytest.raises(TranspileError, match=f"no function is marked with @poet; found {found}"):
        transpile(source, language="dana")


def test_syntax_error_tells_where_and_what_was_expected() -> None:
    with pytest.raises(TranspileError) as caught:
        transpile("@poet\ndef f(x)\n    return x\n", language="dana")

    assert str(caught.value) == "<source>:2:9: unexpected the end of the line: expected '->' or ':'"


def test_unknown_language_is_refused() -> None:
    with pytest.raises(TranspileError, match="this version transpiles 'python' and 'dana'"):
        transpile("", language="cobol")


WITHOUT_THE_EXTRA = """
import sys
sys.modules["lark"] = None  # as where it is not installed
from poet_import import transpile
from poet_import.service.programs import is_available
try:
    transpile("@poet\\ndef f(x):\\n    return x\\n", language="dana")
except Exception as error:
    print(type(error).__name__, error, is_available())
"""


def test_missing_extra_is_named() -> None:
    ran = subprocess.run([sys.executable, "-c", WITHOUT_THE_EXTRA], check=True, capture_output=True, text=True)

    assert ran.stdout == "TranspileError language 'dana' needs the extra dana: pip install 'poet-import[dana]' False\n"


def test_another_missing_module_is_a_fault_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("poet_import.dana")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "poet_import.dana.literals", None)

    with pytest.raises(ModuleNotFoundError):
        transpile("@poet\ndef f(x):\n    return x\n", language="dana")


def test_python_does_not_load_what_dana_needs() -> None:
    program = "import sys, poet_import; poet_import.transpile('@poet\\ndef f(): pass'); print('lark' in sys.modules)"

    ran = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)

    assert ran.stdout == "False\n"
