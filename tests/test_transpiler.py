from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from poet_import.errors import TranspileError
from poet_import.model import PoetOptions
from poet_import.source import compiling
from poet_import.templates import TemplateStore, template_roots
from poet_import.transpiler import transpile
from poet_import.transpiler.weaving import weave_source
from poet_import.transpiler.woven import row_of

STORE = TemplateStore(template_roots())
TWO = """from poet_import import poet

@poet(domain="api_operations", retries=3, on_violation="warn")
def fetch(url: str) -> str:
    return get(url)

class Shop:
    @poet
    def price(self, sku: str) -> float:
        return look_up(sku)
"""


def test_code_is_the_whole_woven_source_without_its_markers() -> None:
    result = transpile(TWO)

    woven = weave_source(TWO, "<source>", store=STORE).text
    markers = (
        "from poet_import import poet\n",
        '@poet(domain="api_operations", retries=3, on_violation="warn")\n',
        "    @poet\n",
    )
    for marker in markers:
        assert woven.count(marker) == 1
        woven = woven.replace(marker, "")
    assert result.code == woven
    assert result.operate is None


HEADS = {
    "bare": ("@poet\ndef f():\n    pass\n", "def f():\n    pass\n"),
    "imported": ("from poet_import import poet as p\n@p\ndef f():\n    pass\n", "def f():\n    pass\n"),
    "imported-with-more": (
        "from poet_import import poet, status\n@poet\ndef f():\n    pass\n",
        "from poet_import import poet, status\ndef f():\n    pass\n",
    ),
    "used-elsewhere": (
        "from poet_import import poet\n@poet\ndef f():\n    pass\nh = poet\n",
        "from poet_import import poet\ndef f():\n    pass\nh = poet\n",
    ),
    "by-the-package": (
        "import poet_import\n@poet_import.poet\ndef f():\n    pass\n",
        "import poet_import\ndef f():\n    pass\n",
    ),
    "between-others": ("@a\n@poet(\n    retries=0,\n)\n@b\ndef f():\n    pass\n", "@a\n@b\ndef f():\n    pass\n"),
    "sign-on-its-own-line": ("x = 1\n@\\\npoet\ndef f():\n    pass\n", "x = 1\ndef f():\n    pass\n"),
    "options-of-the-program": (
        "@poet(retries=N)\ndef f():\n    pass\n",
        "from poet_import import poet\n@poet(retries=N)\ndef f():\n    pass\n",
    ),
    "retry-on-of-the-program": ("@poet(retry_on=E)\ndef f():\n    pass\n", None),
}


@pytest.mark.parametrize(("source", "code"), HEADS.values(), ids=HEADS)
def test_markers_that_have_done_their_work_are_left_out(source: str, code: str | None) -> None:
    found = (
        transpile(source).code.replace("import poet_import.runtime as __poet__\n", "").replace("    # operate\n", "")
    )

    assert found == (code or f"from poet_import import poet\n{source}")


@pytest.mark.parametrize("options", ["retries=2", "retries=2, retry_on=KINDS"])
def test_code_runs_by_itself_with_each_phase_once(options: str) -> None:
    source = f"@poet({options})\ndef f(x: int) -> int:\n    log.append(x)\n    raise ConnectionError\n"
    namespace: dict[str, object] = {"log": [], "KINDS": (ConnectionError,)}
    exec(transpile(source).code, namespace)

    with pytest.raises(ConnectionError):
        namespace["f"](1)  # type: ignore[operator]  # a function

    assert namespace["log"] == [1, 1, 1]


def test_metadata_is_that_of_the_first_function_and_lists_all() -> None:
    metadata = transpile(TWO).metadata

    assert metadata["original_function_name"] == "fetch"
    assert metadata["decorator_params"] == {"domain": "api_operations", "retries": 3}
    assert metadata["options"] == {"on_violation": "warn", "semantics": "preserve"}
    assert metadata["phases_included"] == ["perceive", "operate", "enforce"]
    assert metadata["source"] == "none"
    assert [row["original_function_name"] for row in metadata["functions"]] == ["fetch", "price"]  # type: ignore[attr-defined]


