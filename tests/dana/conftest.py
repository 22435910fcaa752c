"""Dana's own runtime for tests of the language."""

from collections.abc import Iterator

import pytest
from dana_kit import interpreter
from dana_process import Dana


@pytest.fixture(scope="session")
def dana() -> Iterator[Dana]:
    """Return Dana's interpreter, or skip where it cannot be had."""
    running = Dana(interpreter())
    yield running
    running.close()
