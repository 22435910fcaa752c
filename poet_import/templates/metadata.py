"""Reading metadata.json: from bytes to a `Template`, or to a `TemplateError` that says what to mend.

Everything is judged here, before a function is woven with it: a rule or an argument that only failed when the woven
function is called would break the user's program.
"""

from __future__ import annotations

import builtins
import difflib
import inspect
import json
import re
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import Final, Literal, TypeVar

from poet_import.errors import TemplateError
from poet_import.model import Check, Language, Template
from poet_import.runtime.rules import JOINT, RULES

_Field = TypeVar("_Field")
_Phase = Literal["perceive", "enforce"]

_KEYS: Final = ("schema", "description", "language", "extends", "defaults", "checks", "imports", "enhancements")
_OF_ONE_LANGUAGE: Final[Mapping[str, Language]] = {"base": "python", "dana": "dana"}  # all others build on these
_PARAMETERS: Final = re.compile(r"(?!return$)[\w*?\[\]!-]+")
_PARAMETER: Final = re.compile(r"(?!return$)\w+")
_RESULT: Final = re.compile(r"return(\.[^*?\[]+)?")


def parse_metadata(metadata: bytes, domain: str, version: str) -> tuple[Template, str | None]:
    """Return the template as its metadata.json declares it, and the domain that it extends.

    Raises:
        TemplateError: Something in it is wrong; the error has no file name yet.
    """
    fields = _object(_decoded(metadata), "metadata", _KEYS)
    _require_schema(fields)
    language = _language(fields.get("language", "python"), domain)
    defaults = _object(fields.get("defaults", {}), "defaults", ("retries", "timeout", "retry_on"))
    template = Template(
        domain=domain,
        version=version,
        description=_text(fields.get("description"), "description"),
        digest="",
        lineage=(domain,),
        retries=_optional(defaults, "retries", _retries),
        timeout=_optional(defaults, "timeout", _timeout),
        retry_on=_optional(defaults, "retry_on", _exceptions) or (),
        checks=_items(fields, "checks", _check),
        imports=_items(fields, "imports", _module),
        enhancements=_items(fields, "enhancements", _text),
        language=language,
    )
    return template, _optional(fields, "extends", _text)


def describe_unknown(what: str, name: str, known: Iterable[str]) -> str:
    """Return an error's words for a name that nothing has, with the nearest names and all that there are."""
    names = sorted(known)
    nearest = difflib.get_close_matches(name, names)
    hint = f"; did you mean {' or '.join(nearest)}?" if nearest else ""
    return f"unknown {what} {name!r}{hint} (known: {', '.join(names) or 'none'})"


def _decoded(metadata: bytes) -> object:
    try:
        return json.loads(metadata)
    except json.JSONDecodeError as error:
        raise TemplateError(
            f"is no JSON ({error.msg}); mend it there", line=error.lineno, column=error.colno
        ) from error
    except (ValueError, RecursionError) as error:  # not UTF-8, an integer of 5,000 digits, a thousand open brackets
        raise TemplateError(f"is no JSON that can be read ({error}); write it anew as UTF-8") from error


def _require_schema(fields: dict[str, object]) -> None:
    schema = fields.get("schema")
    if schema != 1 or isinstance(schema, bool):
        raise _wrong("schema", "1, the only one that this version reads", schema)


def _language(found: object, domain: str) -> Language:
    wanted = _OF_ONE_LANGUAGE.get(domain)
    if wanted is not None and found != wanted:
        raise _wrong("language", f'"{wanted}" in the domain of the name {domain}', found)
    if found == "python":
        return "python"
    if found == "dana":
        return "dana"
    raise _wrong("language", '"python" or "dana"', found)


def _optional(fields: dict[str, object], key: str, read: Callable[[object, str], _Field]) -> _Field | None:
    return read(fields[key], key) if key in fields else None


def _items(fields: dict[str, object], key: str, read: Callable[[object, str], _Field]) -> tuple[_Field, ...]:
    items = fields.get(key, [])
    if not isinstance(items, list):
        raise _wrong(key, "a list", items)
    return tuple(read(item, f"{key}[{index}]") for index, item in enumerate(items))


