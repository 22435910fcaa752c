"""A group that loads a command when it is called: `poet --help` names them all and loads none."""

from collections.abc import Mapping
from importlib import import_module

import click


class LazyGroup(click.Group):
    """Commands by name, each with the module that holds it and a line for the group's help."""

    def __init__(self, *, lazy: Mapping[str, tuple[str, str]], **attributes: object) -> None:
        """Take the commands.

        Args:
            lazy: For each name the dotted path of the command and its line.
            **attributes: As `click.Group` takes them.
        """
        super().__init__(**attributes)  # type: ignore[arg-type]  # click's own
        self._lazy = lazy

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order of the help."""
        return [*self._lazy, *super().list_commands(ctx)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command, loaded now if it was not yet."""
        if cmd_name not in self.commands and cmd_name in self._lazy:
            module, _, name = self._lazy[cmd_name][0].rpartition(".")
            self.add_command(getattr(import_module(module), name), cmd_name)
        return super().get_command(ctx, cmd_name)

    def format_commands(self, _: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the lines of the commands."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in self._lazy.items()])
