"""What stored events tell of one function, for the commands."""

import os
from collections.abc import Iterator

import click

from poet_import.events.aggregates import verdicts_of
from poet_import.events.event import Event, Execution
from poet_import.events.evidence import Evidence
from poet_import.events.outlets import events_directory
from poet_import.events.reading import Kind, stored_events
from poet_import.settings import Settings
from poet_import.transpiler.history import names_in_events
from poet_import.transpiler.project import Site


def measured(site: Site, settings: Settings) -> Evidence:
    """Return what is known of the calls of the versions of a function.

    Raises:
        click.ClickException: The events cannot be read.
    """
    evidence = Evidence(names_in_events(site))
    try:
        feedback = verdicts_of(_events(site, settings, "feedback"))
        evidence.add(
            (
                call
                for call in _events(site, settings, "execution")
                if isinstance(call, Execution) and call.version in evidence.names
            ),
            feedback,
        )
    except OSError as error:
        folder = events_directory(settings)
        raise click.ClickException(f"the events in {folder} cannot be read ({error.strerror or error})") from error
    return evidence


def _events(site: Site, settings: Settings, kind: Kind) -> Iterator[Event]:
    """Yield the events of a function; the module that it is in is known by its last name only, or is the program."""
    folder, file = os.path.split(os.path.abspath(site.path))
    stem = os.path.splitext(file)[0]
    ends = ("__main__", os.path.basename(folder) if stem == "__init__" else stem)
    qualname = f".{site.wanted.original.qualname}"
    for event in stored_events(events_directory(settings), kind):
        module = event.function.removesuffix(qualname)
        if module != event.function and module.rpartition(".")[2] in ends:
            yield event
