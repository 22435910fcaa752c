"""Answers questions about Dana, in Dana's own environment: started once, since importing Dana takes seconds.

A question is one line of JSON on standard input, an answer one line on standard output. Programs run in forks: what
they register belongs to the process.
"""

import contextlib
import dataclasses
import enum
import io
import json
import logging
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ["DANA_MOCK_LLM"] = "true"

with contextlib.redirect_stdout(io.StringIO()):  # Dana talks while it starts
    import dana  # type: ignore[import-not-found]  # installed in the environment that this file runs in
    from dana.core.lang.dana_sandbox import DanaSandbox  # type: ignore[import-not-found]  # as above
    from dana.core.lang.parser.dana_parser import DanaParser  # type: ignore[import-not-found]  # as above
logging.disable(logging.CRITICAL)

_parser = DanaParser()
_NOT_OF_THE_TREE = ("location", "source_text", "line", "column", "source")


def plain(node: Any) -> Any:  # Any: a tree of Dana's, and JSON
    """Return a tree without its positions."""
    if dataclasses.is_dataclass(node):
        fields = [field.name for field in dataclasses.fields(node) if field.name not in _NOT_OF_THE_TREE]
        return [type(node).__name__, *([name, plain(getattr(node, name))] for name in fields)]
    if isinstance(node, list | tuple):
        return [plain(item) for item in node if getattr(item, "type", "") != "COMMENT"]
    if isinstance(node, dict):
        return [[plain(key), plain(value)] for key, value in node.items()]
    return node.name if isinstance(node, enum.Enum) else repr(node)


def parse(text: str) -> dict[str, object]:
    """Return the statements of a program, or where it is wrong."""
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            program = _parser.parse(text, do_transform=True, do_type_check=False)
    except Exception as error:  # noqa: BLE001  (every one is a refusal)
        place = {name: getattr(error, name, None) for name in ("line", "column")}
        return {"accepted": False, "error": f"{type(error).__name__}: {str(error)[:300]}", **place}
    return {"accepted": True, "statements": plain(program.statements)}


def parse_all(texts: list[str]) -> list[dict[str, object]]:
    return [parse(text) for text in texts]


def packaged() -> dict[str, str]:
    """Return every Dana source that the installed package holds."""
    root = Path(next(iter(dana.__path__)))
    return {str(path.relative_to(root)): path.read_bytes().decode() for path in sorted(root.rglob("*.na"))}


def run(program: dict[str, str]) -> dict[str, object]:
    """Run ``main.na`` among its neighbours in a process of its own, and return what it printed and how it ended."""
    with tempfile.TemporaryDirectory() as folder:
        for name, text in program.items():
            Path(folder, name).write_bytes(text.encode())
        answer = Path(folder, "answer.json")
        child = os.fork()
        if child == 0:
            _run_here(folder, answer)
        _, status = os.waitpid(child, 0)
        if not answer.exists():
            return {"printed": "", "error": f"the process ended with {os.waitstatus_to_exitcode(status)}"}
        return dict(json.loads(answer.read_text(encoding="utf-8")))


def _run_here(folder: str, answer: Path) -> None:
    os.chdir(folder)
    printed = io.StringIO()
    error = None
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            sandbox = DanaSandbox()
            sandbox._ensure_initialized()
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
            result = sandbox.execute_file(str(Path(folder, "main.na")))
        error = str(result.error).split("Full traceback")[0].strip() if result.error else None
    except BaseException as failure:  # noqa: BLE001  (told to the test that asked)
        error = f"{type(failure).__name__}: {failure}"
    finally:
        answer.write_text(json.dumps({"printed": printed.getvalue(), "error": error}), encoding="utf-8")
        os._exit(0)  # Dana's pool threads are no daemons


ANSWERS: dict[str, Callable[[Any], object]] = {"parse": parse_all, "packaged": lambda _: packaged(), "run": run}


def main() -> None:
    # Whatever Dana prints goes elsewhere: standard output holds answers only.
    answers, sys.stdout = sys.stdout, sys.stderr
    for line in sys.stdin:
        name, question = json.loads(line)
        answers.write(json.dumps(ANSWERS[name](question)) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
