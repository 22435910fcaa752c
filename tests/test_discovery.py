from __future__ import annotations

import warnings

import pytest

from poet_import.errors import PoetWarning
from poet_import.model import PoetOptions
from poet_import.templates import TemplateStore, template_roots
from poet_import.transpiler.weaving import weave_source
from poet_import.transpiler.woven import Woven

STORE = TemplateStore(template_roots())
BODY = "def f(x: int): ...\n"


def weave(text: str) -> Woven:
    return weave_source(text, "shop.py", store=STORE)


def names(text: str) -> list[str]:
    """Return the qualified names of the marked functions, with why one is left alone."""
    found = weave(text).functions
    return [f"{item.qualname}: {item.left_alone}" if item.left_alone else item.qualname for item in found]


FOUND = {
    "import": "from poet_import import poet\n@poet\ndef f(): ...\n",
    "empty-call": "from poet_import import poet\n@poet()\ndef f(): ...\n",
    "options": "from poet_import import poet\n@poet(retries=3)\ndef f(): ...\n",
    "alias": "from poet_import import poet as q\n@q\ndef f(): ...\n",
    "module": "import poet_import\n@poet_import.poet(retries=1)\ndef f(): ...\n",
    "module-alias": "import poet_import as p\n@p.poet\ndef f(): ...\n",
    "star": "from poet_import import *\n@poet\ndef f(): ...\n",
    "guarded-by-try": (
        "try:\n    from poet_import import poet\nexcept ImportError:\n    def poet(f): return f\n@poet\ndef f(): ...\n"
    ),
    "guarded-alias": (
        "try:\n    from poet_import import poet as q\nexcept ImportError:\n    q = None\n@q\ndef f(): ...\n"
    ),
    "both-branches": (
        "if a:\n    from poet_import import poet\nelse:\n    from poet_import import poet\n@poet\ndef f(): ...\n"
    ),
    "bare": "@poet\ndef f(): ...\n",
    "bare-call": "@poet(retries=1)\ndef f(): ...\n",
    "import-in-function": "def f():\n    from poet_import import poet\n    @poet\n    def g(): ...\n",
    "import-in-class": "class f:\n    from poet_import import poet\n    @poet\n    def g(): ...\n",
    "async": "@poet\nasync def f(): ...\n",
    "other-decorators-around": "@a\n@poet\n@b\ndef f(): ...\n",
    "in-if": "if a:\n    @poet\n    def f(): ...\n",
    "in-try": "try:\n    pass\nfinally:\n    @poet\n    def f(): ...\n",
    "in-match": "match a:\n    case 1:\n        @poet\n        def f(): ...\n",
    "local-variable-of-that-name": "@poet\ndef f():\n    poet = 1\n",
    "attribute-of-that-name": "@poet\ndef f(a):\n    a.poet = 1\n",
}


@pytest.mark.parametrize("text", FOUND.values(), ids=FOUND)
def test_marked_function_is_found(text: str) -> None:
    (name,) = names(text)

    assert name in ("f", "f.<locals>.g", "f.g")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("class A:\n    @poet\n    def m(self): ...\n", ["A.m"], id="method"),
        pytest.param("class A:\n    @poet\n    @classmethod\n    def m(cls): ...\n", ["A.m"], id="classmethod-below"),
        pytest.param("class A:\n    @property\n    @poet\n    def m(self): ...\n", ["A.m"], id="property-above"),
        pytest.param("class A:\n    class B:\n        @poet\n        def m(self): ...\n", ["A.B.m"], id="inner-class"),
        pytest.param(
            "@poet\ndef f():\n    @poet\n    def g(): ...\n", ["f", "f.<locals>.g"], id="nested-after-the-one-around-it"
        ),
        pytest.param(
            "def f():\n    class A:\n        @poet\n        def m(self): ...\n",
            ["f.<locals>.A.m"],
            id="class-in-function",
        ),
    ],
)
def test_qualified_name_is_the_one_that_python_gives(text: str, expected: list[str]) -> None:
    assert names(text) == expected


