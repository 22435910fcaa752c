"""Bodies from elsewhere: they stand where the function's own did, and what runs them tells their file and lines."""

import ast
import inspect
import linecache
import traceback
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent
from types import CodeType
from typing import Any

import pytest

from poet_import.model import Implementation
from poet_import.templates import TemplateStore, template_roots
from poet_import.transpiler.reading import read_source
from poet_import.transpiler.weaving import weave_reading
from poet_import.transpiler.woven import Body, Fallback, Woven, row_of

STORE = TemplateStore(template_roots())
Run = Callable[..., tuple[dict[str, Any], Woven]]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Weave a module with other bodies by qualified name, run it, and return its namespace and what was woven."""

    def call(text: str, **bodies: str) -> tuple[dict[str, Any], Woven]:
        source = dedent(text)
        path = tmp_path / "shop.py"
        path.write_text(source)
        reading = read_source(source, str(path))
        outcomes = {}
        for function in reading.functions:
            body = dedent(bodies.get(function.qualname.replace(".<locals>", "").replace(".", "_"), ""))
            if body:
                place = tmp_path / f"{function.qualname.strip('<>')}.py"
                place.write_text(body)
                outcomes[function] = Body(Implementation(body, function.node.name, ()), str(place), "model")
        woven = weave_reading(reading, STORE, outcomes)
        namespace: dict[str, Any] = {"__name__": "shop"}
        exec(woven.compile(str(path)), namespace)
        linecache.checkcache()
        return namespace, woven

    return call


SHAPES = {
    "lines": (
        "@poet\ndef f(a):\n    b = a\n    return b\n",
        "def f(a):\n    return a + 1\n",
    ),
    "comments-above-the-body": (
        "@poet\ndef f(a):\n    # why\n\n    return a\n",
        "def f(a):\n    # other\n    return a + 1\n",
    ),
    "one-line": ("@poet\ndef f(a): return a\n", "def f(a): return a + 1\n"),
    "one-line-of-several": ("@poet\ndef f(a): b = a; return b\n", "def f(a): b = a + 1; return b\n"),
    "docstring": (
        '@poet\ndef f(a):\n    """Doc."""\n    return a\n',
        'def f(a):\n    """Other."""\n    return a + 1\n',
    ),
    "docstring-alone": ('@poet\ndef f(a):\n    """Doc."""\n', "def f(a):\n    return a + 1\n"),
    "docstring-alone-on-the-header": ('@poet\ndef f(a): """Doc."""\n', "def f(a):\n    return a + 1\n"),
    "docstring-on-the-header": ('@poet\ndef f(a): "Doc."; return a\n', "def f(a):\n    return a + 1\n"),
    "no-newline-at-the-end": ("@poet\ndef f(a):\n    return a", "def f(a):\n    return a + 1"),
    "docstring-alone-without-newline": ('@poet\ndef f(a):\n    "Doc."', "def f(a):\n    return a + 1"),
    "tabs": ("@poet\ndef f(a):\n\treturn a\n", "def f(a):\n    if a:\n        return a + 1\n"),
    "tabs-of-the-body": ("@poet\ndef f(a):\n  return a\n", "def f(a):\n\tif a:\n\t\treturn a + 1\n"),
    "statement-over-lines": ("@poet\ndef f(a):\n    return (\n  a)\n", "def f(a):\n    return (a\n  + 1)\n"),
    "text-over-lines": (
        "@poet\ndef f(a):\n    return a\n",
        'def f(a):\n    t = """\n x\n"""\n    return a + len(t) - 3\n',
    ),
    "followed-by-code": ("@poet\ndef f(a):\n    return a\nx = f(1)\n", "def f(a):\n    return a + 1\n"),
    "nested-function": (
        "@poet\ndef f(a):\n    return a\n",
        "def f(a):\n    def g():\n        return a\n    return g() + 1\n",
    ),
    "async-elsewhere": (
        "@poet\ndef f(a):\n    return a\n",
        "async def _g():\n    return 1\n\ndef f(a):\n    return a + 1\n",
    ),
    "helper": (
        "@poet\ndef f(a):\n    return a\n",
        "def _more(a):\n    return a + 1\n\ndef f(a):\n    return _more(a)\n",
    ),
    "constant": (
        "@poet\ndef f(a):\n    return a\n",
        "_ONE: int = 1\n_TWO = _ONE + 0\ndef f(a):\n    return a + _TWO\n",
    ),
    "import": ("@poet\ndef f(a):\n    return a\n", "import math\ndef f(a):\n    return a + math.ceil(0.5)\n"),
    "import-of-a-name": (
        "@poet\ndef f(a):\n    return a\n",
        "from math import ceil as up\ndef f(a):\n    return a + up(1)\n",
    ),
    "import-of-a-submodule": (
        "@poet\ndef f(a):\n    return a\n",
        "import os.path\ndef f(a):\n    return a + len(os.path.join('', '1'))\n",
    ),
    "import-after-a-semicolon": (
        "import math\n@poet\ndef f(a):\n    return a\n",
        "import math; import bisect\ndef f(a):\n    return a + math.ceil(0.5) + bisect.bisect([1], 0)\n",
    ),
    "import-that-is-there": (
        "import math\n@poet\ndef f(a):\n    return a\n",
        "import math\ndef f(a):\n    return a + math.ceil(0.5)\n",
    ),
    "import-under-type-checking": (
        "TYPE_CHECKING = False\nif TYPE_CHECKING:\n    import math\n@poet\ndef f(a):\n    return a\n",
        "import math\ndef f(a):\n    return a + math.ceil(0.5)\n",
    ),
    "future-import": (
        "@poet\ndef f(a):\n    return a\n",
        "from __future__ import annotations\ndef f(a):\n    return a + 1\n",
    ),
    "helper-whose-name-is-taken": (
        "_more = 'mine'\n@poet\ndef f(a):\n    return a\n",
        "def _more(a):\n    return a + 1\n\ndef f(a):\n    return _more(a)\n",
    ),
    "import-whose-name-is-a-local": (
        "@poet\ndef f(a):\n    return a\n",
        "import math\ndef _g(math):\n    return math\ndef f(a):\n    return _g(a) + math.ceil(0.5)\n",
    ),
    "keeps-the-marker-without-import": (
        "@poet(retries=1)\ndef f(a: int) -> int:\n    return a\n",
        "def f(a: int) -> int:\n    return a + 1\n",
    ),
}


@pytest.mark.parametrize(("text", "body"), SHAPES.values(), ids=SHAPES)
def test_the_other_body_runs_in_place_of_the_own(run: Run, text: str, body: str) -> None:
    namespace, _ = run(text, f=body)

    assert namespace["f"](1) == 2
    assert (namespace["f"].__doc__ or "") == ("Doc." if "Doc." in text else "")


@pytest.mark.parametrize(("text", "body"), SHAPES.values(), ids=SHAPES)
def test_what_is_woven_in_text_does_what_the_code_does(run: Run, text: str, body: str) -> None:
    _, woven = run(text, f=body)

    namespace: dict[str, Any] = {"__name__": "shop"}
    exec(woven.text, namespace)
    assert namespace["f"](1) == 2


METHODS = """
    from poet_import import poet
    LIMIT = 3

    class Basket:
        def __init__(self, count):
            self.count = count

        @poet(retries=1)
        def price(self, factor: int = LIMIT) -> int:
            '''Doc.'''
            return self.count * factor

        @classmethod
        @poet
        def of(cls, count): return cls(count)

    class Big(Basket):
        @poet
        def price(self, factor=1):
            return super().price(factor)

    def outer(k):
        @poet
        def inner(a: int) -> int:
            b = a
            return b + k
        return inner
    """


def test_methods_closures_and_super_find_what_is_theirs(run: Run) -> None:
    namespace, _ = run(
        METHODS,
        Basket_price="def price(self, factor: int = LIMIT) -> int:\n    return self.count * factor + LIMIT\n",
        Basket_of="def of(cls, count):\n    made = cls(count)\n    return made\n",
        Big_price="def price(self, factor=1):\n    return super().price(factor) + 100\n",
        outer_inner="def inner(a: int) -> int:\n    return sum((a, k, 1))\n",
    )

    assert namespace["Basket"].of(2).price() == 9
    assert namespace["Big"](2).price(2) == 107
    assert namespace["outer"](5)(1) == 7


def test_two_functions_may_bring_helpers_of_one_name(run: Run) -> None:
    text = "@poet\ndef f(a):\n    return a\n@poet\ndef g(a):\n    return a\n"
    helper = "def _add(a):\n    return a + {}\n\ndef {}(a):\n    return _add(a)\n"

    namespace, _ = run(text, f=helper.format(1, "f"), g=helper.format(2, "g"))

    assert (namespace["f"](0), namespace["g"](0)) == (1, 2)


def test_a_star_import_hands_on_no_name_of_a_body_from_elsewhere(run: Run) -> None:
    namespace, _ = run(
        "@poet\ndef f(a):\n    return a\n",
        f="import math\nfrom bisect import bisect\n_ONE = 1\ndef f(a):\n    return bisect([a], math.inf) + _ONE\n",
    )

    assert {name for name in namespace if not name.startswith("_")} == {"poet", "f"}


FAILING = """
    import math
    from bisect import bisect


    _ONE = 1


    def _divide(a):
        # by nothing
        return math.sqrt(1) / (a - a)


    def price(self, factor=1):
        values = [_divide(x) for x in (
            factor,
        )]
        return bisect(values, 1)
    """


def test_a_traceback_shows_the_lines_that_ran(run: Run, tmp_path: Path) -> None:
    namespace, _ = run(
        "class Basket:\n\n    @poet(timeout=5, retries=0)\n    def price(self, factor=1):\n        return factor\n",
        Basket_price=FAILING,
    )

    with pytest.raises(ZeroDivisionError) as caught:
        namespace["Basket"]().price(2)

    every = traceback.extract_tb(caught.value.__traceback__)
    frames = [frame for frame in every if frame.filename == str(tmp_path / "Basket.price.py")]
    assert every[-len(frames) :] == frames  # two, or three where a comprehension has a frame of its own
    assert (frames[-1].lineno, frames[-1].line) == (11, "return math.sqrt(1) / (a - a)")
    assert frames[0].lineno == 15


def test_the_carets_are_those_of_the_line_that_ran(run: Run) -> None:
    namespace, _ = run(
        "class Basket:\n    @poet\n    def price(self, factor=1):\n        return factor\n", Basket_price=FAILING
    )

    with pytest.raises(ZeroDivisionError) as caught:
        namespace["Basket"]().price(2)

    frame = traceback.extract_tb(caught.value.__traceback__)[-1]
    assert frame.line is not None
    assert frame.colno is not None
    line = linecache.getline(frame.filename, frame.lineno or 0)
    assert line[frame.colno : frame.end_colno] == "math.sqrt(1) / (a - a)"


def test_getsource_shows_the_body_that_runs(run: Run) -> None:
    namespace, _ = run(
        "@poet(retries=1)\ndef f(a: int):\n    return a\n", f="_X = 1\n\n\ndef f(a: int):\n    return a + _X\n"
    )

    assert inspect.getsource(namespace["f"]) == "def f(a: int):\n    return a + _X\n"


def codes_of(code: CodeType) -> list[CodeType]:
    inside = [constant for constant in code.co_consts if isinstance(constant, CodeType)]
    return [code, *(found for constant in inside for found in codes_of(constant))]


@pytest.mark.parametrize(("text", "body"), SHAPES.values(), ids=SHAPES)
def test_every_line_of_the_code_is_a_line_of_its_file(run: Run, tmp_path: Path, text: str, body: str) -> None:
    _, woven = run(text, f=body)

    for code in codes_of(woven.compile(str(tmp_path / "shop.py"))):
        length = len(Path(code.co_filename).read_text().splitlines())
        lines = {line for _, _, line in code.co_lines() if line}
        assert lines <= set(range(length + 1))


def test_the_users_other_functions_keep_their_lines(run: Run, tmp_path: Path) -> None:
    text = "@poet\ndef f(a):\n    return a\n\n\ndef g():\n    return 1 / 0\n"
    namespace, _ = run(text, f="import math\n_A = 1\ndef f(a):\n    b = a\n    c = b\n    return c + _A\n")

    with pytest.raises(ZeroDivisionError) as caught:
        namespace["g"]()

    frame = traceback.extract_tb(caught.value.__traceback__)[-1]
    assert (frame.filename, frame.lineno, frame.line) == (str(tmp_path / "shop.py"), 7, "return 1 / 0")


UNFIT = {
    "recursion-of-a-method": (
        "class A:\n    @poet\n    def f(self, a):\n        return a\n",
        "def f(self, a):\n    return f(self, a - 1) if a else 0\n",
    ),
    "name-of-a-comprehension": (
        "class A:\n    @poet\n    def f(self, a):\n        return a\n",
        "import math\ndef f(self, a):\n    return [math for math in (math.e, a)]\n",
    ),
    "only-a-docstring": (
        "class A:\n    @poet\n    def f(self, a):\n        return a\n",
        "def f(self, a):\n    '''Nothing.'''\n",
    ),
}


@pytest.mark.parametrize(("text", "body"), UNFIT.values(), ids=UNFIT)
def test_a_body_that_does_not_fit_leaves_the_own_in_place(run: Run, text: str, body: str) -> None:
    namespace, woven = run(text, A_f=body)

    assert namespace["A"]().f(5) == 5
    assert isinstance(woven.functions[0].outcome, Fallback)
    assert row_of(woven.functions[0])[-2:] == ("fallback", "")


def test_rows_tell_the_users_lines_and_where_the_body_begins(run: Run, tmp_path: Path) -> None:
    _, woven = run(METHODS, Basket_price="_X = 1\ndef price(self, factor: int = LIMIT) -> int:\n    return _X\n")

    row = row_of(woven.functions[0])
    assert (woven.functions[0].first_line, woven.functions[0].line, row[-2:]) == (9, 10, ("generated", "model"))
    assert woven.generated_rows() == {str(tmp_path / "Basket.price.py"): {2: row}}


def test_the_woven_text_of_the_same_bodies_is_the_same(run: Run) -> None:
    texts = {run(METHODS, Basket_price=FAILING)[1].text for _ in range(3)}

    assert len(texts) == 1
    assert ast.parse(texts.pop())
