"""The samples that the sensors have sent."""

import csv
from pathlib import Path

FOLDER = Path(__file__).parent


def read_samples(path: Path) -> dict[str, list[float | None]]:
    """Return the values of each sensor in a CSV file, None where it sent nothing."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    sensors = [name for name in rows[0] if name != "time"]
    return {sensor: [float(row[sensor]) if row[sensor] else None for row in rows] for sensor in sensors}
