from __future__ import annotations

import ast
import json
import sys
from pathlib import Path

import pytest

from poet_import.templates import TemplateStore, template_roots
from poet_import.transpiler.weaving import weave_source

STORE = TemplateStore(template_roots())
CASES = Path(__file__).parent / "cases"
HEAD = "from poet_import import poet\n"


def weave(source: str | bytes) -> str:
    woven = weave_source(source, "shop.py", store=STORE)
    woven.compile("shop.py")
    return woven.text.removeprefix("import poet_import.runtime as __poet__\n").removeprefix(HEAD)


@pytest.mark.parametrize("case", sorted(path.parent.name for path in CASES.glob("*/before.py")))
def test_case_is_woven_as_written(case: str) -> None:
    woven = weave_source((CASES / case / "before.py").read_bytes(), "before.py", store=STORE)

    assert woven.text == (CASES / case / "after.py").read_text()


def test_every_case_compiles_on_this_python() -> None:
    for path in CASES.glob("*/before.py"):
        weave(path.read_bytes())


UNCHANGED = {
    "nothing-annotated": "@poet\ndef f(x):\n    return x\n",
    "everything-allowed": "from typing import Any\n@poet\ndef f(x: Any) -> object:\n    return x\n",
    "constant-of-the-right-type": "@poet\ndef f() -> int:\n    return 3\n",
    "bool-for-an-int": "@poet\ndef f() -> int:\n    return True\n",
    "f-string-for-a-str": "@poet\ndef f() -> str:\n    return f'{1}'\n",
    "list-display-for-a-list": "@poet\ndef f() -> list:\n    return [g()]\n",
    "none-for-none": "@poet\ndef f() -> None:\n    return None\n",
    "bare-return-for-none": "@poet\ndef f() -> None:\n    return\n",
    "falling-off-for-none": "@poet\ndef f() -> None:\n    g()\n",
    "always-raises": "@poet\ndef f() -> int:\n    raise ValueError\n",
    "endless": "@poet\ndef f() -> int:\n    while 1:\n        g()\n",
    "result-of-a-generator": "@poet\ndef f() -> int:\n    yield 1\n    return g()\n",
    "not-implemented": "@poet\ndef f(self, other) -> bool:\n    return NotImplemented\n",
    "abstract": "class A:\n    @abc.abstractmethod\n    @poet\n    def f(self) -> int:\n        '''Doc.'''\n",
    "protocol": "class A(Protocol[T]):\n    @poet\n    def f(self) -> int: ...\n",
    "retries-of-a-stub": "@poet(retries=3)\ndef f(): ...\n",
    "timeout-of-a-stub": "@poet(timeout=3)\ndef f():\n    '''Doc.'''\n",
    "timeout-of-a-generator": "@poet(timeout=3)\ndef f():\n    yield\n",
    "no-retries": "@poet(retries=0)\ndef f(x):\n    return x\n",
    "off": "@poet(on_violation='off')\ndef f(x: int) -> int:\n    return g(x)\n",
    "injected-context": "@poet\ndef f(ctx: int):\n    return ctx\n",
    "base-domain": "@poet(domain='base')\ndef f(x):\n    return x\n",
    "return-of-an-inner-function": "@poet\ndef f() -> None:\n    def g(): return 1\n    h(lambda: 1)\n",
    "return-of-an-inner-class": "@poet\ndef f() -> None:\n    class A:\n        def g(self): return 1\n",
}


@pytest.mark.parametrize("text", UNCHANGED.values(), ids=UNCHANGED)
def test_function_with_nothing_to_check_stays_as_it_is(text: str) -> None:
    assert weave(HEAD + text) == text


CHECKED = """@poet
def f(x: int):
    # perceive
    if not isinstance(x, int):
        raise __poet__.perceive("x", x, "int")
    # operate
    return x
"""
PLAIN = "@poet\ndef f(x: int):\n    return x\n"


