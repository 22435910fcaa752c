"""What a language model is asked: a domain's ``template.txt`` as Jinja, rendered for one function.

A template sees these names, and nothing else:

``function_name``, ``domain``, ``description``
    Texts; the description is the metadata's.
``function_source``, ``fence``
    The function, and a fence of backticks that is longer than any row of them in it.
``module_imports``, ``interfaces``
    Statements of its module that it uses names of: imports, and the signatures, classes and constants beside it. Of a
    Dana function: the imports and types of its source.
``semantics``
    ``preserve`` or ``intent``: whether the same results are asked for.
``surroundings``
    Names and types of the values around its calls, as ``price: float``, where a host tells them.
``rules``, ``allowed_imports``
    What the wrapper holds already, in words, and the modules that the domain allows; in Dana it allows none.
``optimize_for``
    The objective, or None. ``train_addon.txt`` is appended only where there is one.
``evidence``
    What calls have shown so far, as lines without line breaks; empty where a function is asked for the first time,
    and in Dana.

``{% extends "base/template.txt" %}`` takes the frame of a domain that the metadata extends; its blocks are ``role`` and
``guidance``, and ``feedback`` in ``base/train_addon.txt``. ``dana/template.txt`` is the frame for Dana, with the same
blocks; a domain of that language need not extend ``dana`` for it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Final

from jinja2 import DictLoader, StrictUndefined, TemplateNotFound, TemplateSyntaxError
from jinja2 import TemplateError as JinjaError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from poet_import.errors import TemplateError
from poet_import.model import Check, Language, Original, PoetOptions, Template
from poet_import.source.normal import interfaces

_PROMPT: Final = "template.txt"
_ADDON: Final = "train_addon.txt"
_LONGEST: Final = 400_000  # characters
_AREA: Final = "def area(side: float) -> float:\n    return side * side\n"  # in both languages
_SAMPLES: Final[Mapping[Language, Original]] = {
    "python": Original(_AREA, "area", "area"),
    "dana": Original(
        _AREA, "area", "area", language="dana", beside=("import math.py as math", "struct A:\n    x: int")
    ),
}
_SEEN: Final = ("v1: 3 calls",)


def render(template: Template, original: Original, options: PoetOptions, *, evidence: Sequence[str] = ()) -> str:
    """Return the prompt for a function, with what its calls have shown.

    Raises:
        TemplateError: The domain's text cannot be rendered.
    """
    environment = _environment(template.texts)
    values = _values(template, original, options, evidence=evidence)
    names = [_first(template, _PROMPT)]
    if options.optimize_for:
        names += [name for name, _ in template.texts if name.endswith(f"/{_ADDON}")][:1]
    prompt = "\n".join(_rendered(environment, name, values).strip("\n") + "\n" for name in names)
    if len(prompt) > _LONGEST:
        raise TemplateError(f"renders to {len(prompt):,} characters; at most {_LONGEST:,} are sent", filename=names[0])
    return prompt


def check_texts(template: Template) -> None:
    """Render the texts for a small function, with and without an objective.

    Raises:
        TemplateError: One is no template, or names what no prompt has.
    """
    for objective in (None, "fewer mistakes"):
        options = PoetOptions(domain=template.domain, optimize_for=objective)
        render(template, _SAMPLES[template.language], options, evidence=_SEEN if objective else ())


def _first(template: Template, suffix: str) -> str:
    found = [name for name, _ in template.texts if name.endswith(f"/{suffix}")]
    if not found:
        raise TemplateError(f"the domain {template.domain!r} has no {suffix}; write one beside its metadata.json")
    return found[0]


@lru_cache(maxsize=32)
def _environment(texts: tuple[tuple[str, str], ...]) -> ImmutableSandboxedEnvironment:
    environment = ImmutableSandboxedEnvironment(
        loader=DictLoader(dict(texts)),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # plain text for a model; what it answers is judged, whatever it was talked into
    )
    environment.globals.clear()
    return environment


def _rendered(environment: ImmutableSandboxedEnvironment, name: str, values: dict[str, object]) -> str:
    try:
        return environment.get_template(name).render(values)
    except TemplateSyntaxError as error:
        reason = f"{error.message}; mend the template there"
        raise TemplateError(reason, filename=error.name or name, line=error.lineno) from error
    except TemplateNotFound as error:
        known = ", ".join(sorted(environment.list_templates()))
        reason = f"extends or includes {error.name!r}, which its lineage has not (it has: {known})"
        raise TemplateError(reason, filename=name) from error
    except (JinjaError, ArithmeticError, LookupError, TypeError, ValueError, RecursionError) as error:
        known = ", ".join(sorted(values))
        raise TemplateError(f"cannot be rendered ({error}); a template sees {known}", filename=name) from error


def _values(
    template: Template, original: Original, options: PoetOptions, *, evidence: Sequence[str]
) -> dict[str, object]:
    told = interfaces(original)
    fenced = (original.source, *told, *evidence, options.optimize_for or "")
    longest = max(map(len, re.findall("`+", "\n".join(fenced))), default=0)
    return {
        "function_name": original.name,
        "function_source": original.source.rstrip("\n"),
        "fence": "`" * max(3, longest + 1),
        "domain": template.domain,
        "description": template.description,
        "module_imports": [text for text in told if text.startswith(("import ", "from "))],
        "interfaces": [text for text in told if not text.startswith(("import ", "from "))],
        "semantics": original.semantics,
        "surroundings": [f"{name}: {kind}" for name, kind in original.surroundings],
        "rules": [_in_words(check) for check in template.checks],
        "allowed_imports": list(original.imports or template.imports) if original.language == "python" else [],
        "optimize_for": options.optimize_for,
        "evidence": list(evidence),
    }


def _in_words(check: Check) -> str:
    names = " and ".join(_place(pattern) for pattern in check.match)
    arguments = ", ".join(f"{name}={value!r}" for name, value in check.arguments)
    return f"{names}: {check.rule.replace('_', ' ')}{f' ({arguments})' if arguments else ''}"


def _place(pattern: str) -> str:
    if pattern == "return":
        return "the result"
    return f"the result's `{pattern.removeprefix('return.')}`" if pattern.startswith("return.") else f"`{pattern}`"
