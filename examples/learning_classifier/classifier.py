"""Which species a penguin is of."""

from poet_import import poet


@poet(optimize_for="accuracy")
def species(*, bill_length_mm: float, bill_depth_mm: float, flipper_length_mm: float, body_mass_g: float) -> str:
    """Tell the species of a penguin of the Palmer Archipelago by its measures: Adelie, Chinstrap or Gentoo."""
    return "Adelie"  # the most frequent one: what every classifier has to be better than
