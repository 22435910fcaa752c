"""``poet status``: what is in force here, and where each setting came from."""

import json

import click

import poet_import
from poet_import.settings import Settings


@click.command("status", short_help="Print what is in force, and why.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object, for programs.")
def status_command(*, as_json: bool) -> None:
    """Print whether the hook is active, the cache directory, and each setting with its source.

    \b
    Examples:
      poet status
      POET_STRICT=1 poet status --json
    """
    status = poet_import.status()
    if as_json:
        click.echo(json.dumps(_as_dict(status), indent=2))
        return
    click.echo(status)
    click.echo()
    click.echo(_settings_table(status.settings))


def _as_dict(status: poet_import.Status) -> dict[str, object]:
    settings = status.settings
    return {
        "active": status.active,
        "cache_dir": status.cache_dir,
        "settings": {
            field: {"value": value, "source": settings.sources[field]} for field, value in settings.shown().items()
        },
    }


def _settings_table(settings: Settings) -> str:
    rows = [(field, _as_text(value), settings.sources[field]) for field, value in settings.shown().items()]
    widths = [max(len(row[column]) for row in rows) for column in (0, 1)]
    return "\n".join(f"{field:{widths[0]}}  {value:{widths[1]}}  from {source}" for field, value, source in rows)


def _as_text(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        return ", ".join(map(str, value)) or "-"
    return "-" if value is None else str(value)
