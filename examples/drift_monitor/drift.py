"""Whether a sensor measures something else than it did before."""

from poet_import import poet


@poet(domain="ml_monitoring")
def detect_drift(
    current_data: list[float | None], reference_data: list[float | None], *, threshold: float = 0.2
) -> dict[str, bool | float]:
    """Tell whether the distribution of a sensor's values has drifted.

    The score is the two-sample Kolmogorov-Smirnov distance of the values, gaps left out: 0.0 for the same distribution,
    1.0 for two that do not overlap. It is drift where the score is above the threshold and significant at 1 %.
    """
    return {"drift_detected": False, "score": 0.0}
