"""What the tests of neighbours share: the two orders of activation."""

from collections.abc import Callable

import pytest

InOrder = Callable[[str], str]
OURS = "import poet_import\n"


@pytest.fixture(params=["ours-first", "ours-last"])
def in_order(request: pytest.FixtureRequest) -> InOrder:
    """Return the lines that activate a neighbour and ours, in either order."""

    def call(theirs: str) -> str:
        return f"{OURS}{theirs}\n" if request.param == "ours-first" else f"{theirs}\n{OURS}"

    return call
