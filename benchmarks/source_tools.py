"""Measure what it costs to read and rewrite source with `ast` and with libcst: ``python -m benchmarks.source_tools``.

Times are per function of the modules in `benchmarks.sample`, the least of several runs. libcst is no dependency of
poet_import; without it, only the lines about `ast` are printed.
"""

import ast
import importlib.util
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import version
from time import perf_counter

from benchmarks.sample import FUNCTIONS, module_text
from poet_import.source.compiling import parse
from poet_import.source.linemap import Source
from poet_import.source.scopes import read_scopes
from poet_import.templates import TemplateStore, template_roots
from poet_import.transpiler.weaving import weave_source

_REPEATS = 30


def per_function(action: Callable[[], object]) -> float:
    """Return the least time of an action over a module, in milliseconds for each of its functions."""
    return 1000 * min(_seconds(action) for _ in range(_REPEATS)) / FUNCTIONS


def _seconds(action: Callable[[], object]) -> float:
    begin = perf_counter()
    action()
    return perf_counter() - begin


def import_milliseconds(module: str) -> float:
    """Return the least time that importing a module takes in a fresh process."""
    program = f"from time import perf_counter as t; b = t(); import {module}; print(1000 * (t() - b))"
    runs = [subprocess.run([sys.executable, "-c", program], check=True, stdout=subprocess.PIPE) for _ in range(5)]
    return min(float(run.stdout) for run in runs)


def measure_ast(text: str) -> Iterator[tuple[str, float]]:
    """Yield what each step with `ast` costs, and what weaving costs as a whole."""
    tree = ast.parse(text)
    store = TemplateStore(template_roots())
    weave_source(text, "sample.py", store=store)  # reads the templates, once for all modules
    yield "ast: parse", per_function(lambda: ast.parse(text))
    yield "ast: walk every node", per_function(lambda: list(ast.walk(tree)))
    yield "ours: scopes of a parsed module", per_function(lambda: read_scopes(tree))
    yield "ours: parse and keep the text", per_function(lambda: (Source(text), parse(text, "sample.py")))
    yield "ours: weave, map lines included", per_function(lambda: weave_source(text, "sample.py", store=store))


def measure_libcst(text: str) -> Iterator[tuple[str, float]]:
    """Yield what the same steps cost with libcst."""
    import libcst  # optional: see the module's docstring
    from libcst.metadata import MetadataWrapper, PositionProvider

    class AddComment(libcst.CSTTransformer):
        """Adds one line to each function, the least that a weaver does."""

        def leave_FunctionDef(  # noqa: N802 (libcst calls it by this name)
            self, original_node: libcst.FunctionDef, updated_node: libcst.FunctionDef
        ) -> libcst.FunctionDef:
            """Put ``pass`` above the body."""
            del original_node
            body = [libcst.parse_statement("pass"), *updated_node.body.body]
            return updated_node.with_changes(body=updated_node.body.with_changes(body=body))

    tree = libcst.parse_module(text)
    yield "libcst: parse", per_function(lambda: libcst.parse_module(text))
    yield "libcst: positions", per_function(lambda: MetadataWrapper(tree).resolve(PositionProvider))
    yield "libcst: transform", per_function(lambda: tree.visit(AddComment()))
    yield "libcst: generate the text", per_function(lambda: tree.code)


def main() -> None:
    """Print one line for each step."""
    text = module_text(marker="poet_import")
    for label, milliseconds in measure_ast(text):
        print(f"{label:34} {milliseconds:8.3f} ms a function")
    print(f"{'ast: import':34} {import_milliseconds('ast'):8.1f} ms a process")
    if importlib.util.find_spec("libcst") is None:
        print("libcst is not installed, so it is not measured: pip install libcst")
        return
    for label, milliseconds in measure_libcst(text):
        print(f"{label:34} {milliseconds:8.3f} ms a function")
    print(f"{'libcst: import':34} {import_milliseconds('libcst, libcst.metadata'):8.1f} ms a process")
    print(f"Python {sys.version.split()[0]}, libcst {version('libcst')}, least of {_REPEATS} runs")


if __name__ == "__main__":
    main()
