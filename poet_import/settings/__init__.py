"""What a user has configured: arguments of ``install()`` over the environment over the nearest ``pyproject.toml``.

Every program that imports poet_import reads its settings, so this module imports only what an interpreter has loaded
by then, and says its types without ``typing``.
"""

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import NoReturn, TypeGuard

    from poet_import.model import Generator

MODES = ("offline", "eager", "background", "frozen")
ON_STALE = ("raise", "warn")
GENERATORS = ("llm", "remote")
EVENTS = ("jsonl", "logging", "redis", "opentelemetry")
RECORD = ("nothing", "arguments")

VARIABLES = {
    "mode": "POET_MODE",
    "strict": "POET_STRICT",
    "active": "POET_ACTIVATE",
    "cache_dir": "POET_CACHE_DIR",
    "data_dir": "POET_DATA_DIR",
    "templates": "POET_TEMPLATES",
    "generator": "POET_GENERATOR",
    "model": "POET_MODEL",
    "llm_base_url": "POET_LLM_BASE_URL",
    "llm_api_key": "POET_LLM_API_KEY",
    "service_url": "POET_SERVICE_URL",
    "service_key": "POET_SERVICE_KEY",
    "generation_timeout": "POET_GENERATION_TIMEOUT",
    "plain_http": "POET_PLAIN_HTTP",
    "on_stale": "POET_ON_STALE",
    "events": "POET_EVENTS",
    "events_url": "POET_EVENTS_URL",
    "record": "POET_RECORD",
    "traces": "POET_TRACES",
}
_OLDER_VARIABLES = {"service_url": "POET_API_URL"}
SECRETS = ("llm_api_key", "service_key", "events_url")
FIELDS = tuple(VARIABLES)
_DEFAULTS: "dict[str, object]" = {
    **dict.fromkeys(FIELDS),
    "mode": "offline",
    "strict": False,
    "active": True,
    "templates": (),
    "generation_timeout": 10.0,
    "plain_http": False,
    "on_stale": "raise",
    "events": ("jsonl",),
    "record": "nothing",
}
_LONGEST_WAIT = 3600
_SWITCHES = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}


