"""The woven lines of each phase, as Dana text without indentation of the block that they will stand in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from poet_import.dana.checkers import WARN_UNLESS, checker
from poet_import.dana.hints import Hint
from poet_import.dana.plan import KEY, RESULT, VALUE, DanaPlan, Test
from poet_import.dana.rules import modules

UNIT = "    "
_NAMES_ON_A_LINE = 4
_LONGEST = 110  # columns of a woven line that can be broken
_TO_THE_CAUSE = ('while type(__poet_cause) == "SandboxError":', f"{UNIT}__poet_cause = __poet_cause.__cause__")
# A retry cannot mend these. Dana catches by exact names, so those that derive from them are named too.
_HOPELESS = (
    "AssertionError",
    "AttributeError",
    "ImportError",
    "ModuleNotFoundError",
    "NameError",
    "NotImplementedError",
    "TypeError",
    "UnboundLocalError",
)
# What derives from the exceptions that are named most often.
_DERIVED = {
    "ConnectionError": ("BrokenPipeError", "ConnectionAbortedError", "ConnectionRefusedError", "ConnectionResetError"),
    "LookupError": ("IndexError", "KeyError"),
    "ArithmeticError": ("FloatingPointError", "OverflowError", "ZeroDivisionError"),
    "ValueError": ("UnicodeDecodeError", "UnicodeEncodeError", "JSONDecodeError"),
}


def perceive(plan: DanaPlan) -> Iterator[str]:
    """Yield the lines that check the arguments: one statement for all hints, then one for each rule."""
    if not plan.perceive:
        return
    yield "# perceive"
    yield from _import_lines(modules(test.condition for test in plan.perceive))
    typed = [test for test in plan.perceive if test.of_type]
    if len(typed) > 1:
        expected = ", ".join(f"{test.subject}: {test.expected}" for test in typed)
        got = ", ".join(f"{{{test.shown}}}" for test in typed)
        yield from _check([test.condition for test in typed], f"expected ({expected}), got ({got})", plan)
    for test in plan.perceive:
        if not test.of_type or len(typed) == 1:
            yield from _check([test.condition], _message(test), plan)


def enforce(plan: DanaPlan) -> Iterator[str]:
    """Yield the lines that check the result."""
    if not plan.enforce:
        return
    yield "# enforce"
    yield from _import_lines(modules(test.condition for test in plan.enforce))
    for test in plan.enforce:
        if not test.keys:
            yield from _check([test.condition], _message(test), plan)
    under_keys = [test for test in plan.enforce if test.keys]
    if under_keys:
        yield f'if type({RESULT}) == "dict":'
        yield from (f"{UNIT}{line}" for test in under_keys for line in _check_keys(test, plan))


def checked(plan: DanaPlan, value: str, fits: str) -> str:
    """Return the expression that hands a value on, checked by the function that several share.

    Args:
        plan: Whose result it is.
        value: An expression.
        fits: What it must be: a list of the names of types, or a function that tells.
    """
    (test,) = plan.enforce
    return f'{checker(plan)}({value}, {fits}, "{plan.found.name}: {test.subject} must be {test.expected}")'


def fitting(hint: Hint) -> str:
    """Return what `checked` takes for a hint."""
    if hint.containers:
        return f"lambda {RESULT} :: {hint.accepts(RESULT)}"
    return f"[{', '.join(map(_text, hint.kinds))}]"


def _check_keys(test: Test, plan: DanaPlan) -> Iterator[str]:
    """Yield the lines that check what a returned dict holds under some keys, where it has them."""
    yield f"for {KEY} in [{', '.join(map(_text, test.keys))}]:"
    yield f"{UNIT}if {KEY} in {RESULT}:"
    lines = (f"{VALUE} = {RESULT}[{KEY}]", *_check([test.condition], _message(test), plan))
    yield from (f"{UNIT}{UNIT}{line}" for line in lines)


def call(plan: DanaPlan, helper: str) -> str:
    """Return the call of the function that has the user's body."""
    found = plan.found
    receiver = [found.receiver] if found.receiver else []
    return f"{helper}({', '.join(one.name for one in (*receiver, *found.parameters))})"


def operate(plan: DanaPlan, helper: str) -> Iterator[str]:
    """Yield the lines that call the function's own body, again where it fails and may, until its time is up."""
    yield "# operate"
    attempt = f"{RESULT} = {call(plan, helper)}"
    timed = plan.timeout is not None
    wanted = {"builtins": timed, "random": plan.retries > 0, "time": timed or plan.retries > 0}
    yield from _import_lines([name for name, is_wanted in wanted.items() if is_wanted])
    if plan.timeout is not None:
        yield f"__poet_deadline = __poet_time.monotonic() + {plan.timeout!r}"
    if plan.retries:
        yield from _loop(plan, attempt)
    else:
        yield attempt
    if plan.timeout is not None:
        yield "if __poet_time.monotonic() >= __poet_deadline:"
        yield f"{UNIT}{_timed_out(plan)}"


