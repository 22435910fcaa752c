"""Which species a penguin is of."""

from typing import Literal

from poet_import import poet

Species = Literal["Adelie", "Chinstrap", "Gentoo"]


@poet(optimize_for="accuracy")
def species(*, bill_length_mm: float, bill_depth_mm: float, flipper_length_mm: float, body_mass_g: float) -> Species:
    """Tell the species of a penguin of the Palmer Archipelago by its measures."""
    return "Adelie"  # the most frequent one: what every classifier has to be better than
