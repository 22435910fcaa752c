"""``poet rollback``, ``poet promote``, ``poet prune``: which version of an implementation runs, and which are kept."""

import os
from collections import defaultdict
from collections.abc import Iterator
from contextlib import suppress

import click

from poet_import.cache.frozen import CURRENT, FOLDER, MARK, SHADOW, FrozenStore
from poet_import.cache.traces import FOLDER as TRACES
from poet_import.cli.sites import Unread, judged_in, one_site
from poet_import.errors import TranspileError
from poet_import.settings import Settings
from poet_import.transpiler.history import OWN, pointed, promote, promotions_of, roll_back
from poet_import.transpiler.project import Site


@click.command("rollback")
@click.argument("name", metavar="PATH::NAME|MODULE:NAME")
@click.option("--to", "version", metavar="VERSION", help="The version, or own; what answered before if not given.")
def rollback_command(name: str, *, version: str | None) -> None:
    """Go back to what answered before. Every version stays, and so do its events; this is undone in the same way.

    With --to own the function itself answers again.

    \b
    Examples:
      poet rollback shop.py::price
      poet rollback shop.py::price --to v1
    """
    site = one_site(name, Settings.read()).site
    versions = site.store.versions(site.place)
    if not versions:
        raise click.ClickException(f"{site.target}: nothing is frozen for it; run poet build {site.target}")
    now = pointed(site, CURRENT)
    chosen = version or _before(site, now, versions)
    if chosen not in (*versions, OWN):
        raise click.ClickException(f"{site.target} has no version {chosen}; it has {', '.join(versions)}")
    roll_back(site, chosen)
    click.echo(f"{site.target}: {_called(chosen)} is current, {now or 'none'} was")
    state = site.state()
    if state.reason and chosen != OWN:
        click.echo(f"{site.target}: {state.reason}; run poet check {site.target}", err=True)


def _called(version: str) -> str:
    return "the function itself" if version == OWN else version


def _before(site: Site, now: str | None, versions: list[str]) -> str:
    """Return what answered before: what a promoted version has replaced, else the version before."""
    promoted = promotions_of(site, now) if now else []
    replaced = str(promoted[-1].facts.get("before")) if promoted else ""
    if replaced in (OWN, *versions):
        return replaced
    earlier = versions[: versions.index(now)] if now in versions else versions
    if not earlier:
        raise click.ClickException(f"{site.target}: nothing is earlier than {now}; it has {', '.join(versions)}")
    return earlier[-1]


@click.command("promote")
@click.argument("name", metavar="PATH::NAME|MODULE:NAME")
def promote_command(name: str) -> None:
    """Let an implementation that has run as a shadow answer from now on.

    \b
    Examples:
      poet build --shadow shop.py::price
      poet promote shop.py::price
    """
    site = one_site(name, Settings.read()).site
    shadow = pointed(site, SHADOW)
    if shadow is None:
        raise click.ClickException(f"{site.target} has no shadow; run poet build --shadow {site.target}")
    before = promote(site, shadow, why="by a person")
    click.echo(f"{site.target}: {shadow} is current, {_called(before)} was")


@click.command("prune")
@click.argument("paths", nargs=-1, metavar="[PATH|MODULE]...")
@click.option(
    "--keep", type=click.IntRange(min=1), default=2, help="Versions kept of each function, newest. Default: 2."
)
@click.option("--dry-run", is_flag=True, help="Only tell what would be removed.")
def prune_command(paths: tuple[str, ...], *, keep: int, dry_run: bool) -> None:
    """Remove versions that neither run nor are among the newest, and what belongs to functions that are gone.

    \b
    Examples:
      poet prune --dry-run
      poet prune --keep 1 src
    """
    removed = 0
    for store, place, version in list(_spare(paths, keep=keep)):
        shown = os.path.relpath(os.path.join(store.folder, place, version or ""))
        click.echo(f"{'would remove' if dry_run else 'removed'} {shown}")
        removed += 1
        if not dry_run:
            store.remove(place, version)
    if not removed:
        click.echo("nothing to remove")


def _spare(paths: tuple[str, ...], *, keep: int) -> Iterator[tuple[FrozenStore, str, str | None]]:
    """Yield store, place and version of what nobody needs; no version where a whole place is meant."""
    found: dict[str, set[str]] = defaultdict(set)
    for one in judged_in(paths, Settings.read()):
        if isinstance(one, Unread):
            raise click.ClickException(f"{one.path}:{one.line}: {one.reason}; nothing was removed")
        found[one.site.path].add(one.site.place)
    for folder in sorted({os.path.dirname(path) for path in found}):
        for place in _orphans(folder):
            yield FrozenStore(os.path.join(folder, f"{place.partition('.')[0]}.py")), place, None
    for path, places in found.items():
        store = FrozenStore(path)
        for place in store.known():
            spare = _spare_versions(store, place, keep=keep) if place in places else [None]
            yield from ((store, place, version) for version in spare)


def _spare_versions(store: FrozenStore, place: str, *, keep: int) -> list[str]:
    """Return the versions of a function that are neither pointed to nor among the newest."""
    needed = set(store.versions(place)[-keep:])
    for pointer in (CURRENT, SHADOW):
        with suppress(TranspileError):
            needed.add(store.pointed(place, pointer) or "")
    return [version for version in store.versions(place) if version not in needed]


def _orphans(folder: str) -> list[str]:
    """Return the places beside a folder's modules whose module is gone."""
    try:
        names = os.listdir(os.path.join(folder, FOLDER))  # names are what is asked for
    except OSError:
        return []
    places = sorted({name.partition(MARK)[0] for name in names} - {TRACES})
    return [place for place in places if not os.path.exists(os.path.join(folder, f"{place.partition('.')[0]}.py"))]
