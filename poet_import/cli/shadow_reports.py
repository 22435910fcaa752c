"""What shadows have shown, as the processes that ran them have written it down."""

import json
import os
from contextlib import suppress
from dataclasses import dataclass

from poet_import.cache.directory import shadow_directory
from poet_import.settings import Settings


@dataclass(frozen=True, slots=True)
class Report:
    """What one process has compared of one function."""

    compared: int
    differences: int
    told: tuple[str, ...]
    failed: int
    milliseconds: tuple[float, ...]  # that its last runs took


def reports_of(settings: Settings, place: str, version: str) -> list[Report]:
    """Return the reports of a version that ran as a shadow; a damaged one is none."""
    reports = []
    with suppress(OSError), os.scandir(shadow_directory(settings)) as files:
        for file in files:
            with suppress(OSError, ValueError, KeyError, TypeError):
                with open(file.path, encoding="utf-8") as opened:
                    found = json.load(opened)
                if (found["place"], found["version"]) == (place, version):
                    told = tuple(map(str, found["told"]))
                    times = tuple(map(float, found["milliseconds"]))
                    counts = (int(found[name]) for name in ("compared", "differences", "failed"))
                    compared, differences, failed = counts
                    reports.append(Report(compared, differences, told, failed, times))
    return reports
