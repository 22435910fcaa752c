from poet_import import poet


@poet(retries=3, timeout=2.0)
def price(sku: str, quantity: int = 1) -> float:
    """Return what a quantity of an article costs."""
    # the shop may be slow
    try:
        return lookup(sku) * quantity  # in euros
    except KeyError:
        return 0.0
    finally:
        log(sku)
