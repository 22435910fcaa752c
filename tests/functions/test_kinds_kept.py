"""What a function is, with the hook and without: everything that can be seen of it but its bytecode."""

import copy
import inspect
import pickle
import re
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest
from kinds import KINDS, Kind

from poet_import import describe

Load = Callable[..., ModuleType]

_IMPORTS = """\
import abc, asyncio, contextlib, dataclasses, enum, functools, itertools, typing
from {} import poet

"""
_NO_MARKER = "def poet(function=None, /, **options):\n    return function or (lambda marked: marked)\n"
_PREDICATES = [
    getattr(inspect, name)
    for name in (
        "isfunction",
        "ismethod",
        "isroutine",
        "isgeneratorfunction",
        "iscoroutinefunction",
        "isasyncgenfunction",
        "isbuiltin",
        "isabstract",
    )
]
_UNMARKED = {"play", "use", "Item.__init__"}  # functions of the table's own
_WOVEN_ONLY = {"__poet_binding__"}  # what a function's dict may hold besides


@pytest.fixture
def both(load: Load, request: pytest.FixtureRequest) -> tuple[ModuleType, ModuleType]:
    """Return the module of a kind as it is without the hook, and with it."""
    kind: Kind = request.param
    load(_NO_MARKER, "no_marker")
    return load(_IMPORTS.format("no_marker") + kind.text, "plain"), load(_IMPORTS.format("poet_import") + kind.text)


def each(kinds: list[Kind]) -> Any:  # pytest's mark
    cases = [pytest.param(kind, kind, id=kind.name) for kind in kinds]
    return pytest.mark.parametrize(("both", "kind"), cases, indirect=["both"])


def evaluate(module: ModuleType, expression: str) -> object:
    return eval(expression, vars(module))


def facts(module: ModuleType, expression: str) -> dict[str, object]:
    """Return what can be seen of a function, the name of its module left out."""
    marked: Any = evaluate(module, expression)
    function: Any = inspect.unwrap(getattr(marked, "__func__", marked))
    code = function.__code__
    arguments = code.co_argcount + code.co_kwonlyargcount
    return {
        "signature": re.sub(r" at 0x\w+", "", str(inspect.signature(marked))).replace(module.__name__, "*"),
        "type": type(marked),
        "names": (marked.__name__, marked.__qualname__, marked.__module__ == module.__name__),
        "doc": marked.__doc__,
        "annotations": str(getattr(marked, "__annotations__", None)).replace(module.__name__, "*"),
        "defaults": (len(function.__defaults__ or ()), sorted(function.__kwdefaults__ or ())),
        "type parameters": str(getattr(function, "__type_params__", ())),
        "arguments": (code.co_varnames[:arguments], code.co_posonlyargcount, code.co_argcount, code.co_kwonlyargcount),
        "flags": code.co_flags,
        "place": (code.co_qualname, code.co_firstlineno, code.co_filename == module.__file__),
        "free variables": (code.co_freevars, len(function.__closure__ or ())),
        "predicates": [predicate(marked) for predicate in _PREDICATES],
        "source": inspect.getsource(marked) if module.__file__ == code.co_filename else "",
        "attributes": sorted(set(vars(function)) - _WOVEN_ONLY),
    }


@each(KINDS)
def test_everything_that_can_be_seen_of_a_function_is_kept(both: tuple[ModuleType, ModuleType], kind: Kind) -> None:
    plain, woven = both

    assert [facts(woven, name) for name in kind.functions] == [facts(plain, name) for name in kind.functions]


@each([kind for kind in KINDS if kind.calls])
def test_what_a_function_answers_is_kept(both: tuple[ModuleType, ModuleType], kind: Kind) -> None:
    plain, woven = both

    answers = [[repr(evaluate(module, call)) for call in kind.calls] for module in both]
    assert answers[1] == [answer.replace(plain.__name__, woven.__name__) for answer in answers[0]]


@each(KINDS)
def test_the_hook_has_looked_after_each_kind(both: tuple[ModuleType, ModuleType], kind: Kind) -> None:
    marked = [evaluate(both[1], name) for name in kind.functions if name not in _UNMARKED]

    assert {describe(function).origin for function in marked} == {"woven"}


@each([kind for kind in KINDS if kind.functions == ("f",)])
def test_a_function_is_pickled_and_copied_by_reference(both: tuple[ModuleType, ModuleType], kind: Kind) -> None:
    function = both[1].f

    assert pickle.loads(pickle.dumps(function)) is function, kind
    assert copy.deepcopy(function) is function
