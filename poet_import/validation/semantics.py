"""The fourth gate: O′ means what O means. Cheapest first: proof, then trials of both in the jail."""

from __future__ import annotations

import ast
import os
import time
from dataclasses import asdict, dataclass
from functools import cache
from typing import Any, Final

from poet_import.model import Evidence, Violation
from poet_import.source.scopes import FunctionNode, names_bound_by, parameters
from poet_import.validation import jail
from poet_import.validation.contract import is_stub, judge_promise, promise_of
from poet_import.validation.originals import Facts
from poet_import.validation.outcomes import Compared, compare, worse_outcome
from poet_import.validation.proof import is_proven
from poet_import.validation.pure import is_exception
from poet_import.validation.trials.examples import examples_of
from poet_import.validation.trials.extract import extract
from poet_import.validation.trials.instrument import instrumented
from poet_import.validation.trials.literals import Usage, pool_of
from poet_import.validation.trials.search import Recipe, choose, plain
from poet_import.validation.trials.specs import Specs, ambiguous, holds_doubles

_INPUTS: Final = 480
_LEAST_INPUTS: Final = 300  # drawn, beside those that the scout kept
_SECONDS: Final = 1.0
_PLACES_OF_THE_CANDIDATE: Final = 1_000_000  # tests of O have lower numbers
_LIMITS: Final = jail.Limits(seconds=3.0)
_PACKAGE: Final = "poet_import.validation.trials"
_MODULES: Final = tuple("numbers texts doubles canon draw mutations recipes promises driver scout".split())
_DRIVER: Final = f"{_PACKAGE}.driver"
_USUAL_FAILURES: Final = ("ConnectionError", "TimeoutError", "ValueError", "KeyError", "FileNotFoundError")
Payload = dict[str, Any]  # Any: JSON, as the driver takes it


def judge_semantics(tree: ast.Module, function: FunctionNode, facts: Facts) -> tuple[list[Violation], list[Evidence]]:
    """Return where a text differs from its original in what it means, and what was tried to find out."""
    started = time.perf_counter()
    if facts.original.semantics == "intent" or is_stub(facts.function):
        return _kept(tree, function, facts)
    if is_proven(tree, function, facts):
        return [], [Evidence("semantics", "proof", seconds=time.perf_counter() - started)]
    if not jail.is_available():  # pragma: no cover  (another system; where the tests run, there is one)
        message = "it differs from the original, and this system has no jail to try it in"
        return [_violation("untried", function, message)], [Evidence("semantics", "proof", note="no jail here")]
    return _tried(tree, function, facts)


def _violation(rule: str, function: FunctionNode, message: str) -> Violation:
    return Violation("semantics", rule, function.lineno, message)


def _tried(tree: ast.Module, function: FunctionNode, facts: Facts) -> tuple[list[Violation], list[Evidence]]:
    started = time.perf_counter()
    with jail.opened(program()) as server:
        found, trial, inputs = _found(tree, function, facts, server=server)
    return found, [Evidence("semantics", trial.method, inputs, time.perf_counter() - started)]


def _found(
    tree: ast.Module, function: FunctionNode, facts: Facts, *, server: jail.ForkServer
) -> tuple[list[Violation], Trial, int]:
    """Return what trials found, the one that told, and its number of inputs."""
    trial = _trial(tree, function, facts)
    compared, inputs = _compared(server, trial, facts)
    if compared.difference is None and (ambiguous(facts.function) or (compared.untried and _is_guessed(facts))):
        other = _trial(tree, function, facts, objects=True)
        if other != trial:
            again, further = _compared(server, other, facts)
            if not again.untried or compared.untried:
                trial, compared, inputs = other, again, further
    found: list[Violation] = []
    if compared.difference is not None:
        number, rule, message = compared.difference
        shown = _shown(server, trial.theirs, inputs[number])
        found.append(_violation(rule, function, f"{message}{f', for the arguments {shown}' if shown else ''}"))
    elif compared.untried:
        message = f"it differs from the original, and no trial can tell what that means: {compared.untried}"
        found.append(_violation("untried", function, message))
    return found, trial, compared.inputs


