"""``poet build``: generate what is missing or stale, and freeze it beside the source."""

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass

import click

from poet_import.cache.directory import cache_directory
from poet_import.cache.frozen import CURRENT, SHADOW
from poet_import.cli.build_view import BuildView, shown
from poet_import.cli.sites import Unread, judged_in
from poet_import.errors import GeneratorError
from poet_import.settings import Settings
from poet_import.templates.prompts import render
from poet_import.transpiler import improver_over
from poet_import.transpiler.background import submit
from poet_import.transpiler.building import Builder, Step
from poet_import.transpiler.freezing import SOUND
from poet_import.transpiler.improving import Improver
from poet_import.transpiler.project import Site

_LETTERS = 4  # characters of a token, about: no tokenizer of the model's is at hand


@dataclass(frozen=True, slots=True)
class Found:
    """What a build is about."""

    wanted: list[Site]
    sound: int
    unread: list[Unread]


@click.command("build")
@click.argument("paths", nargs=-1, metavar="[PATH|PATH::NAME|MODULE]...")
@click.option("--only", "names", multiple=True, metavar="NAME", help="Only functions of this name. May be repeated.")
@click.option("--model", metavar="PROVIDER/MODEL", help="The language model; POET_MODEL if not given.")
@click.option("--jobs", type=click.IntRange(1, 64), default=8, help="Functions that are worked on at once. Default: 8.")
@click.option("--budget", type=click.IntRange(min=1), metavar="TOKENS", help="Ask for nothing more past that.")
@click.option("--seconds", type=click.FloatRange(1, 3600), default=120.0, help="For each function. Default: 120.")
@click.option("--again", is_flag=True, help="Freeze a new version of what is sound, too.")
@click.option("--shadow", "is_shadow", is_flag=True, help="Let it run beside the function, and not answer yet.")
@click.option("--dry-run", is_flag=True, help="Only tell what would be asked for, and about how many tokens.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object, for programs.")
def build_command(  # noqa: PLR0913  # one parameter an option
    paths: tuple[str, ...],
    *,
    names: tuple[str, ...],
    model: str | None,
    jobs: int,
    budget: int | None,
    seconds: float,
    again: bool,
    is_shadow: bool,
    dry_run: bool,
    as_json: bool,
) -> int:
    """Have a model write what is missing or stale, judge it, and freeze it in .poet beside the source.

    Nothing is imported. What is done stays: a build that was stopped goes on where it was. The exit status is 0 if
    everything is frozen, 1 if something is not, 2 for a wrong command line, and 130 after Ctrl-C.

    \b
    Examples:
      poet build
      poet build src/shop.py::price --model ollama/qwen2.5-coder
      poet build --dry-run src
    """
    settings = Settings.read(model=model)
    found = _found(paths, settings, names=names, again=again, is_shadow=is_shadow)
    for one in found.unread:
        click.echo(f"failed  {one.path}:{one.line}: {one.reason}", err=True)
    if not found.wanted:
        return _report(found, [], tokens=0, as_json=as_json)
    improver = configured_improver(settings, seconds=seconds, jobs=jobs)
    if dry_run:
        return _estimate(found, improver, as_json=as_json)
    view = BuildView(len(found.wanted))
    if as_json:
        view.is_live = True  # the object tells of everything
    pointer = SHADOW if is_shadow else CURRENT
    builder = Builder(improver, view.tell, jobs=jobs, budget=budget, pointer=pointer)
    with shown(view):
        steps = submit(builder.build(found.wanted)).result()
    return _report(found, steps, tokens=view.tokens, as_json=as_json)


def _found(
    paths: tuple[str, ...], settings: Settings, *, names: tuple[str, ...], again: bool, is_shadow: bool
) -> Found:
    wanted: list[Site] = []
    unread: list[Unread] = []
    sound = 0
    for one in judged_in(paths, settings):
        if isinstance(one, Unread):
            unread.append(one)
        elif not names or one.site.name in names:
            is_sound = not again and one.state.kind in (("shadow",) if is_shadow else SOUND)
            sound += is_sound
            wanted += [] if is_sound else [one.site]
    return Found(wanted, sound, unread)


def configured_improver(settings: Settings, *, seconds: float, jobs: int) -> Improver:
    """Return what asks the configured model.

    Raises:
        click.ClickException: None is, or the mode forbids it.
    """
    if settings.mode == "offline" and settings.sources["mode"] != "default":
        where = settings.sources["mode"]
        raise click.ClickException(f"the mode is offline (from {where}), so no model is asked; take that away")
    if settings.generator is None:
        raise click.ClickException("no model is configured; give --model PROVIDER/MODEL, or set POET_MODEL")
    try:
        return improver_over(settings, cache_directory(settings, generates=True), seconds=seconds, jobs=jobs)
    except (GeneratorError, ValueError) as error:
        raise click.ClickException(f"{error}; poet doctor tries it") from error


def _estimate(found: Found, improver: Improver, *, as_json: bool) -> int:
    """Tell what a build would ask for; a model may need up to three answers for a function."""
    rows = []
    for site in found.wanted:
        known = improver.known(site.wanted) is not None
        prompt = render(site.wanted.template, site.wanted.original, site.wanted.options)
        tokens = 0 if known else (len(prompt) + 2 * len(site.wanted.original.source)) // _LETTERS
        rows.append({"function": site.target, "requests": int(not known), "tokens": tokens})
    requests, tokens = (sum(int(str(row[key])) for row in rows) for key in ("requests", "tokens"))
    if as_json:
        click.echo(json.dumps({"functions": rows, "requests": requests, "tokens": tokens}, indent=2))
        return 0
    for row in rows:
        asked = f"about {row['tokens']:,} tokens" if row["requests"] else "kept from before, no request"
        click.echo(f"would build {row['function']}: {asked}")
    counts = f"{_plural(len(rows), 'function')}, {_plural(requests, 'request')}"
    click.echo(f"{counts}, about {tokens:,} tokens (up to three times that)")
    return 0


def _plural(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _report(found: Found, steps: Sequence[Step], *, tokens: int, as_json: bool) -> int:
    frozen = sum(step.stage == "frozen" for step in steps)
    failed = len(steps) - frozen + len(found.unread)
    if as_json:
        rows = [{"function": step.site.target, "stage": step.stage, "note": step.note} for step in steps]
        rows += [{"function": one.path, "stage": "failed", "note": one.reason} for one in found.unread]
        click.echo(json.dumps({"functions": rows, "sound": found.sound, "tokens": tokens}, indent=2))
    else:
        sys.stderr.flush()
        click.echo(f"{frozen} frozen, {found.sound} were sound already, {failed} not frozen, {tokens:,} tokens")
    return int(failed > 0)
