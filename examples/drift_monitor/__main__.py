"""Compare this week's values of each sensor with last week's."""

import poet_import
from examples.drift_monitor import drift, samples


def main() -> None:
    """Print a line for each sensor, and whose logic has decided."""
    reference = samples.read_samples(samples.FOLDER / "reference.csv")
    current = samples.read_samples(samples.FOLDER / "current.csv")
    for sensor, values in current.items():
        found = drift.detect_drift(values, reference[sensor])
        state = "DRIFT" if found["drift_detected"] else "steady"
        print(f"{sensor:15} {state:6}  score {found['score']:.3f}")
    description = poet_import.describe(drift.detect_drift)
    by = f"{description.model}, accepted by the gates" if description.model else "the function as it is written"
    print(f"decided by {by}")


if __name__ == "__main__":
    main()
