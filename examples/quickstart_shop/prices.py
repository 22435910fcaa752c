"""Functions as a user writes them; ``@poet`` is all that hardens them."""

import json
import time
from http.client import HTTPConnection

from poet_import import poet


@poet(retries=3, timeout=5.0)
def fetch_price(sku: str, port: int) -> float:
    """Ask the shop's server for a price."""
    connection = HTTPConnection("127.0.0.1", port)
    try:
        connection.request("GET", f"/prices/{sku}")
        response = connection.getresponse()
        if response.status != 200:
            raise ConnectionError(f"the shop answered {response.status}")
        return json.load(response)
    finally:
        connection.close()


@poet(timeout=0.3)
def forecast(sku: str) -> float:
    """Compute something that takes far too long."""
    demand = 0.0
    for day in range(100):
        time.sleep(0.1)
        demand += len(sku) * day
    return demand


@poet
def total(price: float, quantity: int = 1) -> float:
    """Return the price of some pieces."""
    return price * quantity


@poet
def parse_price(line: str) -> float:
    """Read a price from a line such as ``tea;2.50``, and forget to turn it into a number."""
    return line.partition(";")[2]


@poet(retries=1, timeout=5.0, retry_on=ConnectionError)
def stock(sku: str) -> int:
    """Look up how many pieces there are."""
    pieces = {"tea": 12, "cup": 3}
    return pieces[sku]
