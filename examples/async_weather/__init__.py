"""The weather service of ``examples/async_client.py``, and the functions that ask it."""
