"""What is woven into one function: its options over its domain's defaults, its hints, the blocks around its body."""

from __future__ import annotations

import ast
from dataclasses import dataclass

from poet_import.model import Check, Phase, Template
from poet_import.runtime.hosting import CONTEXT
from poet_import.source.anatomy import Anatomy, ReturnSite, dissect, rebound_parameters
from poet_import.source.annotations import Hint, names_in, read_hint
from poet_import.source.compiling import parse_expression
from poet_import.source.discovery import PoetFunction
from poet_import.source.linemap import Place
from poet_import.source.names import resolve
from poet_import.source.phases import (
    Block,
    Deadline,
    Edge,
    Loop,
    Subject,
    Tests,
    Train,
    item_tests,
    rule_tests,
    type_test,
)
from poet_import.source.scopes import Scope, parameters

_WITHOUT_KEYS = frozenset(f"builtins.{name}" for name in ("list", "tuple", "set", "frozenset", "type"))


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that the weaver writes into one function."""

    found: PoetFunction
    template: Template
    anatomy: Anatomy
    tests: Tests
    perceive: tuple[tuple[str, str], ...]  # condition and arguments of each check
    result: Hint
    enforce: tuple[tuple[str, str], ...]  # the same about ``_poet_result``
    checked: tuple[ReturnSite, ...]  # each ``return`` whose value is checked
    checks_end: bool  # whether falling off the end is checked, as a ``return None``
    blocks: tuple[Block, ...]  # outermost first
    is_shadowed: bool = False  # some calls are also made with another body, beside it
    is_hosted: bool = False  # Dana calls it: with promises, and again where it raises certain errors
    binds: str = ""  # the runtime's decorator that keeps the annotations at hand, or nothing
    train: Train | None = None  # the record of each call, around all of it
    traced: tuple[str, tuple[str, ...]] | None = (
        None  # its name beside its module and what is told of a call, while that is collected
    )

    @property
    def is_empty(self) -> bool:
        """Tell whether the function stays as it is."""
        checks = (self.perceive, self.checked, self.checks_end, self.blocks)
        return not any((*checks, self.is_shadowed, self.is_hosted, self.train, self.traced))

    @property
    def arguments(self) -> tuple[str, ...]:
        """Return the parameters that may hold a promise."""
        names = [argument.arg for argument in parameters(self.found.node)]
        is_method = self.found.outer.is_class and names[:1] in (["self"], ["cls"])
        return tuple(name for name in names[is_method:] if name not in CONTEXT)

    @property
    def phases(self) -> tuple[Phase, ...]:
        """Return the phases that the woven function has."""
        return ("perceive", "operate", "enforce", "train") if self.train else ("perceive", "operate", "enforce")


def make_plan(found: PoetFunction, template: Template, *, is_hosted: bool = False) -> Plan:
    """Decide what is woven into a function; one that Dana hosts also copes with how that calls it."""
    anatomy = dissect(found.node)
    subjects, result = _subjects(found), _result(found, anatomy)
    off = found.options.on_violation == "off"
    perceive = () if off else _perceive(subjects, template.checks)
    enforce = () if off or anatomy.is_generator else _enforce(found, result, template.checks)
    needs_check = [
        site
        for site in anatomy.returns
        if enforce and not _is_sure(site.node.value, found, result=result, enforce=enforce)
    ]
    checks_end = anatomy.falls_off and _checks_end(found, anatomy, result=result, enforce=enforce)
    train = _train(found, template, anatomy) if found.options.optimize_for else None
    guarded = any(site.guarded for site in needs_check)
    blocks = _blocks(
        found, template, anatomy, guarded=guarded, noted=train.noting("_poet_attempt.number") if train else ""
    )
    used = [*perceive, *(enforce if needs_check or checks_end else ())]
    binds = any("__poet__.fits(" in test or "__poet__.is_default(" in test for test, _ in used) or found.binds_retry_on
    return Plan(
        found=found,
        template=template,
        anatomy=anatomy,
        tests=Tests(found.options.on_violation, Place.whole_line(found.decorator.lineno)),
        perceive=perceive,
        result=result.hint,
        enforce=enforce,
        checked=tuple(needs_check),
        checks_end=checks_end,
        blocks=blocks,
        is_hosted=is_hosted,
        binds=_binder(found) if binds else "",
        train=train,
    )


def _is_sure(
    value: ast.expr | None, found: PoetFunction, *, result: Subject, enforce: tuple[tuple[str, str], ...]
) -> bool:
    """Tell whether an expression after ``return``, None for none, needs no check."""
    if isinstance(value, ast.Name) and value.id == "NotImplemented" and found.scope.is_builtin(value.id):
        return True
    return result.hint.allows(value) and not any(_is_rule(test) for test, _ in enforce)


def _checks_end(
    found: PoetFunction, anatomy: Anatomy, *, result: Subject, enforce: tuple[tuple[str, str], ...]
) -> bool:
    """Tell whether the None that falling off the end gives may break the annotation or a rule."""
    if anatomy.is_stub and is_abstract(found):
        return False
    return any(not result.hint.allows(None) or "__poet__.rules." in test for test, _ in enforce)


def _is_rule(test: str) -> bool:
    return "__poet__.rules." in test or "__poet__.item_keeps(" in test


def is_abstract(found: PoetFunction) -> bool:
    """Tell whether a function is there to be overridden: falling off its end is what ``super()`` expects of it."""
    names = {ast.unparse(decorator).rpartition(".")[2] for decorator in found.node.decorator_list}
    bases = getattr(found.outer.node, "bases", [])
    return "abstractmethod" in names or any("Protocol" in ast.unparse(base) for base in bases)


def _subjects(found: PoetFunction) -> list[Subject]:
    """Return the parameters that have an annotation or may have a rule."""
    spec, subjects = found.node.args, []
    defaults = _defaults(spec)
    for argument in parameters(found.node):
        if argument.arg in CONTEXT:
            continue
        kind = "*" if argument is spec.vararg else "**" if argument is spec.kwarg else ""
        hint = read_hint(argument.annotation, found.outer, found.scope)
        default = defaults.get(argument.arg)
        if isinstance(default, ast.Constant) and default.value is None and not hint.accepts_all:
            hint = _nullable(hint)
        unsure = default is not None and not hint.allows(default)
        name = _mangled(argument.arg, found.outer)
        unsure = unsure and not hint.deep
        subjects.append(Subject(name, argument.arg, hint, unsure, default=default, kind=kind))
    return subjects


def _nullable(hint: Hint) -> Hint:
    return Hint(hint.text, hint.classes, True, hint.items, hint.kinds, hint.accepts_all, hint.deep, hint.likely)


def _defaults(spec: ast.arguments) -> dict[str, ast.expr]:
    positional = [*spec.posonlyargs, *spec.args]
    found = {
        argument.arg: value for argument, value in zip(reversed(positional), reversed(spec.defaults), strict=False)
    }
    return found | {
        argument.arg: value for argument, value in zip(spec.kwonlyargs, spec.kw_defaults, strict=True) if value
    }


def _mangled(name: str, outer: Scope) -> str:
    """Return a private parameter's name as it stands in ``__annotations__``."""
    if not name.startswith("__") or name.endswith("__"):
        return name
    for scope in outer.enclosing():
        if isinstance(scope.node, ast.ClassDef):
            stripped = scope.node.name.lstrip("_")
            return f"_{stripped}{name}" if stripped else name
    return name


