"""The ``poet`` command. Each command family has a module of its own here."""

import sys
from collections.abc import Sequence

import click

from poet_import._version import __version__
from poet_import.cli.lazy import LazyGroup

INTERRUPTED = 130  # what a shell reports for a process that Ctrl-C ended
_ROOM = "poet_import.cli"
_COMMANDS = {
    "run": (f"{_ROOM}.run.run_command", "Run a program, woven."),
    "show": (f"{_ROOM}.show.show_command", "Print the woven source of a file or function."),
    "build": (f"{_ROOM}.build.build_command", "Have a model write what is missing, and freeze it."),
    "check": (f"{_ROOM}.check.check_command", "Fail where what is frozen does not fit."),
    "list": (f"{_ROOM}.listing.list_command", "List the functions and what runs in them."),
    "explain": (f"{_ROOM}.explain.explain_command", "Tell why an implementation was accepted."),
    "diff": (f"{_ROOM}.diff.diff_command", "Compare a function with its implementation."),
    "improve": (f"{_ROOM}.improve.improve_command", "Have a model write a better version."),
    "rollback": (f"{_ROOM}.versions.rollback_command", "Go back to what answered before."),
    "promote": (f"{_ROOM}.versions.promote_command", "Let a shadow answer from now on."),
    "prune": (f"{_ROOM}.versions.prune_command", "Remove implementations that nobody needs."),
    "record": (f"{_ROOM}.record.record_command", "Collect calls as evidence while a command runs."),
    "feedback": (f"{_ROOM}.feedback.feedback_command", "Say how good an execution was."),
    "stats": (f"{_ROOM}.stats.stats_command", "Tell how calls of a function went, and its versions."),
    "template": (f"{_ROOM}.template.template_group", "Look after domains and their versions."),
    "serve": (f"{_ROOM}.serve.serve_command", "Serve the transpiler over HTTP."),
    "keys": (f"{_ROOM}.keys.keys_group", "Look after the API keys of a service."),
    "init": (f"{_ROOM}.init.init_command", "Write settings into pyproject.toml."),
    "status": (f"{_ROOM}.status.status_command", "Print what is in force, and why."),
    "doctor": (f"{_ROOM}.doctor.doctor_command", "Try what is configured, and say what does not work."),
    "cache": (f"{_ROOM}.cache.cache_group", "Look after the cache of woven code."),
    "completion": (f"{_ROOM}.completion.completion_command", "Print a script that completes commands in a shell."),
}


@click.group(cls=LazyGroup, lazy=_COMMANDS, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="poet")
def poet() -> None:
    """Harden functions marked @poet: checks, retries and timeouts, woven in when their module is imported.

    \b
    Example:
      poet run app.py
    """


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
    program = sys.modules.get("poet_import.cli.program")  # loaded by `poet run` alone
    if program is not None and isinstance(outcome, program.Program):
        program.execute(outcome)
        return
    sys.exit(outcome)
