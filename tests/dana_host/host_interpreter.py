"""Runs Dana programs in Dana's own environment: started once, since importing Dana takes seconds.

A question is one line of JSON on standard input, the files of a program; an answer is one line on standard output.
Programs run in forks: what they register belongs to the process.
"""

import contextlib
import io
import json
import logging
import os
import sys
import tempfile
import warnings
from pathlib import Path

import poet_import

with contextlib.redirect_stdout(io.StringIO()):  # Dana talks while it starts
    from dana.core.lang.dana_sandbox import DanaSandbox  # type: ignore[import-not-found]  # installed where this runs
logging.disable(logging.CRITICAL)


def answer(files: dict[str, str]) -> dict[str, list[str]]:
    """Run ``main.na`` in a process of its own, and return how that went."""
    with tempfile.TemporaryDirectory() as folder:
        for name, text in files.items():
            Path(folder, name).write_bytes(text.encode())
        child = os.fork()
        if child == 0:
            try:
                _run(folder)
            finally:
                os._exit(0)  # Dana's pool threads are no daemons
        _, status = os.waitpid(child, 0)
        found = Path(folder, "answer.json")
        if not found.exists():
            return {"printed": [], "warnings": [], "errors": [f"ended with {os.waitstatus_to_exitcode(status)}"]}
        return dict(json.loads(found.read_text(encoding="utf-8")))


def _run(folder: str) -> None:
    printed, errors = io.StringIO(), []
    warned: list[str] = []
    warnings.showwarning = lambda message, *_, **__: warned.append(f"warning: {message}")  # type: ignore[assignment]
    warnings.simplefilter("ignore")
    warnings.simplefilter("always", poet_import.PoetWarning)
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            sandbox = DanaSandbox()
            sandbox._ensure_initialized()
        with contextlib.redirect_stdout(printed):
            result = sandbox.execute_file(str(Path(folder, "main.na")))
        if result.error:
            errors = [f"error: {str(result.error).split('Full traceback')[0].strip()}"]
    except BaseException as failure:  # noqa: BLE001  (told to the test that asked)
        errors = [f"error: {type(failure).__name__}: {failure}"]
    lines = printed.getvalue().splitlines()
    text = json.dumps({"printed": lines, "warnings": warned, "errors": errors})
    Path(folder, "answer.json").write_text(text, encoding="utf-8")


def main() -> None:
    # Whatever Dana prints goes elsewhere: standard output holds answers only.
    answers, sys.stdout = sys.stdout, sys.stderr
    for line in sys.stdin:
        answers.write(json.dumps(answer(json.loads(line))) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
