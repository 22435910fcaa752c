"""The ``poet`` command. Each command family has a module of its own here."""

import sys
from collections.abc import Sequence

import click

from poet_import._version import __version__
from poet_import.cli.cache import cache_group
from poet_import.cli.doctor import doctor_command
from poet_import.cli.program import Program, execute
from poet_import.cli.run import run_command
from poet_import.cli.show import show_command
from poet_import.cli.status import status_command

INTERRUPTED = 130  # what a shell reports for a process that Ctrl-C ended


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="poet")
def poet() -> None:
    """Harden functions marked @poet: checks, retries and timeouts, woven in when their module is imported.

    \b
    Example:
      poet run app.py
    """


for command in (run_command, show_command, status_command, doctor_command, cache_group):
    poet.add_command(command)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the ``poet`` command and exit.

    A program that ``poet run`` starts runs after click has left the stack: its exceptions, click's own among them, and
    its exit status are then nobody's but its own.
    """
    try:
        outcome = poet.main(sys.argv[1:] if arguments is None else arguments, prog_name="poet", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except click.Abort:
        sys.exit(INTERRUPTED)
    if isinstance(outcome, Program):
        execute(outcome)
        return
    sys.exit(outcome)