@pytest.mark.parametrize(
    "source",
    [
        pytest.param(HEAD + PLAIN, id="text"),
        pytest.param((HEAD + PLAIN).replace("\n", "\r\n"), id="crlf"),
        pytest.param((HEAD + PLAIN).replace("\n", "\r"), id="cr"),
        pytest.param("\ufeff" + HEAD + PLAIN, id="byte-order-mark"),
        pytest.param(b"\xef\xbb\xbf" + (HEAD + PLAIN).encode(), id="byte-order-mark-in-bytes"),
        pytest.param((HEAD + PLAIN).replace("\n", "\r\n").encode(), id="crlf-in-bytes"),
    ],
)
def test_line_ends_and_byte_order_mark_are_pythons_business(source: str | bytes) -> None:
    assert weave(source) == CHECKED


def test_source_in_another_encoding_is_decoded() -> None:
    source = f"# -*- coding: latin-1 -*-\n{HEAD}@poet(retries=1)\ndef f(x):\n    return x + 'é'\n".encode("latin-1")

    assert "            return x + 'é'\n" in weave(source)


@pytest.mark.parametrize(
    ("text", "end"),
    [
        pytest.param("@poet\ndef f() -> int:\n    return g()", "    return _poet_result", id="return"),
        pytest.param("@poet\ndef f() -> int: return g()", "    return _poet_result", id="one-line"),
        pytest.param(
            "@poet\ndef f() -> int:\n    g()", '    raise __poet__.enforce("return", None, "int")\n', id="tail"
        ),
        pytest.param("@poet\ndef f(x: int): ...", "    # operate\n    ...", id="stub"),
        pytest.param("@poet\ndef f(x: int): 'Doc.'", '"x", x, "int")\n    # operate\n', id="docstring"),
    ],
)
def test_last_line_may_lack_its_end(text: str, end: str) -> None:
    assert weave(HEAD + text).endswith(end)


def test_names_of_the_user_that_shadow_built_ins_do_not_change_what_is_retried() -> None:
    woven = weave(f"{HEAD}@poet(retries=1, retry_on=(OSError,))\ndef f(OSError):\n    return g()\n")

    assert "retry_on=(__poet__.builtins.OSError,)" in woven


def test_operators_may_answer_not_implemented_by_way_of_another_call() -> None:
    woven = weave(f"{HEAD}@poet\ndef __eq__(self, other) -> bool:\n    return g()\n")

    assert "if not isinstance(_poet_result, bool) and _poet_result is not NotImplemented:" in woven


def test_operators_where_not_implemented_is_the_users_own_name_are_checked_plainly() -> None:
    woven = weave(f"{HEAD}NotImplemented = 0\n@poet\ndef __eq__(self, other) -> bool:\n    return NotImplemented\n")

    assert "if not isinstance(_poet_result, bool):" in woven


def test_names_of_the_user_that_shadow_locals_are_called_as_they_are() -> None:
    woven = weave(f"{HEAD}@poet(retries=1)\ndef f(locals):\n    return locals(), vars()\n")

    assert "return locals(), __poet__.yours(vars())" in woven


def test_loop_with_a_function_in_it_has_no_end() -> None:
    text = "@poet\ndef f() -> int:\n    while True:\n        def g():\n            for x in y: break\n"

    assert weave(HEAD + text) == text


def test_chain_of_500_elif_is_woven() -> None:
    chain = "".join(f"    elif x == {number}: return g({number})\n" for number in range(500))

    woven = weave(f"{HEAD}@poet(retries=1)\ndef f(x) -> int:\n    if x: pass\n{chain}")

    assert woven.count("raise __poet__.enforce(") == 501


@pytest.mark.parametrize("count", [1, 7, 60])
def test_deep_suites_keep_their_indentation(count: int) -> None:
    body = "".join(f"{'  ' * depth}if x:\n" for depth in range(1, count + 1)) + "  " * (count + 1) + "return g()\n"

    weave(f"{HEAD}@poet(retries=1, timeout=2)\ndef f(x) -> int:\n{body}")


