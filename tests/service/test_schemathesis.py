"""Requests that schemathesis makes up from the OpenAPI document, valid ones and others."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from running import RunningService

CONFIGURATION = Path(__file__).with_name("schemathesis.toml")
SEED = "20261128"


@pytest.mark.slow
def test_made_up_requests_find_nothing(start: Callable[..., RunningService]) -> None:
    service = start()
    command = [sys.executable, "-m", "schemathesis.cli", "--config-file", str(CONFIGURATION)]
    options = ["--checks", "all", "--max-examples", "60", "--seed", SEED, "--no-color"]

    done = subprocess.run(
        [*command, "run", f"{service.url}/openapi.json", *options],
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )

    assert done.returncode == 0, done.stdout[-8000:] + done.stderr
    assert "Tested: 10" in done.stdout
    assert '"level": "error"' not in service.log()
