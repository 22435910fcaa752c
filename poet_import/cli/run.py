"""``poet run``: reads the command line; `program` runs what it names."""

import os

import click

from poet_import.cli.program import Program


class RunCommand(click.Command):
    """A command whose own options end where the program is named, as those of ``python`` do."""

    def parse_args(self, context: click.Context, args: list[str]) -> list[str]:
        """Parse the command line; everything after ``-m MODULE`` belongs to the module, ``--help`` too."""
        if args and args[0].startswith("-m"):
            end = 2 if args[0] == "-m" else 1
            args = [*args[:end], "--", *args[end:]] if len(args) >= end else args
        return super().parse_args(context, args)


@click.command(
    "run",
    short_help="Run a program, woven.",
    cls=RunCommand,
    context_settings={"allow_interspersed_args": False},
    options_metavar="",
)
@click.option("-m", "module", metavar="MODULE", help="Run a module or package, as `python -m` does.")
@click.option(
    "--dana", "is_dana", is_flag=True, help="Run a Dana program; the Python modules that it imports are woven."
)
@click.argument(
    "arguments", nargs=-1, type=click.UNPROCESSED, metavar="{SCRIPT | -m MODULE | --dana FILE.na} [ARGUMENTS]..."
)
def run_command(module: str | None, is_dana: bool, arguments: tuple[str, ...]) -> Program:
    """Run a program with its @poet functions woven, the script itself included.

    Otherwise it is what `python SCRIPT` or `python -m MODULE` is: arguments, tracebacks, exit status.

    \b
    Examples:
      poet run app.py --port 8000
      poet run -m shop.main
      poet run --dana shop.na
    """
    if module is not None and is_dana:
        raise click.UsageError("a Dana program is run by its path, without -m")
    if module is not None:
        return Program(name=module, arguments=arguments, is_module=True)
    if not arguments:
        raise click.UsageError("nothing to run: name a script, or a module with -m")
    script = arguments[0]
    if not os.path.exists(script):
        raise click.UsageError(f"no such file: {script}; a module is run with -m")
    if is_dana and len(arguments) > 1:
        raise click.UsageError(f"a Dana program takes no arguments: {' '.join(arguments[1:])}")
    return Program(name=script, arguments=arguments[1:], is_module=False, is_dana=is_dana)