def _compared(server: jail.ForkServer, trial: Trial, facts: Facts) -> tuple[Compared, list[Recipe]]:
    """Try both, first on those inputs alone that seem to tell them apart."""
    chosen = choose(server, {**trial.theirs, "scouted": trial.scouted}, _INPUTS, least=_LEAST_INPUTS)
    inputs = [*chosen.found, *chosen.others]
    for some in (chosen.found, inputs) if chosen.found else (inputs,):
        jobs = [(_DRIVER, {**payload, "inputs": some}) for payload in (trial.theirs, trial.mine)]
        theirs, mine = server.run(jobs, _LIMITS)
        compared = compare(theirs, mine, guessed=_is_guessed(facts), seconds=_SECONDS)
        if compared.difference is not None:
            break
    return compared, inputs


def _kept(tree: ast.Module, function: FunctionNode, facts: Facts) -> tuple[list[Violation], list[Evidence]]:
    """Judge what stands in for a stub by what the stub promises."""
    started = time.perf_counter()
    if is_stub(function):
        return [_violation("stub", function, "it is a stub itself; write what the function is for")], []
    if not jail.is_available():  # pragma: no cover  (as above)
        return [_violation("untried", function, "this system has no jail to try it in")], []
    trial = _trial(tree, function, facts)
    spec = Specs(facts.function, facts.module, Usage([])).of(facts.function.returns) if facts.function.returns else None
    inputs = plain(trial.mine, _INPUTS)
    payload = {**trial.mine, "inputs": inputs, "promise": {**promise_of(facts), "spec": spec}}
    with jail.opened(program()) as server:
        (finished,) = server.run([(_DRIVER, payload)], _LIMITS)
        broken = judge_promise(finished)
        found = [_violation(broken[1], function, broken[2])] if broken else []
        if broken and broken[0] is not None and (shown := _shown(server, payload, inputs[broken[0]])):
            found = [_violation(broken[1], function, f"{broken[2]}, for the arguments {shown}")]
    return found, [Evidence("semantics", "contract", len(finished.answers), time.perf_counter() - started)]


Text = tuple[ast.Module | None, FunctionNode | None]
"""A text that was read: as a whole, and its function."""


def judge_recorded(present: Text, answer: Text, facts: Facts) -> tuple[list[Violation], Evidence]:
    """Return on which recorded call an answer is worse than the text that answers now, and what was tried.

    Both have passed the gates that only read, so both have a function; a present text that does not is nothing to be
    worse than.
    """
    started = time.perf_counter()
    texts = [(tree, function) for tree, function in (present, answer) if tree is not None and function is not None]
    if len(texts) < 2 or is_stub(texts[0][1]) or not jail.is_available():
        return [], Evidence("semantics", "recorded", note="there is nothing to compare it with")
    function = texts[1][1]
    trials = [_trial(tree, node, facts).mine for tree, node in texts]
    inputs: list[Recipe] = [["call", number] for number in range(len(facts.original.calls))]
    with jail.opened(program()) as server:
        theirs, mine = server.run([(_DRIVER, {**trial, "inputs": inputs}) for trial in trials], _LIMITS)
    may_differ = facts.original.semantics == "intent" or is_stub(facts.function)
    worse = worse_outcome(theirs, mine, may_differ=may_differ)
    found = []
    if worse is not None:
        number, message = worse
        call = facts.original.calls[number][:300]
        found = [_violation("recorded", function, f"it is worse on a recorded call: {message}, for {call}")]
    return found, Evidence("semantics", "recorded", len(inputs), time.perf_counter() - started)


def _is_guessed(facts: Facts) -> bool:
    """Tell whether the inputs may be of types that the function was not made for."""
    given = parameters(facts.function)[1 if _is_bound(facts) else 0 :]
    return any(argument.annotation is None for argument in given)


