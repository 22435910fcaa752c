"""Run a Dana program in this process, whose hook weaves the Python modules that it imports."""

import sys
from contextlib import ExitStack, redirect_stdout

_FURTHER = "Full traceback"  # Dana's own frames follow


def execute_dana(path: str) -> None:
    """Run a Dana program; what is wrong with it goes to standard error, and exits with 1.

    What Dana tells while it starts goes there too: standard output is the program's.
    """
    try:
        with redirect_stdout(sys.stderr):
            from dana.core.lang.dana_sandbox import DanaSandbox  # type: ignore[import-not-found]  # the user has it
    except ModuleNotFoundError as error:
        sys.exit(f"Error: Dana cannot be loaded here ({error}); install it beside poet-import")
    with ExitStack() as stack:
        with redirect_stdout(sys.stderr):
            sandbox = stack.enter_context(DanaSandbox())
        result = sandbox.execute_file(path)
    if not result.success:
        sys.exit(str(result.error).split(_FURTHER)[0].rstrip())
