"""Names that code written for Dana uses."""

import dana.frameworks.poet as dp
from dana.frameworks.poet import (
    POETResult,  # stays
    poet,
)
from dana.frameworks.poet.core import decorator
from dana.frameworks.poet.core.decorator import poet as harden
from opendxa.dana.poet import poet as old


@poet("base", operate={"retries": 2})
def priced(sku: str) -> float:
    return POETResult(sku)


@dp.poet(domain="base")
def shown(price: float) -> str:
    return f"{price}"


@decorator.poet
@staticmethod
def counted(items: list) -> int:
    return len(items)


@harden
def kept(x: int):
    try: from dana.frameworks.poet import poet, POETConfig
    except ImportError: pass
    return x


@old(domain="base")
def none():
    pass
