"""Compare two versions of the classifier: ``python -m examples.learning_classifier.replay [PLOT.svg]``.

The example runs twice, each time in a process of its own: first as it is written, then with what a model has written.
The model is a recorded session, ``session.jsonl``, which a real HTTP server on this machine replays. What both
processes tell of their calls, and the labels that they give as feedback, go into one folder, which is thrown away in
the end; ``poet stats`` reads it, and draws the plot if a file for it is named.

With ``--record`` it writes down what is asked now, where a template or the function has changed.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from examples.recorded import ROOT, replayed

SESSION = Path(__file__).with_name("session.jsonl")
FUNCTION = "examples.learning_classifier.classifier:species"


def run(module: str, *arguments: str, settings: Mapping[str, str]) -> None:
    """Run a module in a process of its own, and print what it prints.

    Raises:
        subprocess.CalledProcessError: It failed.
    """
    command = [sys.executable, "-m", module, *arguments]
    environment = {**os.environ, "PYTHONUTF8": "1", **settings}
    ran = subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, encoding="utf-8", check=True)
    print(ran.stdout, end="", flush=True)


def main() -> None:
    """Run both versions, and print what the stored events say of them."""
    parser = argparse.ArgumentParser(description="Compare two versions of the classifier.")
    parser.add_argument("plot", nargs="?", type=Path, help="where to draw the accuracy, as an SVG")
    parser.add_argument("--record", action="store_true", help="write down what is asked, beside the answers")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as data:
        ours = {"POET_DATA_DIR": data}
        run("examples.learning_classifier", settings={**ours, "POET_MODE": "offline"})
        with replayed(SESSION, *(["--record"] if options.record else [])) as settings:
            run("examples.learning_classifier", settings={**ours, **settings})
        plot = ["--plot", str(options.plot.absolute())] if options.plot else []
        run("poet_import", "stats", FUNCTION, *plot, settings=ours)


if __name__ == "__main__":
    main()
