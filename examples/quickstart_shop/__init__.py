"""The shop of ``examples/quickstart.py``: a server that fails at first, and the functions that use it."""

import poet_import  # noqa: F401 (activates the hook before the modules of this package are imported)
