"""What a service and a model are asked in the language of the function."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from asking import CODE, Make, request
from scripted_model import ScriptedModel, answer

from poet_import.generators.remote import question_of
from poet_import.model import Original, PoetOptions, Refusal, Violation

MOVE = Original(
    "def (self: Point) move(step: int) -> int:\n    pass\n",
    "move",
    "move",
    language="dana",
    beside=("import math.py as math", "struct Point:\n    x: int", "from a import b"),
)


def test_service_is_asked_for_a_dana_function_below_its_types() -> None:
    asked = replace(request(), original=MOVE, options=PoetOptions(domain="sensors", optimize_for='it\'s "fast"'))

    assert question_of(asked) == {
        "function_code": "struct Point:\n    x: int\n"
        "@poet(domain='sensors', optimize_for='it\\'s \"fast\"', semantics='preserve')\n"
        "def (self: Point) move(step: int) -> int:\n    pass\n",
        "language": "dana",
        "context": {"imports": ["import math.py as math", "from a import b"]},
    }


def test_refused_answer_is_shown_as_what_it_is(make: Make, model: ScriptedModel) -> None:
    model.script(answer(CODE))
    refusal = Refusal("x = 1\n", (Violation("structure", "module-level", 1, "only functions may stand here"),))
    original = Original(CODE, "area", "area", language="dana")

    asked = replace(request(2.0, refusal), original=original)
    asyncio.run(make().generate(asked, observe=lambda _: None))

    ((_, _, body),) = model.requests
    assert body["messages"][1]["content"] == "```dana\nx = 1\n```"
