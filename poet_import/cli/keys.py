"""``poet keys``: the API keys of a service."""

import json
import os
from collections.abc import Mapping
from datetime import UTC, datetime

import click

from poet_import.cache.directory import data_directory
from poet_import.service.keys import SCOPES, Key, KeysError, new_key, read_keys, revoked, write_keys
from poet_import.settings import Settings

_FILE = click.option(
    "--file",
    "path",
    envvar="POET_KEYS_FILE",
    metavar="FILE",
    show_envvar=True,
    help="Where they are kept; the user's data directory if not given.",
)


@click.group("keys")
def keys_group() -> None:
    """Look after the API keys of a service.

    \b
    Example:
      poet keys create laptop --scope transpile
    """


@keys_group.command("create")
@click.argument("name")
@click.option("--scope", "scopes", multiple=True, required=True, type=click.Choice(SCOPES), help="What it may do.")
@click.option("--rate", type=click.IntRange(1), help="Requests a minute; the service's own rate if not given.")
@click.option("--expires", type=click.DateTime(["%Y-%m-%d"]), help="The first day on which it does not hold, in UTC.")
@_FILE
def create_command(
    name: str, scopes: tuple[str, ...], *, rate: int | None, expires: datetime | None, path: str | None
) -> None:
    """Make a key and print it: nobody can tell it later.

    \b
    Examples:
      poet keys create laptop --scope transpile
      poet keys create ci --scope transpile --rate 600 --expires 2027-01-01
    """
    place = _place(path)
    keys = _read(place)
    if any(key.name == name and not key.revoked for key in keys.values()):
        raise click.ClickException(f"{place} has a key {name!r} already; revoke it first, or take another name")
    until = expires.replace(tzinfo=UTC) if expires else None
    key, text = new_key(name, dict.fromkeys(scopes), rate=rate, expires=until)
    _write(place, {**keys, key.id: key})
    click.echo(text)
    click.echo(f"kept in {place} as a digest; nobody can tell it again", err=True)


@keys_group.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object, for programs.")
@_FILE
def list_command(*, as_json: bool, path: str | None) -> None:
    """List the keys: what is told of each is never the key.

    \b
    Example:
      poet keys list
    """
    keys = _read(_place(path))
    now = datetime.now(UTC)
    rows = [
        {
            "id": key.id,
            "name": key.name,
            "state": "revoked" if key.revoked else "valid" if key.is_valid(now) else "expired",
            "scopes": list(key.scopes),
            "rate": key.rate,
            "expires": key.expires,
        }
        for key in keys.values()
    ]
    if as_json:
        click.echo(json.dumps({"keys": rows}, indent=2))
        return
    for key in rows:
        until = f", until {key['expires']}" if key["expires"] else ""
        rate = f", {key['rate']} a minute" if key["rate"] else ""
        click.echo(f"{key['id']}  {key['state']}  {key['name']}: {', '.join(key['scopes'])}{rate}{until}")  # type: ignore[arg-type]  # a list of texts
    if not rows:
        click.echo("no keys")


@keys_group.command("revoke")
@click.argument("name")
@_FILE
def revoke_command(name: str, *, path: str | None) -> None:
    """Let a key, named by its name or id, hold no more; a running service sees it within seconds.

    \b
    Example:
      poet keys revoke laptop
    """
    place = _place(path)
    keys = _read(place)
    found = [key for key in keys.values() if name in (key.id, key.name) and not key.revoked]
    if not found:
        known = ", ".join(sorted({key.name for key in keys.values() if not key.revoked})) or "none"
        raise click.ClickException(f"{place} has no valid key {name!r}; it has {known}")
    _write(place, revoked(keys, name))
    click.echo(f"revoked {', '.join(f'{key.id} ({key.name})' for key in found)}")


def _place(path: str | None) -> str:
    return path or os.path.join(data_directory(Settings.read()), "keys.json")


def _read(place: str) -> dict[str, Key]:
    if not os.path.exists(place):
        return {}
    try:
        return read_keys(place)
    except KeysError as error:
        raise click.ClickException(str(error)) from error


def _write(place: str, keys: Mapping[str, Key]) -> None:
    try:
        write_keys(place, keys.values())
    except KeysError as error:
        raise click.ClickException(str(error)) from error
