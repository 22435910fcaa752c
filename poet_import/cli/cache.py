"""``poet cache``: how large the cache of woven code is, and its removal."""

import json
import os
import re
import sys
from contextlib import suppress

import click

from poet_import.cache.directory import cache_directory
from poet_import.cache.implementations import ImplementationCache
from poet_import.settings import Settings

NO_SAFE_CACHE = "no cache: no directory here is safe and writable; set POET_CACHE_DIR to one that only you can write to"
NO_BYTECODE = "no cache: Python writes no bytecode here, and nothing was cached before; unset PYTHONDONTWRITEBYTECODE"
OTHERS = re.compile(r"index|\..+\.[0-9]+\.[0-9a-f]{8}\.tmp")  # the index, and files that are not yet or never renamed


@click.group("cache")
def cache_group() -> None:
    """Look after the cache of woven code.

    \b
    Example:
      poet cache info
    """


@cache_group.command("info")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object, for programs.")
def info_command(*, as_json: bool) -> None:
    """Print where the cache is, how many modules and implementations it holds and how large it is.

    \b
    Examples:
      poet cache info
      POET_CACHE_DIR=build/poet poet cache info --json
    """
    directory = cache_directory(Settings.read())
    files = _files(directory)
    entries = sum(_is_entry(file) for file in files)
    implementations = ImplementationCache(directory)
    size = sum(file.stat().st_size for file in files) + implementations.size()
    kept = len(implementations.keys())
    if as_json:
        found = {"directory": directory, "entries": entries, "implementations": kept, "bytes": size}
        click.echo(json.dumps(found))
    elif directory is None:
        click.echo(_no_cache())
    else:
        click.echo(f"{directory}: {_modules(entries)}, {_implementations(kept)}, {size:,} bytes")


@cache_group.command("clear")
@click.option("--generated", is_flag=True, help="Remove what a model wrote, too: it is asked again.")
def clear_command(*, generated: bool) -> None:
    """Remove every cached module; the next import weaves it again.

    What a model wrote is kept unless --generated is given. Other files in the directory stay.

    \b
    Examples:
      poet cache clear
      poet cache clear --generated
    """
    directory = cache_directory(Settings.read())
    files = _files(directory)
    for file in files:
        with suppress(FileNotFoundError):  # another process clears too
            os.unlink(file)
    removed = _modules(sum(_is_entry(file) for file in files))
    if generated:
        removed += f" and {_implementations(ImplementationCache(directory).clear())}"
    click.echo(_no_cache() if directory is None else f"removed {removed} from {directory}")


def _no_cache() -> str:
    return NO_BYTECODE if sys.dont_write_bytecode else NO_SAFE_CACHE


def _files(directory: str | None) -> list[os.DirEntry[str]]:
    """Return our files in the directory, what a killed writer left among them; a link is not ours."""
    if directory is None:
        return []
    with os.scandir(directory) as found:
        ours = (file for file in found if _is_entry(file) or OTHERS.fullmatch(file.name))
        return [file for file in ours if file.is_file(follow_symlinks=False)]


def _is_entry(file: os.DirEntry[str]) -> bool:
    return file.name.endswith(".poetc")


def _implementations(number: int) -> str:
    return "1 implementation" if number == 1 else f"{number} implementations"


def _modules(number: int) -> str:
    return "1 module" if number == 1 else f"{number} modules"
