"""Every effect of ``@poet``, as it happens: ``python examples/quickstart.py``.

A script is no import, so the marked functions stand in a module beside it: ``quickstart_shop/prices.py``.
"""

import os
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Callable
from pathlib import Path

from quickstart_shop import prices
from quickstart_shop.server import running_shop

import poet_import

_START = """
import http.client, json, time, poet_import
begin = time.perf_counter()
from quickstart_shop import prices
elapsed = 1000 * (time.perf_counter() - begin)
state = poet_import.status().modules["quickstart_shop.prices"].state
print(f"{state}, imported in {elapsed:.1f} ms")
"""


def show_retry() -> None:
    """Ask a server that fails twice."""
    with running_shop() as shop:
        price = prices.fetch_price("tea", shop.port)
    say("retry", f"fetch_price('tea') returned {price} after the answers {shop.statuses}")


def show_error(effect: str, call: Callable[[], object]) -> None:
    """Print the error that a call ends with."""
    try:
        call()
    except poet_import.PoetError as error:
        say(effect, f"{type(error).__name__}: {error}")


def show_traceback() -> None:
    """Print where an error of the user's own comes from: their lines, and nothing in between."""
    try:
        prices.stock("coffee")
    except KeyError as error:
        for frame in traceback.extract_tb(error.__traceback__):
            say("traceback", f"{Path(frame.filename).name}, in {frame.name}: {frame.line}")


def show_starts() -> None:
    """Start a program twice: the second start finds the woven code in the cache."""
    with tempfile.TemporaryDirectory() as cache:
        for start in ("first start", "second start"):
            say(start, import_in_a_new_process(cache))


def import_in_a_new_process(cache: str) -> str:
    """Import the shop in a fresh interpreter and return what that prints."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    environment["POET_CACHE_DIR"] = cache
    command = [sys.executable, "-c", _START]
    folder = Path(__file__).parent
    return subprocess.check_output(command, env=environment, cwd=folder, text=True).strip()


def say(effect: str, text: str) -> None:
    """Print one line."""
    print(f"{effect:13} {text}", flush=True)


def main() -> None:
    """Show one effect after the other."""
    show_retry()
    show_error("timeout", lambda: prices.forecast("tea"))
    show_error("argument", lambda: prices.total(2.5, "2"))
    show_error("result", lambda: prices.parse_price("tea;2.50"))
    show_traceback()
    show_starts()


if __name__ == "__main__":
    main()