def _object(found: object, where: str, keys: Iterable[str]) -> dict[str, object]:
    if not isinstance(found, dict):
        raise _wrong(where, "an object", found)
    for key in found:
        if key not in keys:
            raise TemplateError(f"{where}: {describe_unknown('key', key, keys)}")
    return found


def _text(found: object, where: str) -> str:
    if not isinstance(found, str) or not found.strip():
        raise _wrong(where, "a text", found)
    return found


def _number(found: object, where: str) -> float:
    # The comparison refuses nan, infinity, and an integer that no float holds.
    if isinstance(found, bool) or not isinstance(found, int | float) or not abs(found) <= sys.float_info.max:
        raise _wrong(where, "a finite number", found)
    return found


def _retries(found: object, where: str) -> int:
    if isinstance(found, bool) or not isinstance(found, int) or found < 0:
        raise _wrong(where, "a whole number from 0 on", found)
    return found


def _timeout(found: object, where: str) -> float:
    seconds = _number(found, where)
    if seconds <= 0:
        raise _wrong(where, "a number of seconds above 0", found)
    return seconds


def _exceptions(found: object, where: str) -> tuple[str, ...]:
    names = _items({where: found}, where, _exception)
    if not names:
        raise _wrong(where, "a name, or no such key", found)
    return names


def _exception(found: object, where: str) -> str:
    name = _text(found, where)
    kind = getattr(builtins, name, None)
    if not isinstance(kind, type) or not issubclass(kind, Exception):
        raise _wrong(where, "the name of a built-in exception, as TimeoutError", found)
    return name


def _module(found: object, where: str) -> str:
    name = _text(found, where)
    if not all(part.isidentifier() for part in name.split(".")):
        raise _wrong(where, "a module's dotted name", found)
    return name


def _check(found: object, where: str) -> Check:
    fields = _object(found, where, ("phase", "match", "rule", "arguments"))
    phase = _phase(fields.get("phase"), f"{where}.phase")
    rule = _text(fields.get("rule"), f"{where}.rule")
    if rule not in RULES:
        raise TemplateError(f"{where}.rule: {describe_unknown('rule', rule, RULES)}")
    match = _match(fields.get("match"), f"{where}.match", phase=phase, joint=rule in JOINT)
    return Check(phase, match, rule, _arguments(fields.get("arguments", {}), f"{where}.arguments", rule))


def _phase(found: object, where: str) -> _Phase:
    if found == "perceive":
        return "perceive"
    if found == "enforce":
        return "enforce"
    raise _wrong(where, '"perceive" or "enforce"', found)


def _match(found: object, where: str, *, phase: _Phase, joint: bool) -> tuple[str, ...]:
    patterns = _items({where: [found] if isinstance(found, str) else found}, where, _text)
    if len(patterns) < 1 + joint:
        raise _wrong(where, "two names or more, since the rule is a joint one" if joint else "a pattern", found)
    if phase == "enforce":
        shape, expected = _RESULT, '"return" or "return.<key>", without wildcards, in enforce'
    elif joint:
        shape, expected = _PARAMETER, "a parameter's name, without wildcards, in perceive"
    else:
        shape, expected = _PARAMETERS, "a pattern of parameter names in perceive"
    for pattern in patterns:
        if not shape.fullmatch(pattern):
            raise _wrong(where, expected, pattern)
    return patterns


def _arguments(found: object, where: str, rule: str) -> tuple[tuple[str, float], ...]:
    parameters = inspect.signature(RULES[rule]).parameters.values()
    known = [parameter.name for parameter in parameters if parameter.kind is parameter.KEYWORD_ONLY]
    arguments = _object(found, where, known)
    if known and not arguments:
        raise _wrong(where, f"at least one of {', '.join(known)}", found)
    return tuple((name, _number(arguments[name], f"{where}.{name}")) for name in sorted(arguments))


def _wrong(where: str, expected: str, found: object) -> TemplateError:
    return TemplateError(f"{where}: expected {expected}, found {json.dumps(found)[:80]}")