@dataclass(frozen=True, slots=True)
class Trial:
    """What the children of O and of O′ are told: the same, but for the code."""

    theirs: Payload
    mine: Payload
    method: str
    scouted: list[Payload]  # the instrumented texts of both, and what stands outside of them


def _trial(tree: ast.Module, function: FunctionNode, facts: Facts, *, objects: bool = False) -> Trial:
    usage = Usage([facts.function], objects=objects)
    specs = Specs(facts.function, facts.module, usage)
    rows = specs.parameters(bound=_is_bound(facts), objects=objects)
    theirs = extract(facts.function, facts.module, extra=specs.classes)
    mine = extract(function, tree, facts.module, extra=[*specs.classes, *_constants(tree)])
    outside = bool(theirs.doubles) or any(holds_doubles(row.spec) for row in rows)
    common = {
        "name": function.name,
        "parameters": [list(asdict(row).values()) for row in rows],
        "calls": [*facts.original.calls, *examples_of(facts.function)],
        "pool": pool_of([facts.function, tree, *theirs.statements]),
        "hints": {**Usage([function], objects=objects).hints(), **usage.hints()} if outside else {},
        "exceptions": sorted(theirs.exceptions | mine.exceptions),
        "usual_exceptions": [*_USUAL_FAILURES, *_caught(facts.function), *_caught(function)],
        "count": _INPUTS,
        "seconds": _SECONDS,
        "show": -1,
        "sends": _takes_values(facts.function),
        "guessed": _is_guessed(facts),
        "promise": None,
    }
    texts = [{**common, "code": part.code, "doubles": part.doubles} for part in (theirs, mine)]
    parts = zip((theirs, mine), (0, _PLACES_OF_THE_CANDIDATE), strict=True)
    scouted = [{"code": instrumented(part.statements, place), "doubles": part.doubles} for part, place in parts]
    return Trial(texts[0], texts[1], method="doubles" if outside else "trial", scouted=scouted)


def _constants(tree: ast.Module) -> list[str]:
    """Return the names of a text's constants: each is computed when its module is loaded, used or not."""
    return [
        name
        for node in tree.body
        if isinstance(node, ast.Assign | ast.AnnAssign)
        for part in ast.walk(node)
        for name in names_bound_by(part)
    ]


def _caught(function: FunctionNode) -> list[str]:
    """Return the built-in exceptions that a function catches."""
    handlers = [node.type for node in ast.walk(function) if isinstance(node, ast.ExceptHandler) and node.type]
    names = [node.id for kind in handlers for node in ast.walk(kind) if isinstance(node, ast.Name)]
    return [name for name in names if is_exception(name)]


def _takes_values(function: FunctionNode) -> bool:
    """Tell whether a generator uses what it is sent."""
    yielded = [node for node in ast.walk(function) if isinstance(node, ast.Yield)]
    dropped = {id(node.value) for node in ast.walk(function) if isinstance(node, ast.Expr)}
    return any(id(node) not in dropped for node in yielded)


def _is_bound(facts: Facts) -> bool:
    """Tell whether the function is a method, whose first argument is the object."""
    decorators = {ast.unparse(item) for item in facts.function.decorator_list}
    around = facts.inner.parent
    return around is not None and around.is_class and "staticmethod" not in decorators


@cache
def program() -> jail.Program:
    """Return the modules that children run."""
    names = ["poet_import.runtime.rules", *(f"{_PACKAGE}.{name}" for name in _MODULES)]
    root = os.path.dirname(os.path.dirname(os.path.dirname(__file__)))
    texts = []
    for name in names:
        with open(os.path.join(root, *name.split(".")) + ".py", encoding="utf-8") as file:
            texts.append((name, file.read()))
    return tuple(texts)


def _shown(server: jail.ForkServer, payload: Payload, recipe: Recipe) -> str:
    """Return the arguments of one input."""
    (finished,) = server.run([(_DRIVER, {**payload, "inputs": [recipe], "show": 0})], _LIMITS)
    answers = [answer for answer in finished.answers if isinstance(answer, list)]
    return str(answers[0][0]) if answers and answers[0] else ""
