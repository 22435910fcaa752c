"""``poet init``: the settings of a project, written with a comment for each."""

import os
import sys
import tomllib

import click

_TABLE = """\
[tool.poet-import]
# Which bodies run: "offline" (yours, never the network), "eager" (a model is asked at import), "background" (yours now,
# the model's in the next process), "frozen" (only what is committed in .poet). Default: offline; with a model, eager.
{mode}
# The language model, as provider/model. Its key comes from the environment, never from this file.
{model}
# Folders of further domains, from this file's folder on.
{templates}
# Seconds that one import waits for a model.
# generation_timeout = 10
"""


@click.command("init")
@click.option("--model", metavar="PROVIDER/MODEL", help="The language model; none if not given.")
@click.option("--mode", type=click.Choice(["offline", "eager", "background", "frozen"]), help="Which bodies run.")
@click.option("--templates", metavar="FOLDER", help="A folder of further domains.")
def init_command(*, model: str | None, mode: str | None, templates: str | None) -> None:
    """Write [tool.poet-import] into pyproject.toml, with a comment for each setting.

    A pyproject.toml that is there keeps all that it has. On a terminal, the model is asked for.

    \b
    Examples:
      poet init
      poet init --model ollama/qwen2.5-coder --mode background
    """
    content = _read()
    if model is None and sys.stdin.isatty() and sys.stdout.isatty():
        model = (
            click.prompt("language model, as provider/model (empty for none)", default="", show_default=False) or None
        )
    table = _TABLE.format(
        mode=_line("mode", mode, "offline"),
        model=_line("model", model, "ollama/qwen2.5-coder"),
        templates=_templates(templates),
    )
    gap = "" if not content or content.endswith("\n\n") else "\n" if content.endswith("\n") else "\n\n"
    with open("pyproject.toml", "a", encoding="utf-8", newline="") as file:
        file.write(gap + table)
    click.echo(f"wrote [tool.poet-import] into {os.path.abspath('pyproject.toml')}; poet doctor tries it")


def _line(name: str, value: str | None, example: str) -> str:
    return f"{name} = {_quoted(value)}" if value else f"# {name} = {_quoted(example)}"


def _templates(folder: str | None) -> str:
    return f"templates = [{_quoted(folder)}]" if folder else '# templates = ["domains"]'


def _quoted(value: str) -> str:
    """Return a text as TOML writes it."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _read() -> str:
    """Return what pyproject.toml holds.

    Raises:
        click.ClickException: It holds our table already, or is no TOML.
    """
    try:
        with open("pyproject.toml", encoding="utf-8", newline="") as file:
            content = file.read()
    except FileNotFoundError:
        return ""
    except (OSError, ValueError) as error:
        raise click.ClickException(f"pyproject.toml cannot be read ({error})") from error
    try:
        tools = tomllib.loads(content.replace("\r\n", "\n")).get("tool", {})
    except tomllib.TOMLDecodeError as error:
        raise click.ClickException(f"pyproject.toml is no valid TOML ({error}); mend it first") from error
    if "poet-import" in tools:
        raise click.ClickException("pyproject.toml has [tool.poet-import] already; edit it there")
    return content
