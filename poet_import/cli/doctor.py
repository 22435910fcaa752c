"""``poet doctor``: what is configured and from where, and whether it works."""

import asyncio
import json
import os
import sys
import tempfile
import warnings
from dataclasses import asdict, dataclass

import click

from poet_import.cache.directory import cache_directory
from poet_import.cli.cache import NO_BYTECODE, NO_SAFE_CACHE
from poet_import.errors import GeneratorError, TemplateError
from poet_import.settings import Settings
from poet_import.templates import TemplateStore, template_roots

_LONGEST = 20.0  # seconds for the question to the model


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    what: str
    works: bool | None  # None where nothing is configured, or where it is no fault
    found: str


@click.command("doctor", short_help="Try what is configured, and say what does not work.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object, for programs.")
def doctor_command(*, as_json: bool) -> int:
    """Tell what is configured and from where, and try it: the model, the jail, the cache and the templates.

    A configured model is asked one small question. The exit status is 1 if something configured does not work.

    \b
    Examples:
      poet doctor
      POET_MODEL=ollama/qwen2.5-coder poet doctor --json
    """
    settings = Settings.read()
    findings = [*_model(settings), _jail(settings), _cache(settings), *_templates(settings)]
    if as_json:
        click.echo(json.dumps({"findings": [asdict(finding) for finding in findings]}, indent=2))
    else:
        click.echo("\n".join(map(_line, findings)))
    return int(any(finding.works is False for finding in findings))


def _line(finding: Finding) -> str:
    mark = {True: "ok  ", False: "FAIL", None: "-   "}[finding.works]
    return f"{mark}  {finding.what:12} {finding.found}"


def _model(settings: Settings) -> list[Finding]:
    """Look at the generator: where it is, and whether it answers."""
    mode = f"{settings.mode} (from {settings.sources['mode']})"
    if not settings.generates:
        return [Finding("mode", None, mode), Finding("model", None, "none is asked: nothing leaves this machine")]
    if settings.generator == "remote":
        return [Finding("mode", None, mode), *_service(settings)]
    from poet_import.generators.checking import check  # the HTTP library comes with it
    from poet_import.generators.endpoints import resolve_endpoint

    try:
        endpoint = resolve_endpoint(
            settings.model, settings.llm_base_url, settings.llm_api_key, plain_http=settings.plain_http
        )
    except (GeneratorError, ValueError) as error:
        return [Finding("mode", None, mode), Finding("model", False, str(error))]
    origins = dict(endpoint.origins)
    described = [
        Finding("mode", None, mode),
        Finding("model", None, f"{endpoint.provider}/{endpoint.model}, in the dialect of {endpoint.dialect}"),
        Finding("address", None, f"{endpoint.url.partition('?')[0]} (from {origins['url']})"),
        Finding("key", None, f"{'****' if endpoint.key else 'none'} (from {origins['key']})"),
    ]
    checked = asyncio.run(check(endpoint, seconds=min(_LONGEST, max(1.0, settings.generation_timeout))))
    if checked.error:
        return [*described, Finding("answer", False, checked.error)]
    return [*described, Finding("answer", True, f"after {checked.seconds:.1f} s, as {checked.rung}")]


def _service(settings: Settings) -> list[Finding]:
    """Look at the HTTP service: where it is, and whether it answers."""
    from poet_import.generators.checking import check_service  # the HTTP library comes with it
    from poet_import.generators.endpoints import resolve_service

    try:
        endpoint = resolve_service(settings.service_url, settings.service_key, plain_http=settings.plain_http)
    except (GeneratorError, ValueError) as error:
        return [Finding("service", False, str(error))]
    described = [
        Finding("service", None, f"{endpoint.url} (from {settings.sources['service_url']})"),
        Finding("key", None, f"{'****' if endpoint.key else 'none'} (from {settings.sources['service_key']})"),
    ]
    checked = asyncio.run(check_service(endpoint, seconds=min(_LONGEST, max(1.0, settings.generation_timeout))))
    found = checked.error or f"after {checked.seconds:.1f} s"
    return [*described, Finding("answer", not checked.error, found)]


def _jail(settings: Settings) -> Finding:
    """Look at the jail; without one, what a model writes is refused unless it is proven."""
    from poet_import.validation import jail  # loads the gates

    held = ", ".join(jail.layers())
    if not jail.is_available():  # pragma: no cover  (another system; where the tests run, there is one)
        works = False if settings.generates else None
        return Finding("jail", works, f"{held or 'no layer'}: nothing can be tried here")
    return Finding("jail", True, held)


def _cache(settings: Settings) -> Finding:
    directory = cache_directory(settings)
    if directory is None:
        return (
            Finding("cache", None, NO_BYTECODE) if sys.dont_write_bytecode else Finding("cache", False, NO_SAFE_CACHE)
        )
    try:
        with tempfile.TemporaryFile(dir=directory):
            return Finding("cache", True, f"{directory} (from {settings.sources['cache_dir']})")
    except OSError as error:  # pragma: no cover  (a directory of ours that is full, or on a disk that is read-only)
        return Finding("cache", False, f"{directory} cannot be written to ({error.strerror})")


def _templates(settings: Settings) -> list[Finding]:
    """Look at every domain of every root."""
    roots = template_roots(settings.templates)
    store = TemplateStore(roots, prompts=True)
    findings = [
        Finding("templates", os.path.isdir(root), f"{root}{'' if os.path.isdir(root) else ' is no folder'}")
        for root in roots
    ]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for domain in store.domains():
            try:
                template = store.load(domain)
                language = " (Dana)" if template.language == "dana" else ""
                findings.append(Finding("domain", True, f"{domain}/{template.version}{language}"))
            except TemplateError as error:
                findings.append(Finding("domain", False, f"{domain}: {error}"))
    return findings
