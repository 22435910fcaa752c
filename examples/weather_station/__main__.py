"""Print the report: each sensor's last day against the day before."""

from datetime import datetime, timedelta
from pathlib import Path

import poet_import
from examples.weather_station import drift, readings

_FILE = Path(__file__).with_name("readings.csv")
_DAY = timedelta(days=1)


def line(sensor: str, rows: list[readings.Reading], now: datetime) -> str:
    """Return what the report says of one sensor."""
    current = readings.temperatures(rows, sensor, begin=now - _DAY, end=now)
    reference = readings.temperatures(rows, sensor, begin=now - 2 * _DAY, end=now - _DAY)
    try:
        found = drift.detect_drift(current, reference)
    except poet_import.PerceiveError as error:
        return f"no comparison: {error.parameter} is expected to be {error.expected}, but is {error.actual}"
    state = "DRIFT" if found["drift_detected"] else "steady"
    complete = drift.completeness(current, 24)
    return f"{state:6}  score {found['score']:+6.1f}  p {found['p_value']:.4f}  {complete:3.0f} % complete"


def main() -> None:
    """Read the file and print a line for each sensor."""
    rows = readings.read_readings(_FILE)
    now = max(row.time for row in rows) + timedelta(hours=1)
    print(f"{len(rows)} readings, the day until {now:%Y-%m-%d %H:%M} against the day before")
    for sensor in sorted({row.sensor for row in rows}):
        print(f"{sensor:8} {line(sensor, rows, now)}")
    print(f"checked by {poet_import.describe(drift.detect_drift).template}")


if __name__ == "__main__":
    main()
