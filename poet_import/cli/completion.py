"""``poet completion``: scripts that complete commands and options in a shell."""

import click
from click.shell_completion import get_completion_class


@click.command("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion_command(context: click.Context, shell: str) -> None:
    """Print a script that completes ``poet`` in a shell.

    \b
    Examples:
      poet completion bash > ~/.local/share/bash-completion/completions/poet
      eval "$(poet completion zsh)"
    """
    kind = get_completion_class(shell)
    assert kind is not None  # click has all three
    click.echo(kind(context.find_root().command, {}, "poet", "_POET_COMPLETE").source())
