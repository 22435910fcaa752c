from __future__ import annotations

import re
import sys

import pytest

from poet_import.templates import TemplateStore, template_roots
from poet_import.transpiler.weaving import weave_source

STORE = TemplateStore(template_roots())
TYPING = "from typing import *\n".replace(
    "*", "Annotated, Any, ClassVar, Dict, Final, List, Literal, Optional, Self, Union"
)
DEEP = 'not __poet__.fits("x", x)'


def condition(text: str) -> str:
    """Return the condition under which the first check of a woven module fails."""
    found = re.search(r"^ *if (.*):\n *raise ", weave_source(text, "m.py", store=STORE).text, re.MULTILINE)
    return found[1] if found else ""


def of_parameter(annotation: str, *, head: str = TYPING) -> str:
    return condition(f"{head}@poet\ndef f(x: {annotation}): ...\n")


STATIC = {
    "class": ("int", "not isinstance(x, int)"),
    "str": ("str", "not isinstance(x, str)"),
    "tower-float": ("float", "not isinstance(x, float) and not isinstance(x, int)"),
    "tower-complex": ("complex", "not isinstance(x, (complex, float, int))"),
    "none": ("None", "x is not None"),
    "optional": ("Optional[int]", "x is not None and not isinstance(x, int)"),
    "optional-pipe": ("int | None", "x is not None and not isinstance(x, int)"),
    "optional-pipe-first": ("None | int", "x is not None and not isinstance(x, int)"),
    "optional-none": ("Optional[None]", "x is not None"),
    "union": ("Union[int, str]", "not isinstance(x, int) and not isinstance(x, str)"),
    "union-pipe": ("int | str", "not isinstance(x, int) and not isinstance(x, str)"),
    "union-of-one": ("Union[int]", "not isinstance(x, int)"),
    "union-of-three": ("int | str | bytes", "not isinstance(x, (int, str, bytes))"),
    "union-repeats": ("int | int", "not isinstance(x, int)"),
    "union-nested": (
        "Optional[Union[int, str]]",
        "x is not None and not isinstance(x, int) and not isinstance(x, str)",
    ),
    "bare-list": ("list", "not isinstance(x, list)"),
    "list": ("list[int]", "not (isinstance(x, list) and __poet__.all_are(x, int))"),
    "typing-list": ("List[int]", "not (isinstance(x, list) and __poet__.all_are(x, int))"),
    "list-of-floats": ("list[float]", "not (isinstance(x, list) and __poet__.all_are(x, (float, int)))"),
    "list-of-union": ("list[int | str]", "not (isinstance(x, list) and __poet__.all_are(x, (int, str)))"),
    "list-of-any": ("list[Any]", "not isinstance(x, list)"),
    "set": ("set[str]", "not (isinstance(x, set) and __poet__.all_are(x, str))"),
    "frozenset": ("frozenset[str]", "not (isinstance(x, frozenset) and __poet__.all_are(x, str))"),
    "tuple-of-any-length": ("tuple[int, ...]", "not (isinstance(x, tuple) and __poet__.all_are(x, int))"),
    "dict": ("dict[str, int]", "not (isinstance(x, dict) and __poet__.pairs_are(x, str, int))"),
    "typing-dict": ("Dict[str, int]", "not (isinstance(x, dict) and __poet__.pairs_are(x, str, int))"),
    "dict-to-any": ("dict[str, Any]", "not (isinstance(x, dict) and __poet__.pairs_are(x, str, object))"),
    "dict-of-any": ("dict[Any, Any]", "not isinstance(x, dict)"),
    "optional-list": ("list[int] | None", "x is not None and not (isinstance(x, list) and __poet__.all_are(x, int))"),
    "annotated": ("Annotated[int, 3]", "not isinstance(x, int)"),
    "final": ("Final[int]", "not isinstance(x, int)"),
    "string": ("'int'", "not isinstance(x, int)"),
    "string-union": ("'int | None'", "x is not None and not isinstance(x, int)"),
    "string-inside": ("list['int']", "not (isinstance(x, list) and __poet__.all_are(x, int))"),
    "default": ("int = 3", "not isinstance(x, int)"),
    "default-none": ("int = None", "x is not None and not isinstance(x, int)"),
    "default-bool": ("int = True", "not isinstance(x, int)"),
    "default-f-string": ("str = f'{1}'", "not isinstance(x, str)"),
    "default-empty-list": ("list = []", "not isinstance(x, list)"),
    "default-of-another-type": ("int = 'a'", 'not isinstance(x, int) and not __poet__.is_default("x", x)'),
    "default-unknown": ("int = MISSING", 'not isinstance(x, int) and not __poet__.is_default("x", x)'),
}


@pytest.mark.parametrize(("annotation", "expected"), STATIC.values(), ids=STATIC)
def test_annotation_of_built_in_classes_is_woven_as_an_inline_test(annotation: str, expected: str) -> None:
    assert of_parameter(annotation) == expected


