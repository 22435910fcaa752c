"""The modules whose import is measured: eight annotated functions each, with or without ``@poet``."""

from pathlib import Path

FUNCTIONS = 8  # in each module

_FUNCTION = '''
{marker}def price_{number}(sku: str, quantity: int = 1, discount: float = 0.0) -> float:
    """Return the price of some pieces."""
    base = {{"tea": 2.5, "cup": 12.0, "pot": 40.0}}
    total = base[sku] * quantity
    if discount:
        total -= total * discount
    return total + {number}
'''
_MARKERS = ("@poet", "@poet(retries=2)", "@poet(timeout=5)", "@poet(retries=3, timeout=2.0)")
_NO_MARKER = "def poet(function=None, /, **options):\n    return function or (lambda marked: marked)\n"


def module_text(*, marker: str | None, seed: int = 0, functions: int = FUNCTIONS) -> str:
    """Return the source of one module; equal arguments give equal texts.

    Args:
        marker: The module that ``poet`` comes from, None for undecorated functions.
        seed: The number of the module.
        functions: How many functions it has.
    """
    parts = ['"""Prices of one shop."""\n', f"from {marker} import poet\n" if marker else ""]
    for number in range(seed * functions, (seed + 1) * functions):
        decorator = f"{_MARKERS[number % len(_MARKERS)]}\n" if marker else ""
        parts.append(_FUNCTION.format(marker=decorator, number=number))
    return "\n".join(parts)


def write_modules(folder: Path, count: int, *, marker: str | None, functions: int = FUNCTIONS) -> None:
    """Write ``shop_0.py``, ``shop_1.py``, … into a new folder; ``no_marker.py`` has a ``poet`` that does nothing."""
    folder.mkdir()
    (folder / "no_marker.py").write_text(_NO_MARKER, encoding="utf-8")
    for seed in range(count):
        text = module_text(marker=marker, seed=seed, functions=functions)
        (folder / f"shop_{seed}.py").write_text(text, encoding="utf-8")
