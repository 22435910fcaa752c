"""What weaving gives: a module's text and code, and what became of each of its marked functions."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import CodeType

from poet_import.errors import TranspileError
from poet_import.model import Implementation, PoetOptions
from poet_import.source.compiling import compile_tree, functions_of, parse
from poet_import.source.grafted import Grafted
from poet_import.source.options import NAMES
from poet_import.source.plan import Plan


@dataclass(frozen=True, slots=True)
class Body:
    """A body that takes the place of a function's own."""

    implementation: Implementation
    filename: str  # of the file that holds its text
    model: str  # that wrote it
    is_frozen: bool = False  # committed beside the module
    record: Mapping[str, object] = field(default_factory=dict, compare=False)  # of its acceptance
    tier: str = field(default="", compare=False)  # of the cache that had it, "disk" or "shared"; "" where it is new


@dataclass(frozen=True, slots=True)
class Fallback:
    """Why a function that should have got another body keeps its own."""

    reason: str


@dataclass(frozen=True, slots=True)
class Pending:
    """Another body is being asked for; the next process may find it."""


Outcome = Body | Fallback | Pending


@dataclass(frozen=True, slots=True)
class Shadow:
    """A frozen body that runs beside the one that answers, on some calls."""

    place: str  # where it is frozen
    version: str
    path: str  # of its text
    answering: str  # the text of the body that answers
    shadow: str


@dataclass(frozen=True, slots=True)
class WovenFunction:
    """One marked function of a module and what became of it."""

    qualname: str
    first_line: int  # its co_firstlineno
    line: int  # of its def
    options: PoetOptions
    plan: Plan | None  # None where it was left alone
    left_alone: str = ""  # why: "dynamic" leaves it to the marker, any other reason to nobody
    outcome: Outcome | None = None  # of asking for another body, None where nobody asked
    shadow: Shadow | None = None

    @property
    def is_woven(self) -> bool:
        """Tell whether any line was woven into it."""
        return self.plan is not None and not self.plan.is_empty


@dataclass(frozen=True, slots=True)
class Woven:
    """A module with its marked functions woven."""

    text: str
    functions: tuple[WovenFunction, ...]
    lineage: tuple[str, ...]  # every domain whose metadata had a part in it, sorted
    needs: tuple[str, ...]  # names of the runtime to load before the module runs
    tree: ast.Module  # of the woven text, with the user's positions
    grafted: Grafted | None = None  # where some function has another body
    is_adopted: bool = False  # it names another marker, and ours is put there

    @property
    def is_provisional(self) -> bool:
        """Tell whether some function may get another body next time: then nothing of this is to be kept."""
        return any(isinstance(function.outcome, Fallback | Pending) for function in self.functions)

    @property
    def is_frozen(self) -> bool:
        """Tell whether some function has a frozen body."""
        return any(isinstance(one.outcome, Body) and one.outcome.is_frozen for one in self.functions)

    @property
    def fallbacks(self) -> dict[str, str]:
        """Return for each function that should have got another body why it has not."""
        return {
            function.qualname: function.outcome.reason
            for function in self.functions
            if isinstance(function.outcome, Fallback)
        }

    def compile(self, filename: str, *, optimize: int = -1) -> CodeType:
        """Return the code of the module.

        Raises:
            TranspileError: Woven, it is nested too deeply for the compiler.
        """
        code = self._compile(self.tree, filename, optimize=optimize)
        return self.grafted.relabel(code) if self.grafted else code

    def functions_of(self, tree: ast.Module, filename: str) -> dict[int, CodeType]:
        """Return the code of each function in a part of the tree, by its first line in the user's file.

        Raises:
            TranspileError: It is nested too deeply for the compiler.
        """
        found = {code.co_firstlineno: code for code in functions_of(self._compile(tree, filename))}
        return {line: self.grafted.relabelled(code) for line, code in found.items()} if self.grafted else found

    def companions(self, line: int, filename: str) -> CodeType | None:
        """Return code that binds what the body of a function needs in its module; None where it has its own body."""
        statements = self.grafted.companions.get(line) if self.grafted else None
        if not statements or not self.grafted:
            return None
        return self.grafted.relabel(self._compile(ast.Module(statements, []), filename))

    def _compile(self, tree: ast.Module, filename: str, *, optimize: int = -1) -> CodeType:
        try:
            return compile_tree(tree, filename, optimize=optimize)
        except RecursionError as error:
            raise TranspileError("nested too deeply to be rewritten", filename=filename) from error

    def shadow_rows(self, filename: str) -> dict[str, dict[int, tuple[object, ...]]]:
        """Return what runs beside the functions that have a shadow, by the file and line where what answers begins.

        Function, place, version, then the code of a module that defines what answers, and of one with the shadow.
        """
        rows: dict[str, dict[int, tuple[object, ...]]] = {}
        for one in self.functions:
            if one.shadow is None:
                continue
            found = one.shadow
            texts = ((found.answering, filename), (found.shadow, found.path))
            codes = [compile_tree(parse(text, name), name) for text, name in texts]
            place, line = filename, one.first_line
            if isinstance(one.outcome, Body) and self.grafted:
                place, line = one.outcome.filename, self.grafted.definition(one.qualname, one.first_line)
            rows.setdefault(place, {})[line] = (one.qualname, found.place, found.version, *codes)
        return rows

    def generated_rows(self) -> dict[str, dict[int, tuple[object, ...]]]:
        """Return the rows of functions that have another body, by the file and the line where that begins."""
        rows: dict[str, dict[int, tuple[object, ...]]] = {}
        for function in self.functions:
            if isinstance(function.outcome, Body) and self.grafted:
                line = self.grafted.definition(function.qualname, function.first_line)
                rows.setdefault(function.outcome.filename, {})[line] = row_of(function)
        return rows


def row_of(function: WovenFunction) -> tuple[object, ...]:
    """Return what is kept of a function beside its code, in types that marshal writes.

    Qualified name; ``woven``, ``untouched`` (nothing to weave) or why it is left alone; whether the marker binds
    ``retry_on``. Then for `describe` the options, the phases, the template's name, version and digest, and its
    enhancements. Then the line of its ``def``. Last where its body comes from, and the model that wrote it.
    """
    options = tuple(getattr(function.options, name) for name in NAMES)
    plan = function.plan
    state = function.left_alone or ("woven" if function.is_woven else "untouched")
    if plan is None:
        return (function.qualname, state, False, options, (), "", "", (), function.line, "bypassed", "")
    template = plan.template
    name = f"{template.domain}/{template.version}"
    facts = (plan.phases, name, template.digest, template.enhancements)
    match function.outcome:
        case Body(model=model, is_frozen=is_frozen):
            origin = ("frozen" if is_frozen else "generated", model)
        case Fallback():
            origin = ("fallback", "")
        case _:
            origin = ("woven", "")
    return (function.qualname, state, plan.found.binds_retry_on, options, *facts, function.line, *origin)