UNDECIDED = {
    "unknown-name": ("Later", DEEP),
    "attribute": ("module.Class", DEEP),
    "literal": ("Literal['a']", DEEP),
    "fixed-tuple": ("tuple[int, str]", DEEP),
    "tuple-of-nothing": ("tuple[()]", DEEP),
    "nested": ("list[list[int]]", DEEP),
    "list-of-optional": ("list[int | None]", DEEP),
    "list-of-two": ("list[int, str]", DEEP),
    "two-containers": ("list[int] | dict[str, int]", DEEP),
    "optional-deep": ("Optional[Later]", f"x is not None and {DEEP}"),
    "string-that-does-not-parse": ("'not a type'", DEEP),
    "call": ("make()", DEEP),
    "number": ("3", DEEP),
    "bare-optional": ("Optional", DEEP),
    "self-in-function": ("Self", DEEP),
    "deep-with-default-none": ("Later = None", f"x is not None and {DEEP}"),
    "deep-with-default": ("Later = 3", DEEP),
}


@pytest.mark.parametrize(("annotation", "expected"), UNDECIDED.values(), ids=UNDECIDED)
def test_any_other_annotation_is_left_to_the_runtime(annotation: str, expected: str) -> None:
    assert of_parameter(annotation) == expected


ALLOWS_ALL = ["Any", "object", "'Any'", "Any | int", "Optional[Any]", "Annotated[object, 1]", "Any = None"]


@pytest.mark.parametrize("annotation", ALLOWS_ALL)
def test_annotation_that_allows_everything_is_not_checked(annotation: str) -> None:
    assert of_parameter(annotation) == ""


SHADOWED = {
    "module-binds-it": "int = str\n@poet\ndef f(x: int): ...\n",
    "parameter-binds-it": "@poet\ndef f(x: int, int): ...\n",
    "body-binds-it": "@poet\ndef f(x: int):\n    int = 3\n",
    "body-binds-isinstance": "@poet\ndef f(x: int):\n    isinstance = 3\n",
    "global-statement-elsewhere": "def g():\n    global int\n    int = str\n@poet\ndef f(x: int): ...\n",
    "class-binds-it": "class A:\n    int = str\n    @poet\n    def f(self, x: int): ...\n",
    "star-import": "from poet_import import poet\nfrom verse import *\n@poet\ndef f(x: int): ...\n",
}


@pytest.mark.parametrize("text", SHADOWED.values(), ids=SHADOWED)
def test_shadowed_built_in_is_left_to_the_runtime(text: str) -> None:
    assert condition(text) == DEEP


CERTAIN = {
    "class-above": ("class A: ...\n@poet\ndef f(x: A): ...\n", f"type(x) is not A and {DEEP}"),
    "class-above-or-none": (
        "class A: ...\n@poet\ndef f(x: A | None): ...\n",
        f"x is not None and type(x) is not A and {DEEP}",
    ),
    "optional-class": (
        "from typing import Optional\nclass A: ...\n@poet\ndef f(x: Optional[A]): ...\n",
        f"x is not None and type(x) is not A and {DEEP}",
    ),
    "imported-name": (
        "from decimal import Decimal\n@poet\ndef f(x: Decimal): ...\n",
        f"type(x) is not Decimal and {DEEP}",
    ),
    "imported-from-typing": ("from typing import Sized\n@poet\ndef f(x: Sized): ...\n", DEEP),
    "class-below": ("@poet\ndef f(x: 'A'): ...\nclass A: ...\n", DEEP),
    "class-bound-twice": ("class A: ...\nclass A: ...\n@poet\ndef f(x: A): ...\n", DEEP),
    "class-under-if": ("if a:\n    class A: ...\n@poet\ndef f(x: A): ...\n", DEEP),
    "variable": ("A = int\n@poet\ndef f(x: A): ...\n", DEEP),
    "shadowed-in-body": ("class A: ...\n@poet\ndef f(x: A):\n    A = 3\n", DEEP),
    "type-shadowed": ("class A: ...\n@poet\ndef f(x: A):\n    type = 3\n", DEEP),
}


@pytest.mark.parametrize(("text", "expected"), CERTAIN.values(), ids=CERTAIN)
def test_direct_instance_of_a_class_above_passes_before_the_runtime_is_asked(text: str, expected: str) -> None:
    assert condition(text) == expected


SELF = {
    "method": ("    @poet\n    def f(self, x: Self): ...\n", "not isinstance(x, type(self))"),
    "classmethod": ("    @poet\n    @classmethod\n    def f(cls, x: Self): ...\n", "not isinstance(x, cls)"),
    "new": ("    @poet\n    def __new__(cls, x: Self): ...\n", "not isinstance(x, cls)"),
    "positional-only": ("    @poet\n    def f(this, /, x: Self): ...\n", "not isinstance(x, type(this))"),
    "staticmethod": ("    @poet\n    @staticmethod\n    def f(x: Self): ...\n", DEEP),
    "self-rebound": ("    @poet\n    def f(self, x: Self):\n        self = 3\n", DEEP),
}


