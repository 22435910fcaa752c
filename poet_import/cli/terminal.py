"""What commands know of who reads them."""

import shutil
import sys


def width_shown() -> int | None:
    """Return the columns of the terminal that standard output is shown at; None where it goes elsewhere."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None