@pytest.mark.skipif(sys.version_info < (3, 12), reason="PEP 695 and PEP 701")
@pytest.mark.parametrize(
    ("text", "line"),
    [
        pytest.param(
            "@poet(retries=1)\ndef f[T: int](x: T) -> T:\n    return g(x)\n", "def f[T: int](x: T) -> T:", id="def"
        ),
        pytest.param(
            "class A[T]:\n    @poet\n    async def f[*S](self, *x: *S) -> T: return g(x)\n",
            "    async def f[*S](self, *x: *S) -> T:",
            id="method",
        ),
        pytest.param(
            '@poet(retries=1)\ndef f(x) -> str:\n    return g(f"""{\n  x\n  + 1}""")\n', '  + 1}""")', id="f-string"
        ),
    ],
)
def test_newer_syntax_is_woven(text: str, line: str) -> None:
    assert line in weave(HEAD + text).splitlines()


def constants(tree: ast.AST) -> list[str]:
    return [ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.Constant | ast.JoinedStr)]


def test_text_of_every_string_stays_what_it_was() -> None:
    for path in CASES.glob("*/before.py"):
        before, after = path.read_text(), path.with_name("after.py").read_text()

        missing = set(constants(ast.parse(before))) - set(constants(ast.parse(after)))

        assert not missing, path


def store_with(checks: list[dict[str, object]], root: Path) -> TemplateStore:
    """Return a store whose domain ``own`` declares some checks."""
    version = root / "own" / "v1"
    version.mkdir(parents=True)
    metadata = {"schema": 1, "description": "Own.", "language": "python", "extends": "base", "defaults": {}}
    metadata |= {"imports": [], "enhancements": [], "checks": checks}
    (version / "metadata.json").write_text(json.dumps(metadata))
    (version / "template.txt").write_text("Text.\n")
    (version.parent / "current").write_text("v1\n")
    return TemplateStore(template_roots([root]))


@pytest.mark.parametrize(
    ("default", "passes_by_itself"),
    [
        pytest.param("0.5", True, id="keeps"),
        pytest.param("2.0", False, id="breaks"),
        pytest.param("A", False, id="unknown"),
    ],
)
def test_default_passes_a_rule_and_is_asked_for_only_where_it_may_break_it(
    default: str, passes_by_itself: bool, tmp_path: Path
) -> None:
    store = store_with([{"phase": "perceive", "match": "x", "rule": "probability"}], tmp_path)

    woven = weave_source(f"{HEAD}@poet(domain='own')\ndef f(x={default}):\n    return x\n", "shop.py", store=store)

    assert ("__poet__.is_default(" not in woven.text) == passes_by_itself


def test_rule_for_the_result_holds_for_none_too(tmp_path: Path) -> None:
    store = store_with([{"phase": "enforce", "match": "return", "rule": "not_none"}], tmp_path)

    woven = weave_source(f"{HEAD}@poet(domain='own')\ndef f(x):\n    if x: return\n", "shop.py", store=store)

    assert woven.text.count("if not __poet__.rules.not_none(_poet_result):") == 2
    assert woven.needs == ("rules",)
    assert woven.lineage == ("base", "own")


@pytest.mark.parametrize(
    ("signature", "expected"),
    [
        pytest.param("x, y", "if not __poet__.rules.same_length(x, y):", id="both"),
        pytest.param("y, *, x=None", 'same_length(x, y) and not __poet__.is_default("x", x):', id="one-has-a-default"),
        pytest.param("x, z", "def f(x, z):\n    return x\n", id="one-is-missing"),
        pytest.param("x, *y", "def f(x, *y):\n    return x\n", id="one-collects-others"),
    ],
)
def test_joint_rule_is_woven_where_every_parameter_is_there(signature: str, expected: str, tmp_path: Path) -> None:
    store = store_with([{"phase": "perceive", "match": ["x", "y"], "rule": "same_length"}], tmp_path)

    woven = weave_source(f"@poet(domain='own')\ndef f({signature}):\n    return x\n", "shop.py", store=store)

    assert expected in woven.text
