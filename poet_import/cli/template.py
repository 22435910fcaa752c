"""``poet template``: domains, their versions, and which one is current."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import click

from poet_import.cache.template_digest import find_root
from poet_import.errors import TemplateError
from poet_import.model import Language
from poet_import.settings import Settings
from poet_import.templates import TemplateStore, template_roots
from poet_import.templates.versions import begin_version, current_of, language_of, use_version, versions_of

_LANGUAGES: Final[dict[Language, str]] = {"python": "", "dana": " (Dana)"}  # what is said of each; Python is the rule


@click.group("template")
def template_group() -> None:
    """Look after domains: folders of templates, in versions.

    \b
    Example:
      poet template list
    """


@template_group.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object, for programs.")
def list_command(*, as_json: bool) -> None:
    """List the domains, the language that each is written for, its versions and the current one, and where it is.

    \b
    Examples:
      poet template list
      poet template list --json
    """
    roots, store = _roots_and_store()
    rows: list[dict[str, str | list[str] | None]] = []
    for domain in store.domains():
        folder = Path(find_root(roots, domain) or "", domain)
        versions, current = versions_of(folder), current_of(folder)
        language = language_of(folder)
        rows.append(
            {"domain": domain, "language": language, "current": current, "versions": versions, "folder": str(folder)}
        )
    if as_json:
        click.echo(json.dumps({"domains": rows}, indent=2))
        return
    width = max(len(str(row["domain"])) for row in rows)
    for row in rows:
        known = _listed(row["versions"] or ())
        language = str(row["language"] or "unknown")
        click.echo(f"{row['domain']!s:{width}}  {language:7}  {row['current'] or 'none'} of {known}  {row['folder']}")


@template_group.command("show")
@click.argument("domain")
def show_command(domain: str) -> None:
    """Print the current metadata and prompt of a domain, as they are written.

    \b
    Example:
      poet template show api_operations
    """
    folder = _folder_of(domain)
    for name in ("metadata.json", "template.txt", "train_addon.txt"):
        path = folder / (current_of(folder) or "") / name
        if path.is_file():
            click.echo(f"# {path}\n{path.read_text(encoding='utf-8')}")


@template_group.command("validate")
@click.argument("domains", nargs=-1)
def validate_command(domains: tuple[str, ...]) -> int:
    """Read and render domains, all if none is named; exit with 1 if one is broken.

    \b
    Examples:
      poet template validate
      poet template validate payments
    """
    _, store = _roots_and_store()
    broken = 0
    for domain in domains or store.domains():
        try:
            template = store.load(domain)
            click.echo(f"ok    {domain}/{template.version}{_LANGUAGES[template.language]}")
        except TemplateError as error:
            broken += 1
            click.echo(f"FAIL  {domain}: {error}")
    return int(broken > 0)


@template_group.command("new")
@click.argument("domain")
@click.option("--root", metavar="FOLDER", help="Where; the first folder of the setting templates if not given.")
@click.option("--language", type=click.Choice(tuple(_LANGUAGES)), help="Of the functions that it asks a model for.")
def new_command(domain: str, *, root: str | None, language: Language | None) -> None:
    """Begin a domain that extends base (or dana), or the next version of one that is there, as a copy.

    \b
    Examples:
      poet template new payments --root domains
      poet template new sensors --root domains --language dana
      poet template new payments
    """
    settings = Settings.read()
    place = root or next(iter(settings.templates), None)
    if place is None:
        raise click.ClickException("no folder for domains is set; give --root FOLDER, and name it in POET_TEMPLATES")
    if not _is_name(domain):
        raise click.ClickException(f"{domain!r} is no name for a domain; write it as [a-z][a-z0-9_]*")
    folder = Path(place, domain)
    if language and versions_of(folder) and language_of(folder) != language:
        raise click.ClickException(
            f"{domain} is there in {language_of(folder)}; its next version begins as a copy of it"
        )
    version = begin_version(folder, language or "python")
    click.echo(f"wrote {folder / version}; edit it, then: poet template validate {domain}")
    if version != "v1":
        click.echo(f"{domain} still uses {current_of(folder)}; then: poet template use {domain} {version}")


@template_group.command("use")
@click.argument("domain")
@click.argument("version")
def use_command(domain: str, version: str) -> None:
    """Let a version of a domain be the current one; this is the way back, too.

    \b
    Example:
      poet template use payments v1
    """
    folder = _folder_of(domain)
    if version not in versions_of(folder):
        raise click.ClickException(f"{domain} has no version {version}; it has {_listed(versions_of(folder))}")
    before = current_of(folder)
    use_version(folder, version)
    click.echo(f"{domain}: {version} is current, {before} was")


def _roots_and_store() -> tuple[tuple[str, ...], TemplateStore]:
    roots = template_roots(Settings.read().templates)
    return tuple(map(str, roots)), TemplateStore(roots, prompts=True)


def _folder_of(domain: str) -> Path:
    roots, store = _roots_and_store()
    root = find_root(roots, domain) if _is_name(domain) else None
    if root is None:
        raise click.ClickException(f"no domain {domain}; there are {_listed(store.domains())}")
    return Path(root, domain)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names) or "none"


def _is_name(domain: str) -> bool:
    return domain.isidentifier() and domain.isascii() and domain == domain.lower() and len(domain) <= 64
