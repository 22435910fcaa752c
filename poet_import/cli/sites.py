"""The functions that a command is about, from its arguments; what cannot be read is told, and the rest goes on."""

import multiprocessing
import os
import threading
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

import click

from poet_import.cli.targets import refuse_unknown, target_of, targets_of
from poet_import.errors import PoetError
from poet_import.settings import Settings
from poet_import.templates import store_over
from poet_import.transpiler.freezing import State
from poet_import.transpiler.project import Site, sites_of

_MANY = 24  # files from which on several processes read them


@dataclass(frozen=True, slots=True)
class Judged:
    """A function, and the state of what is frozen for it."""

    site: Site
    state: State


@dataclass(frozen=True, slots=True)
class Unread:
    """A file whose functions cannot be told."""

    path: str
    line: int
    reason: str


def judged_in(arguments: Iterable[str], settings: Settings) -> Iterator[Judged | Unread]:
    """Yield every function that may have another body in the files that arguments name, with its state, file by file.

    Many files are read by several processes.

    Raises:
        click.ClickException: There is no such file, folder, module or function.
    """
    targets = targets_of(list(arguments) or ["."])
    read = partial(_read, roots=settings.templates)
    paths = [os.path.relpath(target.path) for target in targets]
    with _processes(len(paths)) as pool:
        many = pool.map(read, paths, chunksize=8) if pool else map(read, paths)
        for target, path, found in zip(targets, paths, many, strict=True):
            if isinstance(found, Unread):
                yield found
                continue
            chosen = [one for one in found if target.name in (None, one.site.name)]
            if target.name is not None and not chosen:
                raise refuse_unknown(path, target.name, [one.site.name for one in found])
            yield from chosen


@contextmanager
def _processes(files: int) -> Iterator[ProcessPoolExecutor | None]:
    """Give processes to read files with, or None where they would cost more than they spare."""
    count = min(os.cpu_count() or 1, 8)
    if files < _MANY or count < 2 or "fork" not in multiprocessing.get_all_start_methods():
        yield None
        return
    context = multiprocessing.get_context("fork")
    with ProcessPoolExecutor(count, context, initializer=_end_with, initargs=(os.getpid(),)) as pool:
        yield pool


def _end_with(parent: int) -> None:
    """End this process with its parent, which may be killed: nobody else would tell it that there is no more work."""

    def watch() -> None:  # pragma: no cover  (in a process that has nobody left to tell)
        while os.getppid() == parent:
            time.sleep(0.5)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _read(path: str, *, roots: tuple[str, ...]) -> list[Judged] | Unread:
    try:
        return [Judged(site, site.state()) for site in sites_of(path, store_over(roots))]
    except (OSError, SyntaxError, ValueError, PoetError) as error:
        return Unread(path, getattr(error, "lineno", None) or getattr(error, "line", None) or 1, _reason(error))


def one_site(argument: str, settings: Settings) -> Judged:
    """Return the one function that an argument names, with its state; a file with one function names that.

    Raises:
        click.ClickException: There is no such function, or there are several.
    """
    target = target_of(argument)
    if os.path.isdir(target.path):
        raise click.ClickException(f"{argument} is a folder; name a function, as {argument}/shop.py::price")
    judged = []
    for one in judged_in([argument], settings):
        if isinstance(one, Unread):
            raise click.ClickException(f"{one.path}:{one.line}: {one.reason}")
        judged.append(one)
    if not judged:
        raise click.ClickException(f"{argument} has no @poet function that may have another body")
    if len(judged) > 1:
        names = ", ".join(one.site.target for one in judged)
        raise click.ClickException(f"{argument} has several functions; name one of them: {names}")
    return judged[0]


def _reason(error: Exception) -> str:
    words = getattr(error, "strerror", None) or getattr(error, "msg", None) or getattr(error, "message", None)
    return str(words or error)
