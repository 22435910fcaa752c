"""Shadows: another body that runs beside the one that answers, on some calls, to learn whether they ever differ.

A woven function with a shadow calls `sample` before its body. On a sampled call the arguments are copied, and a thread
of ours makes the call twice more, once with each body: nothing of that reaches the caller. Only pure functions get one.
"""

import atexit
import json
import os
import queue
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from copy import deepcopy
from dataclasses import dataclass, field
from marshal import loads
from sys import _getframe
from time import perf_counter_ns
from types import CodeType, FrameType

from poet_import import runtime
from poet_import.runtime.hosting import CONTEXT

Arguments = Mapping[str, object]
Function = Callable[..., object]
Ended = tuple[str, object, Arguments]

_FIRST = 20  # calls that are all sampled
_EVERY = 10  # of the later ones, each tenth
_MOST_WAITING = 100
_MOST_TOLD = 20  # differences that are described
_MOST_TIMES = 500


@dataclass(slots=True)
class _Shadow:
    """One function's shadow in this process."""

    function: str
    place: str
    version: str
    answering: Function
    shadow: Function
    kinds: tuple[tuple[str, int], ...]  # parameters, each with what it collects: 0 nothing, 1 positions, 2 names
    calls: int = 0
    compared: int = 0
    differences: int = 0
    failed: int = 0  # runs of the shadow that raised
    milliseconds: list[float] = field(default_factory=list)  # that its last runs took
    told: list[str] = field(default_factory=list)


_shadows: dict[tuple[str, int], _Shadow | None] = {}
_waiting: "queue.SimpleQueue[tuple[_Shadow, Arguments, Arguments]]" = queue.SimpleQueue()
_thread: threading.Thread | None = None
_lock = threading.Lock()


def sample() -> None:
    """Take the arguments of the calling function's call for a comparison, if it is its turn."""
    frame = _getframe(1)
    key = frame.f_code.co_filename, frame.f_code.co_firstlineno
    shadow = _shadows[key] if key in _shadows else _load(key, frame)
    if shadow is None:
        return
    shadow.calls += 1
    if (shadow.calls > _FIRST and shadow.calls % _EVERY) or _waiting.qsize() > _MOST_WAITING:
        return
    arguments = {name: frame.f_locals[name] for name, _ in shadow.kinds}
    with suppress(Exception):  # what cannot be copied cannot be tried: the user's own copying may raise anything
        _waiting.put((shadow, deepcopy(arguments), deepcopy(arguments)))
        _start()


def _load(key: tuple[str, int], frame: FrameType) -> _Shadow | None:
    """Make the two functions of a shadow, in a copy of the module's names."""
    rows = loads(runtime.shadow_rows[key[0]]) if key[0] in runtime.shadow_rows else {}
    row = rows.get(key[1])
    code = frame.f_code
    count = code.co_argcount + code.co_kwonlyargcount
    if row is None or not set(CONTEXT).isdisjoint(code.co_varnames[:count]):  # a live context is nobody's to copy
        _shadows[key] = None
        return None
    qualname, place, version, *codes = row
    kinds = [(name, 0) for name in code.co_varnames[:count]]
    for flag, kind in ((4, 1), (8, 2)):  # CO_VARARGS, CO_VARKEYWORDS
        if code.co_flags & flag:
            kinds.append((code.co_varnames[len(kinds)], kind))
    made = [_made(one, code.co_name, frame.f_globals) for one in codes]
    name = f"{frame.f_globals.get('__name__', '?')}.{qualname}"
    _shadows[key] = _Shadow(name, place, version, made[0], made[1], tuple(kinds))
    return _shadows[key]


def _made(code: CodeType, name: str, namespace: Mapping[str, object]) -> Function:
    own = dict(namespace)
    exec(code, own)  # noqa: S102  # the user's own body, or one that the gates have accepted
    made: Function = own[name]  # type: ignore[assignment]  # the code defines it
    return made


def _start() -> None:
    global _thread  # noqa: PLW0603  (there is one such thread in a process)
    if _thread is not None and _thread.is_alive():
        return
    with _lock:
        if _thread is None or not _thread.is_alive():
            _thread = threading.Thread(target=_compare_all, name="poet_import shadow", daemon=True)
            _thread.start()


def _compare_all() -> None:
    while True:
        shadow, mine, theirs = _waiting.get()
        answered = _ended(shadow.answering, mine, shadow)
        begun = perf_counter_ns()
        ended = _ended(shadow.shadow, theirs, shadow)
        shadow.milliseconds = [*shadow.milliseconds[1 - _MOST_TIMES :], (perf_counter_ns() - begun) // 1000 / 1000]
        shadow.failed += ended[0] != "returns"
        found = _difference(answered, ended)
        shadow.compared += 1
        if found:
            shadow.differences += 1
            if len(shadow.told) < _MOST_TOLD and found not in shadow.told:
                shadow.told.append(found)
        if _waiting.empty():
            write_reports()


def _ended(function: Function, arguments: Arguments, shadow: _Shadow) -> Ended:
    values: list[object] = [arguments[name] for name, kind in shadow.kinds if not kind]
    named: dict[str, object] = {}
    for name, kind in shadow.kinds:
        if kind == 1:
            values = [*values, *arguments[name]]  # type: ignore[misc]  # a tuple
        elif kind == 2:
            named = arguments[name]  # type: ignore[assignment]  # a dict
    code = getattr(function, "__code__", None)
    only = code.co_kwonlyargcount if code is not None else 0
    if only:
        names = [name for name, kind in shadow.kinds if not kind]
        first = len(names) - only
        named = {**named, **dict(zip(names[first:], values[first : len(names)], strict=True))}
        values = [*values[:first], *values[len(names) :]]
    try:
        return "returns", function(*values, **named), arguments
    except Exception as error:  # noqa: BLE001  # how it ends is what is compared
        return f"raises {type(error).__name__}", None, arguments


def _difference(mine: Ended, theirs: Ended) -> str:
    """Return how two calls ended differently, in words that hold no value of the user's; nothing where they did not."""
    if mine[0] != theirs[0]:
        return f"the shadow {theirs[0]} where the function {mine[0]}"
    if type(mine[1]) is not type(theirs[1]):
        return f"the shadow returns {type(theirs[1]).__name__} where the function returns {type(mine[1]).__name__}"
    if not _is_same(mine[1], theirs[1]):
        return f"another {type(mine[1]).__name__} is returned"
    return "" if _is_same(mine[2], theirs[2]) else "the arguments are changed in another way"


def _is_same(one: object, other: object) -> bool:
    try:
        return type(one) is type(other) and (one == other or repr(one) == repr(other))  # nan is not equal to itself
    except Exception:  # noqa: BLE001  # the user's own comparison may raise anything
        return False


def write_reports() -> None:
    """Write down what was compared so far, a file for each function and process."""
    folder = runtime.shadow_folder
    for shadow in [one for one in _shadows.values() if one is not None and one.compared]:
        fields = ("function", "place", "version", "calls", "compared", "differences", "failed", "milliseconds", "told")
        report = {name: getattr(shadow, name) for name in fields}
        path = os.path.join(folder, f"{shadow.function}.{os.getpid()}.json")
        with suppress(OSError):  # a full disk; the next call tries again
            os.makedirs(folder, mode=0o700, exist_ok=True)
            temporary = f"{path}.tmp"
            with open(temporary, "w", encoding="utf-8") as file:
                json.dump(report, file)
            os.replace(temporary, path)


atexit.register(write_reports)