@pytest.mark.parametrize(("method", "expected"), SELF.values(), ids=SELF)
def test_self_stands_for_the_class_of_the_first_parameter(method: str, expected: str) -> None:
    head = "try:\n    from typing import Self\nexcept ImportError:\n    from typing_extensions import Self\n"
    text = f"{head}class A:\n{method}"

    assert condition(text) == expected


@pytest.mark.parametrize(
    ("signature", "expected"),
    [
        pytest.param("*x: int", 'not __poet__.fits("*x", x)', id="positional"),
        pytest.param("**x: int", 'not __poet__.fits("**x", x)', id="keyword"),
        pytest.param("*, x: int = 1", "not isinstance(x, int)", id="keyword-only"),
        pytest.param("x: int, /", "not isinstance(x, int)", id="positional-only"),
        pytest.param(
            "a=1, x: int = 'a'", 'not isinstance(x, int) and not __poet__.is_default("x", x)', id="second-default"
        ),
    ],
)
def test_every_kind_of_parameter_is_checked(signature: str, expected: str) -> None:
    assert condition(f"@poet\ndef f({signature}): ...\n") == expected


@pytest.mark.parametrize("name", ["context", "ctx", "sandbox_context", "the_context"])
def test_context_that_a_host_injects_is_not_checked(name: str) -> None:
    assert condition(f"@poet\ndef f({name}: int): ...\n") == ""


def test_private_parameter_is_named_as_in_the_annotations() -> None:
    woven = weave_source("class _A:\n    @poet\n    def f(self, __x: int): ...\n", "m.py", store=STORE)

    assert 'raise __poet__.perceive("_A__x", __x, "int")' in woven.text


def test_private_parameter_outside_a_class_keeps_its_name() -> None:
    woven = weave_source("@poet\ndef f(__x: int): ...\n", "m.py", store=STORE)

    assert 'raise __poet__.perceive("__x", __x, "int")' in woven.text


def test_private_parameter_of_a_class_of_underscores_is_not_mangled() -> None:
    woven = weave_source("class __:\n    @poet\n    def f(self, __x: int): ...\n", "m.py", store=STORE)

    assert 'raise __poet__.perceive("__x", __x, "int")' in woven.text


BINDERS = {
    "module": ("@poet\ndef f(x: A): ...\n", "hints"),
    "method": ("class C:\n    @poet\n    def f(self, x: A): ...\n", "hints"),
    "loop": ("for A in (int, str):\n    @poet\n    def f(x: A): ...\n", "own_hints"),
    "class-in-loop": (
        "for A in (int, str):\n    class C:\n        @poet\n        def f(self, x: A): ...\n",
        "own_hints",
    ),
    "closure-of-a-local-type": ("def make(A):\n    @poet\n    def f(x: A): ...\n", "own_hints"),
    "closure-of-a-local-type-in-a-string": ("def make(A):\n    @poet\n    def f(x: 'A'): ...\n", "own_hints"),
    "closure-of-a-module-type": ("class A: ...\ndef make():\n    @poet\n    def f(x: A): ...\n", "hints"),
    "closure-with-an-unknown-type": ("def make():\n    @poet\n    def f() -> A: return g()\n", "own_hints"),
    "closure-with-a-default": ("class A: ...\ndef make(d):\n    @poet\n    def f(x: A = d): ...\n", "own_hints"),
    "nothing-deep": ("@poet\ndef f(x: int): ...\n", ""),
}


@pytest.mark.parametrize(("text", "binder"), BINDERS.values(), ids=BINDERS)
def test_closures_whose_annotations_may_differ_get_hints_of_their_own(text: str, binder: str) -> None:
    found = re.search(r"@__poet__\.(\w+)", weave_source(text, "m.py", store=STORE).text)

    assert (found[1] if found else "") == binder


@pytest.mark.skipif(sys.version_info < (3, 12), reason="PEP 695")
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("@poet\ndef f[T](x: T): ...\n", DEEP, id="of-the-function"),
        pytest.param("@poet\ndef f[int](x: int): ...\n", DEEP, id="named-like-a-built-in"),
        pytest.param("class A[T]:\n    @poet\n    def f(self, x: T): ...\n", DEEP, id="of-the-class"),
        pytest.param("type A = int\n@poet\ndef f(x: A): ...\n", DEEP, id="alias"),
        pytest.param("@poet\ndef f[T](x: int): ...\n", "not isinstance(x, int)", id="not-used"),
    ],
)
def test_type_parameters_are_left_to_the_runtime(text: str, expected: str) -> None:
    assert condition(text) == expected
