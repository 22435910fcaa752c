"""``poet show``: the woven source, found and printed without importing it."""

import ast
import os
import sys
import textwrap
from collections.abc import Iterator

import click

from poet_import.cache.directory import cache_directory
from poet_import.cli.targets import refuse_unknown, target_of
from poet_import.errors import PoetError
from poet_import.settings import Settings
from poet_import.source.compiling import parse
from poet_import.transpiler import transpiler_over

LEFT_ALONE = {"dynamic": "its options are known, or refused, only when the module runs"}


@click.command("show", short_help="Print the woven source of a file or function.")
@click.argument("target", metavar="FILE[::NAME]")
def show_command(target: str) -> None:
    """Print the woven source of a file or module, or of one function in it.

    Nothing is imported or run. A method's name is Class.method.

    \b
    Examples:
      poet show shop.py
      poet show shop.py::Basket.price
      poet show shop.basket:Basket.price | less
    """
    found = target_of(target)
    text = _woven_text(found.path)
    _print(_cut(text, found.name, path=found.path) if found.name else text)


def _woven_text(path: str) -> str:
    """Return the woven source; what stayed as it was is told on stderr, which a pipe does not carry."""
    settings = Settings.read()
    transpiler = transpiler_over(settings, cache_directory(settings) if settings.generates else None)
    try:
        with open(path, "rb") as file:
            woven = transpiler.transpile(file.read(), path, asks=False)
    except SyntaxError as error:
        place = f"{path}:{error.lineno}" if error.lineno else path
        raise click.ClickException(f"{place}: {error.msg}; python refuses this file too") from error
    except ValueError as error:  # a byte that its encoding does not have; on 3.11, a NUL
        raise click.ClickException(f"{path}: {error}; python refuses this file too") from error
    except (OSError, PoetError) as error:
        raise click.ClickException(str(error)) from error
    if not woven.functions:
        click.echo(f"{path} has no @poet function: this is the source as it stands", err=True)
    for function in woven.functions:
        if function.left_alone:
            reason = LEFT_ALONE.get(function.left_alone, function.left_alone)
            click.echo(f"{path}: {function.qualname} stays as it is: {reason}", err=True)
    return woven.text


def _cut(text: str, name: str, *, path: str) -> str:
    """Return the definitions of that name with their decorators: an accessor and its setter share one name."""
    functions = sorted(_functions(parse(text)), key=lambda function: function[1].lineno)
    found = [node for qualname, node in functions if qualname == name]
    if not found:
        raise refuse_unknown(path, name, [qualname for qualname, _ in functions])
    lines = text.split("\n")
    return "\n\n".join(textwrap.dedent("\n".join(lines[_first_line(node) - 1 : node.end_lineno])) for node in found)


def _functions(tree: ast.Module) -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    """Yield every function with its dotted name, in no order; a recursion would fail in a long ``elif``."""
    waiting: list[tuple[ast.AST, str]] = [(tree, "")]
    while waiting:
        node, prefix = waiting.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield prefix + node.name, node
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            prefix += f"{node.name}."
        waiting.extend((child, prefix) for child in ast.iter_child_nodes(node))


def _first_line(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    return min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])


def _print(text: str) -> None:
    if not sys.stdout.isatty() or os.environ.get("NO_COLOR"):
        click.echo(text, nl=not text.endswith("\n"))
        return
    from rich.console import Console  # 60 ms, for a person only
    from rich.syntax import Syntax

    syntax = Syntax("", "python", theme="ansi_dark", background_color="default")
    Console().print(syntax.highlight(text.rstrip("\n")), soft_wrap=True)