def test_response_leaves_out_what_does_not_apply() -> None:
    result = transpile(TWO).to_dict()

    assert result["poet_implementation"] == {"code": transpile(TWO).code, "language": "python"}


def test_function_with_options_of_the_running_program_is_described_without_phases() -> None:
    metadata = transpile("@poet(retries=N)\ndef f(x: int): ...\n").metadata

    assert (metadata["phases_included"], metadata["enhancements"]) == ([], [])


def test_same_source_gives_the_same_bytes() -> None:
    assert len({transpile(TWO).code for _ in range(3)}) == 1


def test_woven_source_weaves_no_further() -> None:
    with pytest.raises(TranspileError, match="the name __poet__ belongs to woven code: rename it"):
        transpile(transpile(TWO).code)


NOTHING = {
    "nothing": ("", "found no function or class at all"),
    "statements": ("x = 1\n", "found no function or class at all"),
    "functions": ("def f(): ...\nasync def g(): ...\n", "found f, g"),
    "class": ("class A:\n    def f(self): ...\n", "found A"),
    "another-poet": ("from verse import poet\n@poet\ndef f(): ...\n", "found f"),
}


@pytest.mark.parametrize(("text", "found"), NOTHING.values(), ids=NOTHING)
def test_source_without_a_marked_function_is_refused_with_what_was_found(text: str, found: str) -> None:
    with pytest.raises(TranspileError, match=re.escape(f"<source>: no function is marked with @poet; {found}") + "$"):
        transpile(text)


def test_syntax_error_is_told_with_line_and_column() -> None:
    with pytest.raises(TranspileError) as caught:
        transpile("@poet\ndef f(:\n")

    assert (caught.value.filename, caught.value.line, caught.value.column) == ("<source>", 2, 7)


@pytest.mark.parametrize(
    "source",
    [
        pytest.param("x = '\0'\n", id="null-byte"),
        pytest.param("x = '\ud800'\n", id="lone-surrogate"),
        pytest.param("@poet\ndef f() -> int:\n    return = 3\n", id="syntax"),
        pytest.param("@poet\ndef f(x, x): ...\n", id="found-by-the-compiler-only"),
        pytest.param("@poet\ndef f():\n    return\n    yield from g()\nreturn\n", id="return-outside-a-function"),
    ],
)
def test_what_python_refuses_is_refused(source: str) -> None:
    with pytest.raises(TranspileError):
        transpile(source)


@pytest.mark.parametrize(
    "expression",
    [
        pytest.param("+".join("1" * 30_000), id="operators"),
        pytest.param("a" + ".b" * 30_000, id="attributes"),
        pytest.param("-" * 30_000 + "1", id="signs"),
    ],
)
def test_expression_nested_too_deeply_is_refused(expression: str) -> None:
    with pytest.raises(TranspileError, match=r"nested too deeply|too many nested"):
        transpile(f"@poet\ndef f(x: int):\n    return {expression}\n")


def chain(count: int) -> str:
    branches = "".join(f"    elif x == {number}: return g()\n" for number in range(count))
    return f"@poet\ndef f(x) -> int:\n    if x: pass\n{branches}"


TOO_DEEP = "nested too deeply to be rewritten"


@pytest.mark.parametrize(
    "count",
    [
        pytest.param(1_500, marks=pytest.mark.skipif(sys.version_info >= (3, 13), reason="3.13 compiles it")),
        6_000,
        20_000,
    ],
)
def test_chain_of_elif_that_python_cannot_compile_is_refused(count: int) -> None:
    with recursion_limit(1_000), pytest.raises(TranspileError, match=TOO_DEEP):  # 1,000 unless hypothesis raises it
        transpile(chain(count))


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="only 3.11 counts the compiler's depth as Python's")
def test_woven_tree_that_is_too_deep_for_the_compiler_is_refused() -> None:
    woven = weave_source(chain(900), "m.py", store=STORE)

    with recursion_limit(300), pytest.raises(TranspileError, match=TOO_DEEP):
        woven.compile("m.py")


