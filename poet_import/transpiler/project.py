"""The marked functions of the files of a project, found without importing any."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from poet_import.cache.frozen import FrozenStore
from poet_import.templates import TemplateStore
from poet_import.transpiler.freezing import State, is_pure, stands_alone, state_of, target_of
from poet_import.transpiler.reading import depth_checked, read_source
from poet_import.transpiler.requests import Wanted, is_improvable, wanted_of
from poet_import.transpiler.traces import with_traces


@dataclass(frozen=True, slots=True)
class Site:
    """A marked function that may have another body, and where that is frozen."""

    path: str
    line: int
    place: str
    wanted: Wanted
    store: FrozenStore
    is_plain: bool  # a function that may be called again outside of its place

    @property
    def name(self) -> str:
        """Return its qualified name without ``<locals>``; of several with one name, the second has ``@2`` behind it."""
        return self.store.name(self.place)

    @property
    def target(self) -> str:
        """Return how a command is told of the function."""
        return target_of(self.path, self.name)

    def may_be_shadowed(self, record: Mapping[str, object]) -> bool:
        """Tell whether an implementation with this record may run beside the function."""
        return self.is_plain and is_pure(record)

    def state(self) -> State:
        """Return in which state its frozen implementation is."""
        return state_of(self.store, self.place, self.wanted.original)


def sites_of(path: str, templates: TemplateStore) -> list[Site]:
    """Return the marked functions of a file that may have another body, in the order of the source.

    Raises:
        OSError: The file cannot be read.
        SyntaxError: It is not Python.
        ValueError: It is not text.
        TranspileError: It is nested too deeply, or a name or an option in it is wrong.
    """
    with open(path, "rb") as file:
        source = file.read()
    if b"poet" not in source:
        return []
    reading = read_source(source, path)
    store = FrozenStore(path)
    places = dict(zip(reading.functions, store.places(one.qualname for one in reading.functions), strict=True))
    with depth_checked(path):
        plans = {function: plan for function, plan in reading.plans(templates).items() if is_improvable(plan)}
        return [
            Site(
                path,
                function.node.lineno,
                places[function],
                with_traces(wanted_of(plan, reading.source), function, store, place=places[function]),
                store,
                stands_alone(function),
            )
            for function, plan in plans.items()
        ]
