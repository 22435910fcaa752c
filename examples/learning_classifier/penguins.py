"""The penguins that were measured, and the species that people have told them to be of.

``penguins.csv`` holds the 342 of 344 penguins of the Palmer penguins whose four measures are known, shuffled. The data
are in the public domain (CC0): A. M. Horst, A. P. Hill, K. B. Gorman, palmerpenguins, doi:10.5281/zenodo.3960218; first
told of by K. B. Gorman, T. D. Williams, W. R. Fraser, PLoS ONE 9(3), e90081 (2014).
"""

import csv
from pathlib import Path
from typing import NamedTuple

_FILE = Path(__file__).with_name("penguins.csv")


class Penguin(NamedTuple):
    """What was measured of a penguin, and its species."""

    measures: dict[str, float]
    species: str


def read_penguins() -> list[Penguin]:
    """Return the penguins in the order of the file."""
    with _FILE.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return [Penguin({name: float(row[name]) for name in row if name != "species"}, row["species"]) for row in rows]
