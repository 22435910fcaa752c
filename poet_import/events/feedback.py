"""What somebody says of an execution, at once or much later, in the same process or in another."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from hashlib import blake2b
from math import isfinite
from time import time_ns

from poet_import.events.event import Fact, Feedback
from poet_import.runtime import training

_ID = re.compile(r"(?P<function>.+):[0-9a-f]{12}-[0-9a-f]+", re.DOTALL)
_MOST_TEXT = 1000
_MOST_FACTS = 20
_FACTS = (str, int, float, bool, type(None))


def feedback(execution_id: str, value: Fact, **facts: Fact) -> str:
    """Say how good one execution of a function was, and return the id of that feedback.

    It is stored as the event ``function.feedback``, by a thread of ours; the end of the process waits for it. The same
    feedback given twice, from whatever process, has the same id, and counts once.

    Args:
        execution_id: What `last_execution_id` returned after the call, or a stored event names.
        value: The verdict: a number, a bool, or a text.
        facts: What else is known of it, as ``label="drift"``.

    Raises:
        TypeError: An argument is of another type than these.
        ValueError: The id is none, a number is not finite, or a text is longer than 1,000 characters.

    .. versionadded:: 0.1.0
    """
    event = feedback_of(execution_id, value, facts)
    if len(training.waiting) >= training.most_waiting:  # rare and dear: it waits for room, where a call would not
        training.flush()
    training.enqueue(event)
    return event.feedback_id


def feedback_of(execution_id: object, value: object, facts: Mapping[str, object]) -> Feedback:
    """Return the event of a feedback; the errors are those of `feedback`."""
    if execution_id is None:
        raise TypeError("feedback() got None for execution_id: no function with optimize_for has ended in this context")
    if not isinstance(execution_id, str):
        raise TypeError(f"feedback() takes the id of an execution, a text, not {execution_id!r}")
    found = _ID.fullmatch(execution_id)
    if found is None:
        raise ValueError(f"{execution_id!r} is no id of an execution; one looks like 'shop.price:0f3a9c01b2d4-1f'")
    if value is None:
        raise TypeError("feedback() takes a number, a bool or a text as value, not None")
    if len(facts) > _MOST_FACTS:
        raise ValueError(f"feedback() takes at most {_MOST_FACTS} facts, not {len(facts)}")
    checked = {name: _checked(name, fact) for name, fact in sorted(facts.items())}
    verdict = _checked("value", value)
    said = json.dumps([execution_id, verdict, checked])
    digest = blake2b(said.encode(), digest_size=8).hexdigest()
    return Feedback(found["function"], execution_id, digest, verdict, time_ns() // 1000 / 1e6, checked)


def _checked(name: str, fact: object) -> Fact:
    if not isinstance(fact, _FACTS):
        raise TypeError(f"feedback(): {name} takes a number, a bool or a text, not {type(fact).__name__}")
    if isinstance(fact, float) and not isfinite(fact):
        raise ValueError(f"feedback(): {name} takes a finite number, not {fact!r}")
    if isinstance(fact, str) and len(fact) > _MOST_TEXT:
        raise ValueError(f"feedback(): {name} has {len(fact)} characters; {_MOST_TEXT} are allowed")
    return fact