class Settings:
    """The settings in force. Immutable; equal where the values are, whatever they came from.

    Attributes:
        mode: How implementations come about: ``offline`` (the user's own bodies, never the network), ``eager``
            (generated at import), ``background`` (the user's own bodies now, generated ones in the next process), or
            ``frozen`` (only what is in ``.poet``: no writes, never the network).
        strict: Whether a failure of ours raises instead of leaving the module as it is with a warning.
        active: Whether importing poet_import activates the hook.
        cache_dir: The directory for the cache, absolute, or None where the default stands.
        data_dir: The directory for what is recorded, absolute, or None where the default stands.
        templates: Folders of further templates, absolute, searched in this order before the shipped ones.
        generator: What improves functions: ``llm``, ``remote``, an object with the methods of
            `poet_import.model.Generator`, or None for nothing. A ``model`` alone implies ``llm``, a ``service_url``
            without one ``remote``.
        model: The language model, as ``provider/model`` or ``model``, or None where the generator's own default stands.
        llm_base_url: Where the model is, or None where that follows from the provider and its usual variables.
        llm_api_key: The key for it, or None where it comes from the provider's usual variable; never shown.
        service_url: Where our HTTP service is, or None.
        service_key: The API key for it; never shown.
        generation_timeout: Seconds that one import waits for generated implementations.
        plain_http: Whether a model may be reached without TLS on another machine than this.
        on_stale: What ``frozen`` does where an implementation is missing or of another function: ``raise``, or ``warn``
            and run the user's own body.
        events: Where the events of functions with ``optimize_for`` go: names from `EVENTS`, or none.
        events_url: The Redis server for them, or None; it may hold a password, so it is never shown.
        record: What events hold of a call's values: ``nothing``, or its ``arguments``, result and error message.
        traces: The file that ``poet record`` has the calls of marked functions told to, absolute, or None.
        sources: Where each value came from: ``default``, a variable's name, the path of a ``pyproject.toml``, or
            ``install()``.
    """

    __slots__ = (*FIELDS, "sources")

    mode: str
    strict: bool
    active: bool
    cache_dir: "str | None"
    data_dir: "str | None"
    templates: "tuple[str, ...]"
    generator: "Generator | str | None"
    model: "str | None"
    llm_base_url: "str | None"
    llm_api_key: "str | None"
    service_url: "str | None"
    service_key: "str | None"
    generation_timeout: float
    plain_http: bool
    on_stale: str
    events: "tuple[str, ...]"
    events_url: "str | None"
    record: str
    traces: "str | None"
    sources: "dict[str, str]"

    def __init__(self, *, sources: "Mapping[str, str] | None" = None, **values: object) -> None:
        for field, default in _DEFAULTS.items():
            object.__setattr__(self, field, values.pop(field, default))
        if values:
            raise TypeError(f"Settings has no field {', '.join(map(repr, values))}; it has {', '.join(FIELDS)}")
        object.__setattr__(self, "sources", {**dict.fromkeys(FIELDS, "default"), **(sources or {})})

    @classmethod
    def read(
        cls,
        environ: "Mapping[str, str] | None" = None,
        directory: "str | os.PathLike[str] | None" = None,
        /,
        **arguments: object,
    ) -> "Settings":
        """Return the settings in force: arguments over the environment over ``[tool.poet-import]``.

        Args:
            environ: The environment; ``os.environ`` if None. An empty variable counts as absent.
            directory: Where the search for the nearest ``pyproject.toml`` begins, upward, and what relative paths
                start from; the working directory if None.
            **arguments: Values by field, as `poet_import.install` takes them; None counts as absent.

        Raises:
            TypeError: An argument names no field.
            ValueError: A value is not allowed; the message says where it came from and what is.
        """
        base = _working_directory() if directory is None else os.path.abspath(directory)
        found = {
            **_from_pyproject(base),
            **_from_environment(os.environ if environ is None else environ, base),
            **_from_arguments(arguments, base),
        }
        values: dict[str, object] = {field: _READERS[field](raw) for field, raw in found.items()}
        sources = {field: raw.source for field, raw in found.items()}
        for field, generator in (("model", "llm"), ("service_url", "remote")):
            if field in values and "generator" not in values:
                values["generator"], sources["generator"] = generator, sources[field]
        if "generator" in values and "mode" not in values:
            values["mode"], sources["mode"] = "eager", sources["generator"]
        if "events_url" in values and "events" not in values:
            values["events"], sources["events"] = ("jsonl", "redis"), sources["events_url"]
        return cls(**values, sources=sources)

    @property
    def generates(self) -> bool:
        """Tell whether functions may be improved by a generator: one is configured, and the mode allows it."""
        return self.generator is not None and self.mode not in ("offline", "frozen")

    def fingerprint(self) -> str:
        """Return a text that is the same in every process exactly while these settings weave the same code."""
        if not self.generates and self.traces is None:
            return repr(self.templates)
        name = self.generator if isinstance(self.generator, str) else getattr(self.generator, "fingerprint", None)
        asked = (name, self.model, self.llm_base_url, self.service_url) if self.generates else ()
        return repr((self.templates, *asked, *(["traced"] if self.traces else [])))

    def __reduce__(self) -> "tuple[object, ...]":
        return _revived, (dict(zip(FIELDS, self._values(), strict=True)), self.sources)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"Settings cannot be changed; call poet_import.install({name}=…)")

    def __delattr__(self, name: str) -> None:
        raise AttributeError("Settings cannot be changed")

    def shown(self) -> "dict[str, object]":
        """Return the values by field as people may see them: a key is hidden."""
        values = {field: getattr(self, field) for field in FIELDS}
        return values | {field: "***" for field in SECRETS if values[field]}

    def __repr__(self) -> str:
        return f"Settings({', '.join(f'{field}={value!r}' for field, value in self.shown().items())})"

    def __eq__(self, other: object) -> bool:
        return self._values() == other._values() if isinstance(other, Settings) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._values())

    def _values(self) -> "tuple[object, ...]":
        return tuple(getattr(self, field) for field in FIELDS)


def _revived(values: "dict[str, object]", sources: "dict[str, str]") -> Settings:
    return Settings(sources=sources, **values)


_in_force = Settings()


def in_force() -> Settings:
    """Return the settings of this process: those that the hook was last activated with, else those it started with."""
    return _in_force


def put_in_force(settings: Settings) -> None:
    """Let settings hold for the whole process."""
    global _in_force  # noqa: PLW0603  (there is one hook in a process, and the marker has no other way to its settings)
    _in_force = settings


class _Raw:
    """A value as it was written, with its place."""

    __slots__ = ("base", "field", "source", "value")

    def __init__(self, value: object, *, field: str, source: str, base: str) -> None:
        self.value = value
        self.field = field
        self.source = source
        self.base = base  # the directory that relative paths start from

    def refuse(self, expected: str) -> "NoReturn":
        raise ValueError(f"{self.source}: {self.field} = {self.value!r}: expected {expected}")


def _working_directory() -> str:
    """Return the working directory, or the root where it was removed: an import must not fail for that."""
    try:
        return os.getcwd()
    except OSError:
        return os.path.abspath(os.sep)


def _from_arguments(arguments: "Mapping[str, object]", base: str) -> "dict[str, _Raw]":
    for name in arguments:
        if name not in FIELDS:
            from poet_import.settings.tables import nearest  # for a message only; it loads re

            raise TypeError(f"install() has no setting {name!r}{nearest(name)}")
    return {
        field: _Raw(value, field=field, source="install()", base=base)
        for field, value in arguments.items()
        if value is not None
    }