def _result(found: PoetFunction, anatomy: Anatomy) -> Subject:
    returns = None if anatomy.is_generator else found.node.returns
    hint = read_hint(returns, found.outer, found.scope)
    is_special = found.node.name.startswith("__") and found.node.name.endswith("__")
    operator = is_special and found.scope.is_builtin("NotImplemented")
    return Subject("return", "_poet_result", hint, passes_not_implemented=operator)


def _perceive(subjects: list[Subject], checks: tuple[Check, ...]) -> tuple[tuple[str, str], ...]:
    of_types = [test for subject in subjects if (test := type_test(subject))]
    wanted = [check for check in checks if check.phase == "perceive"]
    return (*of_types, *rule_tests(wanted, subjects))


def _may_be_dict(found: PoetFunction, hint: Hint) -> bool:
    """Tell whether a result that fits its annotation can have keys for a rule to look under."""
    returns = found.node.returns
    if isinstance(returns, ast.Subscript) and resolve(returns.value, found.outer) in _WITHOUT_KEYS:
        return False
    return hint.accepts_all or hint.deep or "dict" in hint.classes


def _enforce(found: PoetFunction, result: Subject, checks: tuple[Check, ...]) -> tuple[tuple[str, str], ...]:
    of_type = type_test(result)
    wanted = [check for check in checks if check.phase == "enforce"]
    about_items = item_tests(wanted, result.variable) if _may_be_dict(found, result.hint) else ()
    return (*([of_type] if of_type else []), *rule_tests(wanted, [result]), *about_items)


