"""The readings that the sensors have sent."""

import csv
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from poet_import import poet


class Reading(NamedTuple):
    """What one sensor sent at one time; None where it sent nothing."""

    time: datetime
    sensor: str
    temperature: float | None  # °C
    humidity: float | None  # percent


@poet(domain="ml_monitoring")
def read_readings(path: Path) -> list[Reading]:
    """Return the readings of a CSV file, in its order."""
    with path.open(encoding="utf-8", newline="") as file:
        return [_reading(row) for row in csv.DictReader(file)]


def _reading(row: dict[str, str]) -> Reading:
    time = datetime.fromisoformat(row["time"])
    return Reading(time, row["sensor"], _number(row["temperature_c"]), _number(row["humidity_pct"]))


def _number(text: str) -> float | None:
    return float(text) if text else None


@poet(domain="ml_monitoring")
def temperatures(readings: list[Reading], sensor: str, *, begin: datetime, end: datetime) -> list[float]:
    """Return the temperatures of one sensor from ``begin`` until before ``end``, gaps left out."""
    own = [reading for reading in readings if reading.sensor == sensor and begin <= reading.time < end]
    return [reading.temperature for reading in own if reading.temperature is not None]
