"""A Python module that a Dana program imports. Nothing here names poet_import: the hook supplies ``@poet``."""

asked: list[str] = []


@poet(retries=3)  # noqa: F821  (the hook supplies the name)
def pieces(sku: str) -> int:
    """Return how many are in stock; the warehouse is busy twice, and answers then."""
    asked.append(sku)
    if len(asked) < 3:
        raise OSError("the warehouse is busy")
    return 7


@poet(domain="base")  # noqa: F821  (as above)
def value(prices: list[float], count: int) -> float:
    """Return what some pieces of each kind are worth."""
    return sum(prices) * count


def attempts() -> int:
    """Return how often the warehouse was asked."""
    return len(asked)
