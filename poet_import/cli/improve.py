"""``poet improve``: a better version from what calls have shown, which runs as a shadow first."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

import click

from poet_import.cache.frozen import SHADOW
from poet_import.cli.build import configured_improver
from poet_import.cli.measured import measured
from poet_import.cli.promotion import Rule, judge, rule_of
from poet_import.cli.shadow_reports import reports_of
from poet_import.cli.sites import Judged, one_site
from poet_import.events.evidence import Evidence
from poet_import.settings import Settings
from poet_import.source.normal import normalized, source_digest
from poet_import.transpiler.background import submit
from poet_import.transpiler.building import freeze
from poet_import.transpiler.history import (
    OWN,
    PROMOTED,
    ROLLED_BACK,
    SHADOWED,
    history_of,
    note,
    pointed,
    promote,
    steps_about,
)
from poet_import.transpiler.improving import Improver
from poet_import.transpiler.project import Site
from poet_import.transpiler.woven import Body

_MOST_CALLS = 10  # recorded ones that the model sees


@dataclass(frozen=True, slots=True)
class Improved:
    """What came of it."""

    function: str
    stage: str  # shadow, promoted, waiting, failed
    version: str = ""
    note: str = ""
    tokens: int = 0


def _read_rule(_context: click.Context, _option: click.Parameter, text: str | None) -> Rule | None:
    try:
        return None if text is None else rule_of(text)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error


@click.command("improve", short_help="Have a model write a better version of a function.")
@click.argument("name", metavar="PATH::NAME|MODULE:NAME")
@click.option("--promote-when", "rule", callback=_read_rule, metavar="RULE", help="Promote the shadow when this holds.")
@click.option("--model", metavar="PROVIDER/MODEL", help="The language model; POET_MODEL if not given.")
@click.option("--seconds", type=click.FloatRange(1, 3600), default=120.0, help="For the answer. Default: 120.")
@click.option("--again", is_flag=True, help="Ask for another version though a shadow is waiting.")
@click.option("--dry-run", is_flag=True, help="Only print what the model would be told of calls.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object, for programs.")
def improve_command(
    name: str, *, rule: Rule | None, model: str | None, seconds: float, again: bool, dry_run: bool, as_json: bool
) -> int:
    """Ask for a better version of a function with optimize_for, from its stored events, feedback and recorded calls.

    The answer must pass all gates and be no worse on the recorded calls; it is then frozen as a shadow. Run this again
    to have the rule judged, which may be stated now or then; poet promote is a person's way, poet rollback the way
    back. A rule is a metric, < <= > or >=, and a number; several are joined by "and". The metrics are p50, p95, p99,
    mean (ms of the shadow's runs), failed (the share of them that raise), compared (calls), and feedback (on what
    answers now). No rule holds before 20 compared calls, nor where one differed. The exit status is 0 where a version
    became a shadow, was promoted, or waits, 1 where none was accepted, 2 for a wrong command line.

    \b
    Examples:
      poet improve shop.py::price --dry-run
      poet improve shop.py::price --promote-when "p95<5 and compared>=200"
    """
    settings = Settings.read(model=model)
    found = one_site(name, settings)
    site = found.site
    if not site.wanted.options.optimize_for:
        mend = "say what is to get better, as @poet(optimize_for='fewer mistakes')"
        raise click.ClickException(f"{site.target} has no optimize_for; {mend}")
    evidence = measured(site, settings)
    shadow = pointed(site, SHADOW)
    if shadow is not None and not again and not dry_run:
        return _told(_judged(site, settings, shadow, rule=rule, evidence=evidence), as_json=as_json)
    lines = _lines(site, evidence)
    if not lines:
        mend = "run it, give feedback, or record calls with poet record"
        raise click.ClickException(f"{site.target}: nothing is known of its calls; {mend}")
    if dry_run:
        click.echo(json.dumps({"function": site.target, "evidence": lines}, indent=2) if as_json else "\n".join(lines))
        return 0
    improver = configured_improver(settings, seconds=seconds, jobs=1)
    return _told(_improved(found, improver, lines, rule=rule, evidence=evidence), as_json=as_json)


def _told(improved: Improved, *, as_json: bool) -> int:
    failed = improved.stage == "failed"
    if as_json:
        click.echo(json.dumps(asdict(improved), indent=2))
    else:
        version = f" {improved.version}" if improved.version else ""
        click.echo(f"{improved.stage:8} {improved.function}{version}: {improved.note}", err=failed)
    return int(failed)


def _lines(site: Site, evidence: Evidence) -> tuple[str, ...]:
    """Return what the model is told: what events show, what became of earlier versions, and recorded calls."""
    steps = [step for step in history_of(site) if step.what in (PROMOTED, ROLLED_BACK)]
    told = [f"{step.version} was {step.what} {step.why}" for step in steps]
    calls = [f"must end the same: {call}" for call in site.wanted.original.calls[:_MOST_CALLS]]
    return (*evidence.lines(), *told, *calls)


def _judged(site: Site, settings: Settings, shadow: str, *, rule: Rule | None, evidence: Evidence) -> Improved:
    """Promote a waiting shadow if the rule holds that is stated now, or was when it was frozen."""
    rule = rule or _stated(site, shadow)
    if rule is None:
        mend = f"poet promote {site.target} lets it answer, --again asks for another, --promote-when states a rule"
        return Improved(site.target, "waiting", shadow, f"it runs as a shadow; {mend}")
    now = evidence.figures_of(_present(site)[0])
    found = judge(rule, reports_of(settings, site.place, shadow), feedback=now.feedback if now else None)
    if not found.holds:
        return Improved(site.target, "waiting", shadow, f"{rule.text} does not hold: {found.words}")
    why = f"by the rule {rule.text}: {found.words}"
    before = promote(site, shadow, why=why)
    return Improved(site.target, "promoted", shadow, f"{why}; {before} answered before")


def _stated(site: Site, version: str) -> Rule | None:
    """Return the rule that was stated when a version was frozen."""
    texts = [step.facts.get("promote_when") for step in steps_about(site, version) if step.what == SHADOWED]
    if not texts or not isinstance(texts[-1], str):
        return None
    try:
        return rule_of(texts[-1])
    except ValueError:  # edited by hand
        return None


def _present(site: Site) -> tuple[str, str]:
    """Return the version that answers now, and its text."""
    state = site.state()
    if state.frozen is not None and state.implementation is not None:
        return state.version, state.frozen.text
    return OWN, site.wanted.original.source


def _improved(
    found: Judged, improver: Improver, lines: tuple[str, ...], *, rule: Rule | None, evidence: Evidence
) -> Improved:
    site = found.site
    present, text = _present(site)
    wanted = replace(site.wanted, evidence=lines, present=text)
    outcome = improver.known(wanted)
    if outcome is None:
        (outcome,) = submit(improver.improve([wanted], lambda *_: None)).result()
    if not isinstance(outcome, Body):
        return Improved(site.target, "failed", note=getattr(outcome, "reason", "it is still being asked for"))
    tokens = sum(int(str(outcome.record.get(name, 0))) for name in ("input_tokens", "output_tokens"))
    refused = _nothing_new(site, outcome, present=present, text=text)
    if refused:
        return Improved(site.target, "failed", note=refused, tokens=tokens)
    try:
        version = freeze(site, outcome, pointer=SHADOW)
        why = f"after {present}, from {len(lines)} lines of evidence"
        facts = {"promote_when": rule.text} if rule else {}
        note(site, version, SHADOWED, why=why, before=present, seen=evidence.summary(), **facts)
    except OSError as error:
        reason = f"{site.store.folder} cannot be written to ({error.strerror or error})"
        return Improved(site.target, "failed", note=reason, tokens=tokens)
    return Improved(site.target, "shadow", version, _next(site, outcome, rule), tokens)


def _nothing_new(site: Site, body: Body, *, present: str, text: str) -> str:
    """Return why an answer is none: it is what answers now, or a version that was rolled back."""
    original, answer = site.wanted.original, body.implementation.operate
    if normalized(replace(original, source=answer)) == normalized(replace(original, source=text)):
        return f"the answer is {present} itself, which answers now"
    digest = source_digest(original)
    for version in site.store.versions(site.place):
        if site.store.holds(site.place, version, text=answer, source_digest=digest) and _was_rolled_back(site, version):
            return f"the answer is {version} again, which was rolled back; more feedback may lead further"
    return ""


def _was_rolled_back(site: Site, version: str) -> bool:
    steps: Sequence[str] = [step.what for step in steps_about(site, version)]
    return bool(steps) and steps[-1] == ROLLED_BACK


def _next(site: Site, body: Body, rule: Rule | None) -> str:
    """Return what is to be done about a new shadow."""
    if not site.may_be_shadowed(body.record):
        return f"it cannot run beside the function, so only poet promote {site.target} lets it answer"
    if rule is None:
        return f"it runs beside the function from now on; poet promote {site.target} lets it answer"
    return f"it runs beside the function from now on; poet improve {site.target} promotes it when {rule.text}"