def _loop(plan: DanaPlan, attempt: str) -> Iterator[str]:
    """Yield the retry loop.

    An ``except … as`` block has a scope of its own, and what is raised in it is lost: it only puts the error into a
    dict. An error that crossed a call is a SandboxError around its cause.
    """
    if "Exception" not in plan.retry_on:
        yield from _listed(plan.retry_on)
    yield f"for __poet_attempt in range({plan.retries + 1}):"
    body = [
        '__poet_last = {"error": None}',
        "try:",
        f"{UNIT}{attempt}",
        "except as __poet_error:",
        f'{UNIT}__poet_last["error"] = __poet_error.original',
        'if __poet_last["error"] == None:',
        f"{UNIT}break",
        '__poet_cause = __poet_last["error"]',
        *_TO_THE_CAUSE,
        f"if __poet_attempt == {plan.retries}{_or_hopeless(plan.retry_on)}:",
        f'{UNIT}raise __poet_last["error"]',
        "__poet_wait = __poet_random.random() * min(10, 0.1 * 2 ** __poet_attempt)",
    ]
    if plan.timeout is not None:
        body += ["if __poet_time.monotonic() + __poet_wait >= __poet_deadline:", f"{UNIT}{_timed_out(plan)}"]
    body.append("__poet_time.sleep(__poet_wait)")
    yield from (f"{UNIT}{line}" for line in body)


def once(lines: Iterable[str]) -> Iterator[str]:
    """Yield lines without the imports that stand above them already."""
    seen: set[str] = set()
    for line in lines:
        statement = line.strip()
        if statement not in seen:
            yield line
        if statement.startswith("import "):
            seen.add(statement)


def _or_hopeless(retry_on: Sequence[str]) -> str:
    if "Exception" in retry_on:
        return ""
    return f" or type(__poet_cause) {'not in' if retry_on else 'in'} __poet_listed"


def _listed(retry_on: Sequence[str]) -> Iterator[str]:
    """Yield the list of the exceptions that are tried again, or where nothing was asked for of those that are not."""
    names = list(dict.fromkeys(name for wanted in retry_on for name in (wanted, *_DERIVED.get(wanted, ()))))
    names = [f'"{name}"' for name in names or _HOPELESS]
    if len(names) <= _NAMES_ON_A_LINE:
        yield f"__poet_listed = [{', '.join(names)}]"
        return
    rows = [", ".join(names[start : start + _NAMES_ON_A_LINE]) for start in range(0, len(names), _NAMES_ON_A_LINE)]
    yield from ("__poet_listed = [", *(f"{UNIT}{row}," for row in rows), "]")


def _timed_out(plan: DanaPlan) -> str:
    return f'raise __poet_builtins.TimeoutError("{plan.found.name}: timed out after {plan.timeout:g} s")'


def train(helper: str, inside: Sequence[str]) -> Iterator[str]:
    """Yield the lines of the other phases with what tells of each call around them."""
    yield from _import_lines(["time"])
    yield "__poet_start = __poet_time.time()"
    yield '__poet_outcome = {"error": None}'
    yield "try:"
    yield from (f"{UNIT}{line}" for line in inside)
    yield "except as __poet_error:"
    yield f'{UNIT}__poet_outcome["error"] = __poet_error.original'
    yield "# train"
    yield f'{helper}(__poet_start, __poet_outcome["error"])'
    yield 'if __poet_outcome["error"] != None:'
    yield f'{UNIT}raise __poet_outcome["error"]'


def trainer(plan: DanaPlan, helper: str, *, version: str) -> Iterator[str]:
    """Yield the function that tells of one call."""
    name, objective = plan.found.name, plan.found.options.optimize_for or ""
    yield f"sync def {helper}(__poet_start, __poet_error):"
    body = [
        *_import_lines(["json", "logging", "time", "uuid"]),
        "__poet_end = __poet_time.time()",
        "__poet_cause = __poet_error",
        *_TO_THE_CAUSE,
        "if __poet_cause == None:",
        f"{UNIT}__poet_cause = __poet_error",
        "__poet_event = {",
        f'{UNIT}"topic": "poet/functions/{name}/execution",',
        f'{UNIT}"function": "{name}",',
        f'{UNIT}"version": "{version}",',
        f'{UNIT}"optimize_for": {_text(objective)},',
        f'{UNIT}"execution_id": str(__poet_uuid.uuid4()),',
        f'{UNIT}"start": __poet_start,',
        f'{UNIT}"end": __poet_end,',
        f'{UNIT}"duration_ms": 1000 * (__poet_end - __poet_start),',
        f'{UNIT}"status": "success" if __poet_error == None else "error",',
        f'{UNIT}"error": None if __poet_error == None else f"{{type(__poet_cause)}}"',
        "}",
        f'__poet_logging.getLogger("poet.functions.{name}.execution").info(__poet_json.dumps(__poet_event))',
    ]
    yield from (f"{UNIT}{line}" for line in body)


def _import_lines(names: Sequence[str]) -> Iterator[str]:
    return (f"import {name}.py as __poet_{name}" for name in names)


def _check(conditions: Sequence[str], message: str, plan: DanaPlan) -> Iterator[str]:
    """Yield the statement that refuses, or warns of, what breaks a condition."""
    text = f'f"{plan.found.name}: {message}"'
    opening, closing = (f"{WARN_UNLESS}(", ")") if plan.warns else ("assert ", "")
    whole = f"{opening}{' and '.join(conditions)}, {text}{closing}"
    if len(whole) <= _LONGEST or len(conditions) == 1:
        yield whole
        return
    first, *others = conditions
    rows = (f"{UNIT}{first}", *(f"{UNIT}and {other}" for other in others))
    if plan.warns:
        yield from (opening, *rows[:-1], f"{rows[-1]},", f"{UNIT}{text}", ")")
    else:
        yield from ("assert (", *rows, f"), {text}")


def _message(test: Test) -> str:
    return f"{test.subject} must be {test.expected}, got {{{test.shown}}}"


def _text(value: str) -> str:
    """Return a text as a literal: Dana has no escapes, so what would end it, or a line, is left out."""
    kept = "".join(character for character in value if character.isprintable() and character not in '"\\')
    return f'"{kept}"'
