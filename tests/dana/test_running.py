"""What is woven runs in Dana's own interpreter, agrees with what was written, and refuses what it must."""

from typing import Any

import pytest
from dana_process import Dana
from dana_programs import PROGRAMS, TALLY, Program, woven
from hypothesis import HealthCheck, assume, given, settings
from programs_drawn import FUNCTIONS

from poet_import.dana.discovery import read_dana
from poet_import.dana.grafting import graft
from poet_import.dana.judging import judge
from poet_import.dana.weaving import weave
from poet_import.errors import TranspileError
from poet_import.templates import store_over

pytestmark = pytest.mark.slow
TABLE = [pytest.param(one, id=one.name) for one in PROGRAMS]


def calls(expressions: tuple[str, ...]) -> str:
    return "".join(f"print({expression})\n" for expression in expressions)


RESULT = ["target", ["Identifier", ["name", "'__poet_result'"]]]
HELPER = "'__poet_operate_"
SHARED = ("'__poet_checked'", "'__poet_warned'", "'__poet_warn_unless'")
BODIES = ("body", "else_body")


def unwoven(statements: list[Any]) -> list[Any]:
    """Return the statements of a tree without those that were woven; no function of the table has an assert."""
    kept: list[Any] = []
    helper: Any = None
    for statement in statements:
        kind, *fields = statement
        parts = dict(fields)
        name = parts["name"][1][1] if kind == "FunctionDefinition" else ""
        if name in SHARED:
            continue
        if name.startswith(HELPER):
            helper = parts["body"]
        elif kind == "FunctionDefinition":
            body = helper or unwoven(parts["body"])
            kept.append([kind, *([field, body if field == "body" else value] for field, value in fields)])
            helper = None
        elif value := returned(statement):
            kept.append(["ReturnStatement", ["value", value]])
        elif "body" in parts and "'__poet_" not in str([value for field, value in fields if field not in BODIES]):
            kept.append([kind, *([field, inside(field, value)] for field, value in fields)])
        elif kind != "AssertStatement" and "'__poet_" not in str(statement):
            kept.append(statement)
    return kept


def returned(statement: list[Any]) -> Any:
    """Return what a statement that was woven would have returned, None for any other statement."""
    kind, *fields = statement
    if kind == "Assignment" and fields[0] == RESULT:
        return dict(fields)["value"]
    value = dict(fields)["value"] if kind == "ReturnStatement" else ""
    name, *arguments = dict(value[1:]).values() if value[:1] == ["FunctionCall"] else [""]
    return dict(arguments[0])["'__positional'"][0] if name in SHARED else None


def bare(tree: Any) -> Any:
    """Return a tree with values in the place of the statements that return them: the last one may be either."""
    if isinstance(tree, list):
        return bare(tree[1][1]) if tree[:1] == ["ReturnStatement"] else [bare(part) for part in tree]
    return tree


def inside(field: str, value: Any) -> Any:
    return unwoven(value) if field in BODIES else value


@pytest.mark.parametrize("program", TABLE)
def test_woven_text_parses_to_the_same_tree_outside_what_was_woven(dana: Dana, program: Program) -> None:
    before, after = dana.parse(program.original, woven(program.marked))

    assert after["accepted"]
    assert bare(unwoven(after["statements"])) == bare(before["statements"])


@pytest.mark.parametrize("program", TABLE)
def test_woven_function_agrees_on_good_input(dana: Dana, program: Program) -> None:
    expected = dana.run(program.original + calls(program.good))

    assert "failed" not in expected
    assert dana.run(woven(program.marked) + calls(program.good)) == expected


@pytest.mark.parametrize("program", [one for one in TABLE if one.values[0].refused])
def test_woven_function_refuses_wrong_input(dana: Dana, program: Program) -> None:
    tries = "".join(
        f"try:\n    seen = {expression}\n    print('answered', seen)\nexcept as error:\n    print(error.message)\nprint('----')\n"
        for expression, _ in program.refused
    )

    said = dana.run(woven(program.marked) + tries, tally=TALLY).split("----\n")

    for told, (_, part) in zip(said, program.refused, strict=False):
        assert part in told
        assert "answered" not in told


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(source=FUNCTIONS)
def test_whatever_is_woven_is_dana(dana: Dana, source: str) -> None:
    (before,) = dana.parse(source)
    assume(before["accepted"])
    try:
        text = woven(source)
    except TranspileError:
        return  # a mark where Dana has none
    (after,) = dana.parse(text)

    assert after["accepted"], after["error"]


def test_woven_function_is_a_stage_of_a_pipeline(dana: Dana) -> None:
    source = "def inc(x: int) -> int:\n    return x + 1\n@poet\ndef twice(x: int) -> int:\n    return x * 2\ndef both(x: int) = inc | twice\n"

    assert dana.run(f"{woven(source)}print(both(3))\n") == "8\n"


WRITTEN = """def _rest(text, word):
    return text.replace(word, "").strip()
def cut(text: str, word: str) -> dict:
    found = word in text
    rest = _rest(text, word) if found else text
    return {"found": found, "rest": f"{rest}!"}
"""


def test_generated_function_runs(dana: Dana) -> None:
    source = '@poet\ndef cut(text: str, word: str) -> dict:\n    return {"found": False, "rest": ""}\n'
    program = read_dana(source, "shop.na")
    (found,) = program.functions
    verdict = judge(WRITTEN, found, program)
    assert verdict.implementation is not None

    text = weave(graft(program, {found: verdict.implementation}), store_over(())).text

    assert dana.run(f'{text}print(cut("a big cat", "big"))\n') == "{'found': True, 'rest': 'a  cat!'}\n"