def _train(found: PoetFunction, template: Template, anatomy: Anatomy) -> Train:
    """Return the record of each call."""
    names = recorded_parameters(found)
    retried = bool(_retries(found, template)) and not anatomy.is_stub
    module = "__name__" if found.scope.is_builtin("__name__") else '"?"'  # somebody has taken that name
    return Train(module, found.qualname, names, has_result=not anatomy.is_generator, retried=retried)


def recorded_parameters(found: PoetFunction) -> tuple[str, ...]:
    """Return the parameters whose values may be written down: not what a host injects, nor what a method belongs to."""
    names = [argument.arg for argument in parameters(found.node) if argument.arg not in CONTEXT]
    kinds = {ast.unparse(decorator).rpartition(".")[2] for decorator in found.node.decorator_list}
    if isinstance(found.outer.node, ast.ClassDef) and "staticmethod" not in kinds:
        spec = found.node.args
        owner = next(iter((*spec.posonlyargs, *spec.args)), None)
        names = [name for name in names if owner is None or name != owner.arg]
    return tuple(names)


def _retries(found: PoetFunction, template: Template) -> int | None:
    return template.retries if found.options.retries is None else found.options.retries


def _blocks(
    found: PoetFunction, template: Template, anatomy: Anatomy, *, guarded: bool, noted: str
) -> tuple[Block, ...]:
    options = found.options
    retries = _retries(found, template)
    seconds = template.timeout if options.timeout is None else options.timeout
    timed = seconds is not None and not anatomy.is_generator and not anatomy.is_stub
    blocks: list[Block] = []
    if timed and seconds is not None:
        blocks.append(Deadline(seconds, anatomy.is_async))
    if retries and not anatomy.is_stub:
        kept = tuple(rebound_parameters(anatomy))
        blocks.append(Loop(retries, _retry_on(found, template), timed, anatomy.is_async, kept, noted))
    if guarded and options.on_violation == "raise":
        blocks.append(Edge())
    return tuple(blocks)


def _retry_on(found: PoetFunction, template: Template) -> str:
    """Return an expression for what is retried, or nothing where the runtime knows it or has the default."""
    if found.binds_retry_on:
        return ""
    if found.options.retry_on is not None:
        names = [node.id for node in ast.walk(parse_expression(found.options.retry_on)) if isinstance(node, ast.Name)]
        several = found.options.retry_on.startswith("(")
    else:
        names, several = list(template.retry_on), len(template.retry_on) > 1
    safe = [name if found.scope.is_builtin(name) else f"__poet__.builtins.{name}" for name in names]
    return f"({', '.join(safe)}{',' * (len(safe) == 1)})" if several else "".join(safe)


def _binder(found: PoetFunction) -> str:
    """Return the decorator that keeps a function's annotations at hand.

    One that is defined several times with the same code, and means something else each time, needs code of its own.
    """
    if any(scope.repeats for scope in found.scope.enclosing()):
        return "own_hints"
    nested = any(scope.is_function for scope in found.outer.enclosing())
    if not nested:
        return "hints"
    node = found.node
    annotations = [argument.annotation for argument in parameters(node) if argument.annotation]
    names = {name for part in (*annotations, *([node.returns] if node.returns else [])) for name in names_in(part)}
    owners = [found.outer.owner(name) for name in names if not found.outer.is_builtin(name)]
    varies = any(owner is None or owner.parent is not None for owner in owners)
    has_defaults = any(not isinstance(value, ast.Constant) for value in _defaults(node.args).values())
    return "own_hints" if varies or has_defaults or found.binds_retry_on else "hints"
