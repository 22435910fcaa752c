"""Names that code written for Dana uses."""

import poet_import.runtime as __poet__
from poet_import import poet as _poet_marker
import dana.frameworks.poet as dp
from dana.frameworks.poet import POETResult; from poet_import import poet
from dana.frameworks.poet.core import decorator
from poet_import import poet as harden
from poet_import import poet as old


@poet("base", operate={"retries": 2})
def priced(sku: str) -> float:
    # perceive
    if not isinstance(sku, str):
        raise __poet__.perceive("sku", sku, "str")
    # operate
    _poet_attempt = None
    while True:
        try:
            # enforce
            _poet_result = POETResult(sku)
            if not isinstance(_poet_result, float) and not isinstance(_poet_result, int):
                raise __poet__.enforce("return", _poet_result, "float")
            return _poet_result
        except Exception as _poet_error:
            _poet_attempt = __poet__.next_attempt(_poet_error, _poet_attempt, retries=2)
            if _poet_attempt is None:
                raise
            _poet_attempt.wait()


@_poet_marker(domain="base")
def shown(price: float) -> str:
    # perceive
    if not isinstance(price, float) and not isinstance(price, int):
        raise __poet__.perceive("price", price, "float")
    # operate
    return f"{price}"


@_poet_marker
@staticmethod
def counted(items: list) -> int:
    # perceive
    if not isinstance(items, list):
        raise __poet__.perceive("items", items, "list")
    # operate
    # enforce
    _poet_result = len(items)
    if not isinstance(_poet_result, int):
        raise __poet__.enforce("return", _poet_result, "int")
    return _poet_result


@harden
def kept(x: int):
    # perceive
    if not isinstance(x, int):
        raise __poet__.perceive("x", x, "int")
    # operate
    try: from dana.frameworks.poet import POETConfig; from poet_import import poet
    except ImportError: pass
    return x


@old(domain="base")
def none():
    pass