LEFT = {
    "no-marker": BODY,
    "word-in-comment": f"# @poet\n{BODY}",
    "word-in-docstring": f'"""\n@poet\n"""\n{BODY}',
    "word-in-string": f'text = "from poet_import import poet"\n{BODY}',
    "own-function": f"def poet(f): return f\n@poet\n{BODY}",
    "own-class": f"class poet: ...\n@poet\n{BODY}",
    "own-variable": f"poet = print\n@poet\n{BODY}",
    "own-loop-variable": f"for poet in (): pass\n@poet\n{BODY}",
    "own-import": f"from verse import poet\n@poet\n{BODY}",
    "own-import-of-module": f"import verse as poet\n@poet.poet\n{BODY}",
    "own-relative-import": f"from . import poet\n@poet\n{BODY}",
    "own-parameter": "def g(poet):\n    @poet\n    def f(): ...\n",
    "own-name-in-class": "class A:\n    poet = print\n    @poet\n    def f(self): ...\n",
    "own-global-statement": f"def g():\n    global poet\n    poet = 1\n@poet\n{BODY}",
    "own-walrus": f"if (poet := print): pass\n@poet\n{BODY}",
    "own-match-capture": f"match 1:\n    case poet: pass\n@poet\n{BODY}",
    "own-except-name": f"try: pass\nexcept E as poet: pass\n@poet\n{BODY}",
    "rebound-later": f"from poet_import import poet\npoet = print\n@poet\n{BODY}",
    "other-star-import": f"from verse import *\n@poet\n{BODY}",
    "attribute-of-another": f"@verse.poet\n{BODY}",
    "another-name-of-ours": f"from poet_import import describe\n@describe\n{BODY}",
    "called-twice": f"from poet_import import poet\n@poet()()\n{BODY}",
    "called-not-decorating": f"from poet_import import poet\n{BODY}f = poet(f)\n",
    "on-a-class": "from poet_import import poet\n@poet\nclass A:\n    def f(self, x: int): ...\n",
}


@pytest.mark.parametrize("text", LEFT.values(), ids=LEFT)
def test_module_without_our_marker_stays_as_it_is(text: str) -> None:
    woven = weave(text)

    assert woven.functions == ()
    assert woven.text == text


DYNAMIC = {
    "variable": "@poet(retries=N)",
    "expression": "@poet(timeout=2 * 60)",
    "unpacked": "@poet(**OPTIONS)",
    "unknown-keyword": "@poet(retry=3)",
    "out-of-range": "@poet(retries=-1)",
    "of-wrong-type": '@poet(retries="3")',
    "positional": "@poet(g)",
    "f-string": '@poet(domain=f"{name}")',
}


@pytest.mark.parametrize("marker", DYNAMIC.values(), ids=DYNAMIC)
def test_options_that_the_source_does_not_tell_are_left_to_the_marker(marker: str) -> None:
    text = f"from poet_import import poet\n{marker}\n{BODY}"

    assert names(text) == ["f: dynamic"]
    assert BODY in weave(text).text


def test_alias_of_a_marker_with_options_is_left_to_the_marker() -> None:
    text = f"from poet_import import poet\napi = poet(retries=1)\n@api\n{BODY}"

    assert weave(text).text == text


BYPASSED = {
    "numba": ("import numba\n@poet\n@numba.njit", "numba.njit"),
    "numba-with-options": ("from numba import jit\n@jit(nopython=True)\n@poet", "numba.jit"),
    "torch": ("import torch\n@torch.jit.script\n@poet", "torch.jit.script"),
    "triton": ("import triton as t\n@t.jit\n@poet", "triton.jit"),
}


@pytest.mark.parametrize(("head", "compiler"), BYPASSED.values(), ids=BYPASSED)
def test_function_for_another_compiler_is_left_alone_and_said_so(head: str, compiler: str) -> None:
    assert names(f"{head}\n{BODY}") == [f"f: {compiler} compiles it from its bytecode"]


@pytest.mark.parametrize("home", ["typing", "typing_extensions"])
def test_overload_is_left_alone(home: str) -> None:
    assert names(f"from {home} import overload\n@overload\n@poet\n{BODY}") == ["f: an overload is never called"]


