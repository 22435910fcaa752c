import poet_import.runtime as __poet__
from poet_import import poet


@poet(retries=3, timeout=2.0)
def price(sku: str, quantity: int = 1) -> float:
    """Return what a quantity of an article costs."""
    # perceive
    if not isinstance(sku, str):
        raise __poet__.perceive("sku", sku, "str")
    if not isinstance(quantity, int):
        raise __poet__.perceive("quantity", quantity, "int")
    # operate
    _poet_timer = __poet__.Timer()
    try:
        __poet__.start(_poet_timer, 2.0)
        try:
            _poet_attempt = None
            while True:
                try:
                    try:
                        # the shop may be slow
                        try:
                            # enforce
                            _poet_result = lookup(sku) * quantity
                            if not isinstance(_poet_result, float) and not isinstance(_poet_result, int):
                                raise __poet__.Escape(
                                    __poet__.enforce("return", _poet_result, "float")
                                )
                            return _poet_result  # in euros
                        except KeyError:
                            return 0.0
                        finally:
                            log(sku)
                    except __poet__.Escape as _poet_escape:
                        raise _poet_escape.error from None
                except Exception as _poet_error:
                    _poet_attempt = __poet__.next_attempt(
                        _poet_error, _poet_attempt, retries=3, timer=_poet_timer
                    )
                    if _poet_attempt is None:
                        raise
                    _poet_attempt.wait()
        finally:
            __poet__.stop(_poet_timer)
    except __poet__.Expired as _poet_expired:
        raise __poet__.timed_out(_poet_expired, _poet_timer)
