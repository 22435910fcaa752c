"""``poet explain``: the acceptance record of an implementation, for people."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import click

from poet_import.cache.frozen import CURRENT, SHADOW
from poet_import.cli.measured import measured
from poet_import.cli.shadow_reports import Report, reports_of
from poet_import.cli.sites import one_site
from poet_import.events.evidence import Evidence
from poet_import.settings import Settings
from poet_import.transpiler.freezing import State, state_of
from poet_import.transpiler.history import OWN, Step, history_of, pointed, promotions_of
from poet_import.transpiler.project import Site

_METHODS = {
    "parse": "it is what it looks like: size, characters, names, nesting",
    "shape": "it is one function of the same shape, and nothing runs when it is loaded",
    "allow-list": "it reaches nothing that the original does not reach",
    "proof": "the original's own body stands in it unchanged",
    "trial": "both did the same in the jail",
    "recorded": "on no recorded call it is worse than what answered then",
    "doubles": "both made the same calls, in the jail, with doubles for everything outside",
    "contract": "its results have the keys and types of the stub's",
}


@click.command("explain")
@click.argument("name", metavar="PATH::NAME|MODULE:NAME")
@click.option("--json", "as_json", is_flag=True, help="Print the record as JSON, for programs.")
def explain_command(name: str, *, as_json: bool) -> None:
    """Tell who wrote an implementation, what it was tried with, and what was refused before.

    \b
    Examples:
      poet explain shop.py::price
      poet explain shop.basket:Basket.price --json
    """
    settings = Settings.read()
    found = one_site(name, settings)
    site, state = found.site, found.state
    if state.kind == "shadow":
        state = state_of(site.store, site.place, site.wanted.original, pointer=SHADOW)
    history = history_of(site)
    if state.frozen is None and not history:
        raise click.ClickException(f"{site.target}: {state.reason}; run poet build {site.target}")
    evidence = measured(site, settings) if site.wanted.options.optimize_for else Evidence({})
    if as_json:
        record = state.frozen.record if state.frozen else {}
        steps = [{"version": step.version, **step.facts} for step in history]
        found_in_all = {"history": steps, "seen": evidence.summary()}
        click.echo(json.dumps({"state": state.kind, "version": state.version, **record, **found_in_all}, indent=2))
        return
    own = f"{site.target}: the function itself answers, of {', '.join(site.store.versions(site.place))} none"
    click.echo("\n".join(_lines(site, state)) if state.frozen else own)
    for line in _life_lines(history, evidence, site):
        click.echo(line)
    shadow = site.store.pointed(site.place, SHADOW)
    if shadow is not None:
        click.echo("\n".join(_shadow_lines(reports_of(settings, site.place, shadow), shadow)))


def _lines(site: Site, state: State) -> Iterator[str]:
    assert state.frozen is not None
    record = state.frozen.record
    yield f"{site.target}, {state.version} of {', '.join(site.store.versions(site.place))}: {state.kind}"
    if state.reason:
        yield f"    {state.reason}"
    yield f"    file       {state.frozen.path}"
    yield f"    written by {record.get('model', 'nobody known')}, {record.get('date', 'at no known time')!s}"
    yield f"    template   {record.get('template', 'none')}"
    tokens = f"{_count(record, 'input_tokens'):,} tokens in, {_count(record, 'output_tokens'):,} out"
    yield f"    cost       {_plural(_count(record, 'answers'), 'answer')}, {tokens}, {record.get('seconds', 0)} s"
    yield "accepted, because"
    for row in _rows(record, "gates"):
        inputs = f", with {row['inputs']} inputs" if row.get("inputs") else ""
        note = f" ({row['note']})" if row.get("note") else ""
        yield f"    {row.get('gate', '?'):10} {_METHODS.get(str(row.get('method')), row.get('method'))}{inputs}{note}"
    refused = _rows(record, "refused")
    if refused:
        yield "refused before"
        yield from (f"    answer {row.get('answer')}: {_violation(row)}" for row in refused)


def _life_lines(history: Sequence[Step], evidence: Evidence, site: Site) -> Iterator[str]:
    """Tell what became of all versions, what their calls have shown, and whether the present one is worse by that."""
    if history:
        yield "what became of its versions"
        yield from (f"    {step.date[:19]} {step.version} {step.what} {step.why}" for step in history)
    if evidence.figures:
        yield "what calls have shown"
        yield from (f"    {line}" for line in evidence.summary())
    now = pointed(site, CURRENT)
    replaced = str(steps[-1].facts.get("before")) if (steps := promotions_of(site, now or OWN)) else ""
    mine, before = evidence.figures_of(now or OWN), evidence.figures_of(replaced)
    if mine and before and mine.is_worse_than(before):
        yield f"{now} is worse than {replaced}, which it replaced, by its feedback: poet rollback {site.target}"


def _shadow_lines(reports: list[Report], version: str) -> Iterator[str]:
    """Tell what a shadow has shown; without a difference, by the rule of three (Hanley and Lippman-Hand, 1983)."""
    compared = sum(report.compared for report in reports)
    differences = sum(report.differences for report in reports)
    yield f"{version} runs as a shadow: {compared:,} calls compared, {differences:,} differed"
    yield from dict.fromkeys(f"    {told}" for report in reports for told in report.told)
    if compared and not differences:
        yield f"    at 95 % confidence, at most {3 / compared:.2%} of such calls differ (3 in {compared:,})"


def _violation(row: Mapping[str, Any]) -> str:  # Any: as JSON has it
    return f"{row.get('gate')}, {row.get('rule')}, line {row.get('line')}: {row.get('message')}"


def _rows(record: Mapping[str, object], key: str) -> list[Mapping[str, Any]]:  # Any: as JSON has it
    found = record.get(key)
    return [row for row in found if isinstance(row, dict)] if isinstance(found, list) else []


def _count(record: Mapping[str, object], key: str) -> int:
    found = record.get(key)
    return found if isinstance(found, int) else 0


def _plural(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
