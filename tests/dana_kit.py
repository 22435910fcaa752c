"""The interpreter of Dana's own runtime, in an environment of its own beside the repository."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

KIT = Path(__file__).parents[2] / "shared" / "dana" / "dana_env.py"  # makes the environment once, and keeps it
SECONDS = 600  # to make it: it is downloaded


def interpreter() -> str:
    """Return the interpreter that has Dana, or skip where it cannot be had."""
    return os.environ.get("POET_DANA_PYTHON") or _made()


def _made() -> str:
    if not KIT.exists():
        pytest.skip(f"no Dana: {KIT} is not there, and POET_DANA_PYTHON names no interpreter that has it")
    command = [sys.executable, str(KIT), "path"]
    made = subprocess.run(command, capture_output=True, text=True, check=False, timeout=SECONDS)
    if made.returncode:
        pytest.skip(f"no Dana: its environment cannot be made ({made.stderr.strip()[-300:]})")
    return made.stdout.strip()
