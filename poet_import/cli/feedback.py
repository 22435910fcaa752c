"""``poet feedback``: say from a shell how good an execution was."""

import json

import click

from poet_import.events.event import Fact
from poet_import.events.feedback import feedback_of
from poet_import.events.outlets import events_directory
from poet_import.events.reading import stored_events
from poet_import.events.writer import losses
from poet_import.runtime import training
from poet_import.settings import in_force


@click.command("feedback", short_help="Say how good an execution was.")
@click.argument("execution_id")
@click.argument("value")
@click.option("--fact", "facts", multiple=True, metavar="NAME=VALUE", help="What else is known; may be repeated.")
def feedback_command(*, execution_id: str, value: str, facts: tuple[str, ...]) -> None:
    """Record VALUE as the verdict on the execution EXECUTION_ID, which stored events name.

    A value that is a JSON number, true or false is taken as that, anything else as a text. The same feedback given
    again changes nothing.

    \b
    Examples:
      poet feedback shop.price:0f3a9c01b2d4-1f true
      poet feedback shop.price:0f3a9c01b2d4-1f 0.8 --fact reviewer=ann
    """
    try:
        event = feedback_of(execution_id, _value(value), dict(map(_fact, facts)))
    except (TypeError, ValueError) as error:
        raise click.ClickException(str(error)) from error
    settings = in_force()
    stored = stored_events(events_directory(settings), "feedback", function=event.function)
    if "jsonl" in settings.events and any(getattr(one, "feedback_id", "") == event.feedback_id for one in stored):
        click.echo("recorded before; nothing changes")
        return
    if not settings.events:
        raise click.ClickException("events go nowhere; name a sink in POET_EVENTS")
    training.enqueue(event)
    if not training.flush() or losses():
        raise click.ClickException("the feedback could not be recorded everywhere")
    click.echo(f"recorded for {event.function}")


def _fact(text: str) -> tuple[str, Fact]:
    name, sign, value = text.partition("=")
    if not name or not sign:
        raise click.BadParameter(f"expected NAME=VALUE, not {text!r}", param_hint="--fact")
    return name, _value(value)


def _value(text: str) -> Fact:
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return value if isinstance(value, int | float | bool) else text
