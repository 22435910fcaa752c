"""Measure what a decorator adds to a call: nanoseconds above the bare function, the least of several processes."""

import json
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.plot import Bar, Bars
from benchmarks.processes import Interpreter
from benchmarks.report import Part, Table, verdict
from benchmarks.subjects import BARE, SECTIONS, Section, Subject, subjects, write_subjects

_PROGRAM = "from benchmarks.timing import main; main()"
_FOLDER = "subjects"
_TURNS = 10  # in each process
_Times = Mapping[Subject, float]


def nanoseconds_above_bare(chosen: list[Subject], work: Path, *, repeats: int, turns: int) -> dict[Subject, float]:
    """Return the nanoseconds that each subject adds to its bare function; that one is among them."""
    write_subjects(work / _FOLDER, chosen)
    interpreter = Interpreter(work, _FOLDER)
    wanted = json.dumps([[subject.function.call for subject in chosen], turns])
    runs = [json.loads(interpreter.run(_PROGRAM, wanted)) for _ in range(repeats)]
    least = dict(zip(chosen, map(min, zip(*runs, strict=True)), strict=True))
    return {subject: time - least[BARE[subject.function]] for subject, time in least.items()}


def measure(repeats: int, *, fraction: float = 1.0) -> Part:
    """Compare the calls of every subject whose libraries are installed."""
    chosen = [subject for subject in subjects() if not subject.missing()]
    with TemporaryDirectory() as folder:
        times = nanoseconds_above_bare(chosen, Path(folder), repeats=repeats, turns=max(1, round(_TURNS * fraction)))
    rows = [row for section in SECTIONS for row in _rows(section, times)]
    head = ("", "ns above bare", "ratio", "target", "met")
    bars = [bar for section in SECTIONS for bar in _bars(section, times)]
    return Part([Table("Calls", _ABOUT, head, rows)], [Bars("a call, nanoseconds above the bare function", bars)])


def _measured(section: Section, times: _Times) -> list[Subject]:
    """Return the subjects of a section that were measured, poet_import's first."""
    return [subject for subject in dict.fromkeys((section.poet, section.baseline, *section.peers)) if subject in times]


def _rows(section: Section, times: _Times) -> list[list[str]]:
    ours, baseline = times[section.poet], times.get(section.baseline)
    rows = [[f"**{section.title}**", "", "", "", ""]]
    for subject in _measured(section, times):
        ratio = times[subject] / baseline if baseline else None
        if subject is section.poet:
            target = verdict(ratio, section.limit, f"≤ {{}} of {section.baseline.label}")
        else:
            is_peer = subject is not section.baseline
            target = verdict(ours, times[subject] if is_peer else None, "above poet_import")
        shown = "–" if ratio is None else f"{ratio:.2f}"
        rows.append([subject.label, f"{times[subject]:,.0f}", shown, *target])
    return rows


def _bars(section: Section, times: _Times) -> list[Bar]:
    bars = [
        Bar(subject.label.replace("`", ""), times[subject], subject is section.poet)
        for subject in _measured(section, times)
    ]
    return [Bar(section.title.replace("`", "")), *bars]


_ABOUT = """
Nanoseconds that a call takes above one of the bare function; the ratio is to the second line of each group.
`stamina`, `tenacity` and `funcy` retry only, and the timeout libraries only limit.
The lines with `+` are what people stack.
Of a list beartype checks one item, chosen at random, poet_import at most eight, typeguard the first, and pydantic all.
"""
