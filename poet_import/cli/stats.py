"""``poet stats``: what calls of a function and feedback on them have shown."""

import json
import re
from datetime import UTC, datetime, timedelta

import click

from poet_import.cli.event_names import function_named
from poet_import.cli.stats_plot import plot
from poet_import.cli.stats_view import PERCENTILES, lines_of
from poet_import.cli.terminal import width_shown
from poet_import.events.outlets import events_directory
from poet_import.events.samples import Interval, Sample, difference
from poet_import.events.scanning import counts_in
from poet_import.events.tallies import Stats, Tally, stats_of
from poet_import.settings import Settings

_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


@click.command("stats")
@click.argument("name", metavar="PATH::NAME|MODULE:NAME")
@click.option("--since", metavar="WHEN", help="Only what came since: 90m, 12h, 7d, 2w, or 2026-03-01T10:00 (UTC).")
@click.option("--plot", "picture", metavar="FILE", help="Draw the objective, by time and by version, as an SVG.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object, for programs.")
def stats_command(name: str, *, since: str | None, picture: str | None, as_json: bool) -> None:
    """Tell how calls of a function went, how long they took, and what feedback says of each of its versions.

    It reads what functions with optimize_for have stored. Times are UTC, intervals are at 95 %.

    \b
    Examples:
      poet stats shop.py::price
      poet stats shop.basket:Basket.price --since 7d
      poet stats shop.price --plot price.svg
    """
    begin = _moment(since) if since else 0.0
    folder = events_directory(Settings.read())
    try:
        stats = stats_of(folder, function_named(name, counts_in(folder)), since=begin)
    except OSError as error:
        raise click.ClickException(f"{error.filename or folder}: {error.strerror}; POET_DATA_DIR names it") from error
    if not stats.whole.calls and since:
        raise click.ClickException(f"no call of {stats.function} began since {since}; leave --since out, or go back")
    if picture:
        _draw(stats, picture)
    click.echo(json.dumps(_as_dict(stats), indent=2) if as_json else "\n".join(lines_of(stats, width_shown())))


def _moment(text: str) -> float:
    """Return the seconds since 1970 that a text tells: how long ago, or when."""
    try:
        if found := re.fullmatch(r"(\d+)([mhdw])", text):
            return (datetime.now(UTC) - timedelta(**{_UNITS[found[2]]: int(found[1])})).timestamp()
        when = datetime.fromisoformat(text)
    except (ValueError, OverflowError) as error:
        message = f"expected 90m, 12h, 7d, 2w or a date as 2026-03-01, not {text!r}"
        raise click.BadParameter(message, param_hint="--since") from error
    return (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp()


def _draw(stats: Stats, path: str) -> None:
    if not stats.timeline.points():
        raise click.ClickException(
            f"there is nothing to plot: no feedback on {stats.function} is a number, true or false; "
            "give some with poet_import.feedback() or poet feedback"
        )
    try:
        with open(path, "w", encoding="utf-8", newline="\n") as file:
            file.write(plot(stats))
    except OSError as error:
        raise click.ClickException(f"{path}: {error.strerror}; give --plot a file that can be written") from error


def _as_dict(stats: Stats) -> dict[str, object]:
    return {
        "function": stats.function,
        **_tally(stats.whole),
        "feedback_on_unknown_calls": stats.stray,
        "objective_over_time": [
            {"begin": point.begin, "end": point.end, "mean": point.mean, "count": point.count}
            for point in stats.timeline.points()
        ],
        "versions": [{"version": tally.version, **_tally(tally)} for tally in stats.versions],
        "comparisons": [
            {
                "version": later.version,
                "against": earlier.version,
                "objective": _difference(earlier.verdicts, later.verdicts),
                "failure_rate": _difference(earlier.failure_rate, later.failure_rate),
            }
            for earlier, later in zip(stats.versions, stats.versions[1:], strict=False)
        ],
    }


def _tally(tally: Tally) -> dict[str, object]:
    failures = [
        {"status": status, "type": kind, "count": count} for (status, kind), count in tally.failures.most_common()
    ]
    return {
        "calls": tally.calls,
        "begin": tally.begin,
        "end": tally.end,
        "failed": tally.failed,
        "failure_rate": _sample(tally.failure_rate),
        "failures": failures,
        "left": dict(tally.left),
        "retries": tally.retries,
        "retried_calls": tally.retried,
        "latency_ms": {f"p{percent}": tally.latencies.percentile(percent) for percent in PERCENTILES},
        "objective": _sample(tally.verdicts),
        "verdicts": dict(tally.texts),
    }


def _sample(sample: Sample) -> dict[str, object] | None:
    if not sample.count:
        return None
    return {"count": sample.count, "mean": sample.mean, "interval": _interval(sample.interval)}


def _difference(earlier: Sample, later: Sample) -> dict[str, object] | None:
    if not earlier.count or not later.count:
        return None
    return {"difference": later.mean - earlier.mean, "interval": _interval(difference(earlier, later))}


def _interval(found: Interval | None) -> dict[str, object] | None:
    return None if found is None else {"low": found.low, "high": found.high, "method": found.method}