def _from_environment(environ: "Mapping[str, str]", base: str) -> "dict[str, _Raw]":
    return {
        field: _Raw(environ[variable], field=field, source=variable, base=base)
        for variables in (_OLDER_VARIABLES, VARIABLES)
        for field, variable in variables.items()
        if environ.get(variable)
    }


def _from_pyproject(directory: str) -> "dict[str, _Raw]":
    path, content = _nearest_pyproject(directory)
    if b"tool.poet-import" not in content:  # most files have no table of ours: look before parsing
        return {}
    from poet_import.settings.tables import parsed_table  # only for a project that configures us: it loads tomllib

    table = parsed_table(path, content)
    return {
        field: _Raw(table[field], field=field, source=path, base=os.path.dirname(path))
        for field in FIELDS
        if field in table
    }


def _nearest_pyproject(directory: str) -> "tuple[str, bytes]":
    """Return path and content of the first readable ``pyproject.toml`` upward from the directory; empty if none."""
    while True:
        path = os.path.join(directory, "pyproject.toml")
        try:
            with open(path, "rb") as file:
                return path, file.read()
        except OSError:
            parent = os.path.dirname(directory)
        if parent == directory:
            return "", b""
        directory = parent


def _read_mode(raw: _Raw) -> str:
    return _read_choice(raw, MODES)


def _read_on_stale(raw: _Raw) -> str:
    return _read_choice(raw, ON_STALE)


def _read_record(raw: _Raw) -> str:
    return _read_choice(raw, RECORD)


def _read_events(raw: _Raw) -> "tuple[str, ...]":
    names = raw.value.replace(",", " ").split() if isinstance(raw.value, str) else raw.value
    if names in (["none"], ("none",)):
        return ()
    if not isinstance(names, list | tuple) or not set(names) <= set(EVENTS):
        raw.refuse(f"'none', or names of {', '.join(EVENTS)}")
    return tuple(dict.fromkeys(names))


def _read_choice(raw: _Raw, choices: "tuple[str, ...]") -> str:
    if raw.value not in choices:
        raw.refuse(f"{' or '.join(map(repr, choices))} (all that this version supports)")
    return str(raw.value)


def _read_generator(raw: _Raw) -> object:
    if raw.value not in GENERATORS and not callable(getattr(raw.value, "generate", None)):
        raw.refuse(f"{' or '.join(map(repr, GENERATORS))} (all that this version supports)")
    return raw.value


def _read_text(raw: _Raw) -> str:
    if not isinstance(raw.value, str) or not raw.value.strip():
        raw.refuse("a text")
    return raw.value.strip()


def _read_key(raw: _Raw) -> str:
    if not isinstance(raw.value, str) or not raw.value.strip():
        raise ValueError(f"{raw.source}: {raw.field}: expected a text")
    return raw.value.strip()


def _read_seconds(raw: _Raw) -> float:
    try:
        seconds = float(raw.value) if isinstance(raw.value, str | int | float) else 0.0
    except ValueError:
        seconds = 0.0
    if isinstance(raw.value, bool) or not 0 < seconds <= _LONGEST_WAIT:
        raw.refuse(f"a number of seconds above 0, at most {_LONGEST_WAIT}")
    return seconds


def _read_switch(raw: _Raw) -> bool:
    if isinstance(raw.value, bool):
        return raw.value
    switch = _SWITCHES.get(raw.value.strip().lower()) if isinstance(raw.value, str) else None
    if switch is None:
        raw.refuse(f"one of {', '.join(_SWITCHES)}")
    return switch


def _read_path(raw: _Raw) -> str:
    if not _is_path(raw.value):
        raw.refuse("the path of a directory")
    return _absolute(raw.value, raw.base)


def _read_paths(raw: _Raw) -> "tuple[str, ...]":
    paths = raw.value
    if isinstance(paths, str):
        paths = [path for path in paths.split(os.pathsep) if path]
    if not isinstance(paths, list | tuple) or not all(map(_is_path, paths)):
        raw.refuse(f"directories, as a list of paths or joined by {os.pathsep!r}")
    return tuple(_absolute(path, raw.base) for path in paths)


def _is_path(value: object) -> "TypeGuard[str | os.PathLike[str]]":
    return isinstance(value, str | os.PathLike) and bool(os.fspath(value))


def _absolute(path: "str | os.PathLike[str]", base: str) -> str:
    return os.path.normpath(os.path.join(base, os.path.expanduser(path)))


_READERS: "dict[str, Callable[[_Raw], object]]" = {
    "mode": _read_mode,
    "strict": _read_switch,
    "active": _read_switch,
    "cache_dir": _read_path,
    "data_dir": _read_path,
    "templates": _read_paths,
    "generator": _read_generator,
    "model": _read_text,
    "llm_base_url": _read_text,
    "llm_api_key": _read_key,
    "service_url": _read_text,
    "service_key": _read_key,
    "generation_timeout": _read_seconds,
    "plain_http": _read_switch,
    "on_stale": _read_on_stale,
    "events": _read_events,
    "events_url": _read_key,
    "record": _read_record,
    "traces": _read_path,
}
