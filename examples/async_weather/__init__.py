"""The weather service of ``examples/async_client.py``, and the functions that ask it."""

import poet_import  # noqa: F401 (activates the hook before the modules of this package are imported)
