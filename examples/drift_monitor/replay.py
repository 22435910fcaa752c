"""Replay a recorded session: ``python -m examples.drift_monitor.replay``.

A scripted model, a real HTTP server on this machine, answers with what ``session.jsonl`` holds: a first text that the
gates refuse, since it forgets that a sensor may be silent, and a second one that they accept. The example runs in a
process of its own with a cache that is thrown away, so that the whole path is seen each time.

With ``--record`` it writes down what is asked now, where a template or the function has changed.
"""

import os
import subprocess
import sys
from pathlib import Path

from examples.recorded import ROOT, replayed

SESSION = Path(__file__).with_name("session.jsonl")


def main() -> int:
    """Run the example against the session, print what each says, and return the example's exit status."""
    example = [sys.executable, "-m", "examples.drift_monitor"]
    with replayed(SESSION, *sys.argv[1:]) as settings:
        ran = subprocess.run(
            example, cwd=ROOT, env={**os.environ, **settings}, stdout=subprocess.PIPE, text=True, check=False
        )
    print(ran.stdout, end="")
    return ran.returncode


if __name__ == "__main__":
    sys.exit(main())
