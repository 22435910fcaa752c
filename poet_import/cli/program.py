"""Run a script or a module as ``__main__``: what the interpreter itself does with it, but woven."""

import builtins
import importlib.util
import os
import sys
from dataclasses import dataclass
from importlib.machinery import ModuleSpec
from types import CodeType, ModuleType, TracebackType

from poet_import.hook.loader import PoetLoader

OUR_FOLDER = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep


@dataclass(frozen=True, slots=True)
class Program:
    """What ``poet run`` was asked to run."""

    name: str  # of a module, or the path of a script
    arguments: tuple[str, ...]
    is_module: bool
    is_dana: bool = False


class ScriptLoader(PoetLoader):
    """Loads a script; its plain bytecode is not kept, as ``python`` keeps none."""

    def set_data(self, path: str, data: bytes, *, _mode: int = 0o666) -> None:  # type: ignore[override]  # Buffer: 3.12
        """Write nothing."""


def execute(program: Program) -> None:
    """Run the program in a new ``__main__``.

    What it raises leaves here unchanged, and what the interpreter prints of it then begins at its own frames.
    """
    if program.is_dana:
        from poet_import.cli.dana_program import execute_dana  # loads Dana

        execute_dana(program.name)
        return
    try:
        module, code = _load_module(program) if program.is_module else _load_script(program)
        module.__dict__.update(__name__="__main__", __builtins__=builtins)
        sys.modules["__main__"] = module
        exec(code, module.__dict__)  # noqa: S102  (to run it is what was asked)
    except BaseException as error:  # whatever ends the program, its traceback begins in the program
        _print_from(_first_foreign(error))
        raise


def _load_script(program: Program) -> tuple[ModuleType, CodeType]:
    """Return the script's module, still empty, and its code; a folder stands for the ``__main__.py`` in it."""
    path = os.path.abspath(program.name)
    is_folder = os.path.isdir(path)
    if is_folder:
        path = os.path.join(path, "__main__.py")
    _set_start(program.name, program.arguments, folder=os.path.dirname(os.path.realpath(path)))
    spec = ModuleSpec("__main__", ScriptLoader("__main__", path), origin=path)
    spec.has_location = True
    module = importlib.util.module_from_spec(spec)
    if not is_folder:
        module.__dict__.update(__spec__=None, __package__=None, __cached__=None)  # as in any script
    return module, _code(spec)


def _load_module(program: Program) -> tuple[ModuleType, CodeType]:
    _set_start("-m", program.arguments, folder=os.getcwd())
    spec = _find_spec(program.name)
    if spec.submodule_search_locations is not None:
        spec = _find_spec(f"{spec.name}.__main__")
    code = _code(spec)
    sys.argv[0] = code.co_filename
    return importlib.util.module_from_spec(spec), code


def _set_start(name: str, arguments: tuple[str, ...], *, folder: str) -> None:
    sys.argv[:] = [name, *arguments]
    if not sys.flags.safe_path:  # where it is set, the interpreter has put nothing in front that could be replaced
        sys.path[0] = folder


def _find_spec(name: str) -> ModuleSpec:
    """Return the module's spec; this imports the packages around it, as ``python -m`` does."""
    try:
        spec = importlib.util.find_spec(name)
    except ModuleNotFoundError as error:
        if not f"{name}.".startswith(f"{error.name}."):
            raise  # a package around it wants something else
        spec = None
    if spec is None:
        sys.exit(f"Error: no module named {name!r} to run; a script is run by its path, without -m")
    return spec


def _code(spec: ModuleSpec) -> CodeType:
    get_code = getattr(spec.loader, "get_code", None)
    code = get_code(spec.name) if get_code is not None else None
    if not isinstance(code, CodeType):
        sys.exit(f"Error: {spec.name!r} has no Python code to run")
    return code


def _first_foreign(error: BaseException) -> TracebackType | None:
    """Return the traceback from the first frame that is neither ours nor importlib's.

    For an error of our own that is the whole one; a program that does not compile has none, as with ``python``.
    """
    traceback = error.__traceback__
    while traceback is not None and _is_in_between(traceback.tb_frame.f_code.co_filename):
        traceback = traceback.tb_next
    return error.__traceback__ if traceback is None and not isinstance(error, SyntaxError) else traceback


def _is_in_between(filename: str) -> bool:
    return filename.startswith((OUR_FOLDER, "<frozen importlib"))


def _print_from(traceback: TracebackType | None) -> None:
    """Have the uncaught exception printed from there on, by whatever hook the program has set."""
    print_exception = sys.excepthook

    def excepthook(kind: type[BaseException], error: BaseException, _: TracebackType | None) -> None:
        print_exception(kind, error.with_traceback(traceback), traceback)

    sys.excepthook = excepthook
