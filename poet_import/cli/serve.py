"""``poet serve``: the transpiler over HTTP."""

import asyncio
import os
import socket

import click

from poet_import.errors import PoetError
from poet_import.settings import Settings

_MISSING = "the service needs more packages; install them with: pip install 'poet-import[service]'"


@click.command("serve")
@click.option("--host", envvar="POET_HOST", default="127.0.0.1", show_default=True, show_envvar=True, help="Address.")
@click.option(
    "--port",
    envvar="POET_PORT",
    type=click.IntRange(0, 65535),
    default=8420,
    show_default=True,
    show_envvar=True,
    help="Port; 0 lets the system choose.",
)
@click.option(
    "--keys",
    "keys_file",
    envvar="POET_KEYS_FILE",
    metavar="FILE",
    show_envvar=True,
    help="API keys, as poet keys writes them.",
)
@click.option(
    "--rate",
    envvar="POET_RATE",
    type=click.IntRange(1),
    default=100,
    show_default=True,
    show_envvar=True,
    help="Requests a minute of a key that has no rate of its own.",
)
@click.option(
    "--workers",
    envvar="POET_WORKERS",
    type=click.IntRange(1, 256),
    default=os.cpu_count() or 1,
    show_default="processors",
    show_envvar=True,
    help="Processes that transpile.",
)
@click.option(
    "--metrics-port",
    envvar="POET_METRICS_PORT",
    type=click.IntRange(0, 65535),
    show_envvar=True,
    help="A port for metrics alone, without a key.",
)
@click.option(
    "--drain",
    "drain_seconds",
    envvar="POET_DRAIN_SECONDS",
    type=click.FloatRange(0, 300),
    default=5.0,
    show_default=True,
    show_envvar=True,
    help="Seconds of serving on after SIGTERM.",
)
@click.option(
    "--seconds",
    envvar="POET_REQUEST_SECONDS",
    type=click.FloatRange(1, 300),
    default=10.0,
    show_default=True,
    show_envvar=True,
    help="Seconds for an answer, the queue included.",
)
@click.option(
    "--body-seconds",
    envvar="POET_BODY_SECONDS",
    type=click.FloatRange(0.1, 60),
    default=10.0,
    show_default=True,
    show_envvar=True,
    help="Seconds for a request to arrive.",
)
@click.option(
    "--tracing",
    envvar="POET_TRACING",
    is_flag=True,
    show_envvar=True,
    help="Send spans to the collector that OTEL_* variables name.",
)
def serve_command(host: str, port: int, *, keys_file: str | None, metrics_port: int | None, **limits: float) -> None:
    """Serve POST /api/v1/transpile, and the templates behind it.

    On this machine alone it needs no keys. Where others can reach it, it does: see poet keys.

    \b
    Examples:
      poet serve
      poet serve --host 0.0.0.0 --keys keys.json --metrics-port 9090
    """
    try:
        from poet_import.cache.directory import data_directory  # with the extra: nobody else needs it
        from poet_import.service.application import create_service, keys_file_of
        from poet_import.service.configuration import ServiceSettings
        from poet_import.service.server import listen, serve
    except ModuleNotFoundError as error:
        raise click.ClickException(f"{_MISSING} ({error})") from error
    settings = Settings.read()
    configuration = ServiceSettings(
        settings,
        host=host,
        keys_file=keys_file_of(keys_file, data_directory(settings)),
        keys_text=os.environ.get("POET_KEYS"),
        redis_url=os.environ.get("POET_REDIS_URL") or None,
        **limits,  # type: ignore[arg-type]  # each is of the type that its option has
    )
    try:
        service = create_service(configuration)
        listening = listen(host, port)
        metrics = None if metrics_port is None else listen(host, metrics_port)
    except PoetError as error:
        raise click.ClickException(str(error)) from error
    except (OSError, socket.gaierror) as error:
        raise click.ClickException(f"cannot listen on {host}:{port} ({error.strerror}); name another --port") from error
    if configuration.keys_file is None and not configuration.keys_text:
        click.echo("no API keys: whoever can reach this address may use the service", err=True)
    asyncio.run(serve(service, configuration, listening, metrics=metrics))