@contextmanager
def recursion_limit(limit: int) -> Iterator[None]:
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(limit)
    try:
        yield
    finally:
        sys.setrecursionlimit(before)


@pytest.mark.parametrize("name", ["__poet__", "_poet_result", "_poet_kept"])
@pytest.mark.parametrize(
    "statement",
    [
        "{} = 1",
        "def {}(): ...",
        "import m as {}",
        "global {}",
        "for {} in (): pass",
        "class A:\n    {} = 1\n    def f(): ...",
    ],
)
def test_names_of_woven_code_are_refused(name: str, statement: str) -> None:
    with pytest.raises(TranspileError, match=f"the name {name} belongs to woven code: rename it"):
        transpile(f"{statement.format(name)}\n@poet\ndef f(x: int): ...\n")


def test_options_of_the_running_program_weave_the_function_at_that_line_and_no_other() -> None:
    text = "@api\ndef f(x: int): ...\n@poet\ndef g(x: int): ...\n@poet(**O)\ndef h(x: int): ...\n"
    options = PoetOptions(on_violation="warn", retry_on="Flaky")

    woven = weave_source(text, "m.py", store=STORE, options={1: options, 5: PoetOptions()})

    assert [function.qualname for function in woven.functions] == ["f", "h"]
    assert woven.text.count("# perceive") == 2
    assert woven.functions[0].plan is not None
    assert woven.functions[0].plan.found.binds_retry_on


def test_options_of_the_running_program_weave_a_function_without_decorators() -> None:
    woven = weave_source("def f(x: int): ...\n", "m.py", store=STORE, options={1: PoetOptions()})

    assert "# perceive" in woven.text


@pytest.mark.parametrize(
    ("text", "needs"),
    [
        pytest.param("@poet\ndef f(x: int): ...\n", (), id="checks"),
        pytest.param("@poet\ndef f(x: Later): ...\n", ("fits", "hints"), id="deep"),
        pytest.param("@poet(retries=1)\ndef f(): g()\n", ("next_attempt",), id="retries"),
        pytest.param("@poet(timeout=1)\ndef f(): g()\n", ("start",), id="timeout"),
        pytest.param("@poet(timeout=1)\nasync def f(): g()\n", ("start_in_task",), id="async-timeout"),
        pytest.param("@poet(domain='ml_monitoring')\ndef f(train_data): g()\n", ("rules",), id="rules"),
    ],
)
def test_runtime_that_a_module_needs_is_named(text: str, needs: tuple[str, ...]) -> None:
    assert weave_source(text, "m.py", store=STORE).needs == needs


def test_row_of_a_woven_function_tells_what_describe_needs() -> None:
    fetch, price = weave_source(TWO, "m.py", store=STORE).functions

    assert row_of(fetch)[:3] == ("fetch", "woven", False)
    assert row_of(price)[5] == "base/v1"


def test_row_of_a_function_left_alone_tells_why() -> None:
    (function,) = weave_source("@poet(retries=N)\ndef f(): ...\n", "m.py", store=STORE).functions

    assert row_of(function)[:3] == ("f", "dynamic", False)
    assert not function.is_woven


LOOPS = """@poet(timeout=1)
def f(x):
    while x:
        if y: continue
        x -= 1
    while True:
        break
    while x: pass
    else: z = 1
    def g():
        while x: pass
    lambda: x

def unlimited(x):
    while x: pass
"""


def test_loops_under_a_time_limit_are_protected_where_python_loses_handlers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiling, "_WHILE_LOSES_HANDLERS", True)  # 3.13 has it so; the rewriting is the same anywhere

    tree = weave_source(LOOPS, "m.py", store=STORE).tree

    assert ast.unparse(tree).count("if not x:\n") == 1
    compile(tree, "m.py", "exec")


def test_loops_are_left_where_python_keeps_handlers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiling, "_WHILE_LOSES_HANDLERS", False)

    assert "if not x:" not in ast.unparse(weave_source(LOOPS, "m.py", store=STORE).tree)
