"""The shop of ``examples/quickstart.py``: a server that fails at first, and the functions that use it."""
