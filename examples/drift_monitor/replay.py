"""Replay a recorded session: ``python -m examples.drift_monitor.replay``.

A scripted model, a real HTTP server on this machine, answers with what ``session.jsonl`` holds: a first text that the
gates refuse, since it forgets that a sensor may be silent, and a second one that they accept. The example runs in a
process of its own with a cache that is thrown away, so that the whole path is seen each time.

With ``--record`` it writes down what is asked now, where a template or the function has changed.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
SERVER = ROOT / "tests" / "generators" / "scripted_model.py"
SESSION = Path(__file__).with_name("session.jsonl")


def main() -> int:
    """Start the server, run the example against it, print what each says, and return the example's exit status."""
    command = [sys.executable, str(SERVER), "--replay", str(SESSION), "--port", "0", *sys.argv[1:]]
    with (
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server,
        tempfile.TemporaryDirectory() as cache,
    ):
        assert server.stdout is not None
        address = server.stdout.readline().split()[-1]
        ours = {
            "POET_MODE": "eager",
            "POET_MODEL": "openai/replayed",
            "POET_LLM_BASE_URL": address,
            "POET_LLM_API_KEY": "none-is-needed",
            "POET_CACHE_DIR": cache,
            "POET_GENERATION_TIMEOUT": "60",
        }
        example = [sys.executable, "-m", "examples.drift_monitor"]
        ran = subprocess.run(
            example, cwd=ROOT, env={**os.environ, **ours}, stdout=subprocess.PIPE, text=True, check=False
        )
        server.terminate()
        print(server.stdout.read(), ran.stdout, sep="", end="")
    return ran.returncode


if __name__ == "__main__":
    sys.exit(main())