def test_two_markers_warn_and_the_nearest_counts() -> None:
    text = f"from poet_import import poet\n@poet(retries=1)\n@poet(retries=2)\n{BODY}"

    with pytest.warns(PoetWarning, match=r"shop\.py:4: f has 2 @poet: only the nearest to it counts"):
        (function,) = weave(text).functions

    assert function.options.retries == 2


READ = {
    "none": ("@poet", PoetOptions()),
    "numbers": ("@poet(retries=3, timeout=1.5)", PoetOptions(retries=3, timeout=1.5)),
    "words": ('@poet(domain="base", optimize_for="speed")', PoetOptions(domain="base", optimize_for="speed")),
    "nones": ("@poet(domain=None, retries=None, retry_on=None)", PoetOptions()),
    "mode": ('@poet(on_violation="warn", semantics="intent")', PoetOptions(on_violation="warn", semantics="intent")),
    "exception": ("@poet(retry_on=OSError)", PoetOptions(retry_on="OSError")),
    "exceptions": ("@poet(retry_on=(OSError, KeyError))", PoetOptions(retry_on="(OSError, KeyError)")),
}


@pytest.mark.parametrize(("marker", "options"), READ.values(), ids=READ)
def test_literal_options_are_read(marker: str, options: PoetOptions) -> None:
    (function,) = weave(f"{marker}\n{BODY}").functions

    assert function.options == options
    assert function.plan is not None
    assert not function.plan.found.binds_retry_on


@pytest.mark.parametrize(
    "value", ["Flaky", "is_flaky", "(OSError, Flaky)", "[OSError][0]", "()", "len", "KeyboardInterrupt"]
)
def test_value_of_retry_on_is_bound_at_run_time_unless_it_names_builtin_exceptions(value: str) -> None:
    (function,) = weave(f"@poet(retries=1, retry_on={value})\ndef f(): return g()\n").functions

    assert function.plan is not None
    assert function.plan.found.binds_retry_on
    assert function.plan.binds == "hints"


def test_empty_objective_warns_at_the_users_line() -> None:
    with pytest.warns(PoetWarning, match=r"shop\.py:1: optimize_for='' is not a non-empty string"):
        weave(f'@poet(optimize_for="")\n{BODY}')


SUPPLIED = {
    "first-line": ("@poet\ndef f(): ...\n", 0),
    "below-docstring": ('"""Doc."""\n@poet\ndef f(): ...\n', 1),
    "below-future-import": ("from __future__ import annotations\n@poet\ndef f(): ...\n", 1),
    "below-both": ('"""Doc."""\nfrom __future__ import annotations\nx = 1\n@poet\ndef f(): ...\n', 2),
    "below-comment": ("# -*- coding: utf-8 -*-\n@poet\ndef f(): ...\n", 1),
    "in-class-only": ("class A:\n    @poet\n    def f(self): ...\n", 0),
}


@pytest.mark.parametrize(("text", "line"), SUPPLIED.values(), ids=SUPPLIED)
def test_import_is_supplied_to_a_module_that_uses_the_bare_name(text: str, line: int) -> None:
    lines = weave(text).text.splitlines()

    assert lines[line : line + 2] == ["import poet_import.runtime as __poet__", "from poet_import import poet"]


def test_import_is_supplied_on_the_line_of_a_first_statement_that_shares_it_with_the_docstring() -> None:
    woven = weave('"""Doc."""; x = 1\n@poet\ndef f(): ...\n')

    assert woven.text.startswith(
        '"""Doc."""; import poet_import.runtime as __poet__; from poet_import import poet; x = 1\n'
    )


def test_import_is_not_supplied_where_a_conditional_one_stands() -> None:
    woven = weave("try:\n    from poet_import import poet\nexcept ImportError:\n    poet = None\n@poet\ndef f(): ...\n")

    assert woven.text.count("from poet_import import poet") == 1


def test_syntax_warning_of_the_users_text_is_not_shown_a_second_time() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        woven = weave(f"@poet\n{BODY}x = '\\d'\n")

    assert len(woven.functions) == 1
