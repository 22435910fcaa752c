"""The functions that woven ones share, in Dana's own interpreter: one for all files, each value evaluated once."""

import pytest
from dana_process import Dana
from dana_programs import TALLY, woven

pytestmark = pytest.mark.slow
BODIES = {
    "beside": "return tally.note(y)",
    "below": "if x > 1:\n        return 1 + 0 * x\n    else:\n        return tally.note(y)",
    "within": "if x > 1:\n        return 1 + 0 * x\n    return tally.note(y)",
    "around": "try:\n        return tally.note(y)\n    except:\n        return 7",
    "implicit": "tally.note(y)",
}
ASK = """
try:
    seen = ask({})
    print("answered", seen)
except as error:
    print("failed", error.message)
print("ran", tally.count())
"""


def outcome(dana: Dana, mark: str, body: str, hint: str, call: str) -> list[str]:
    source = f"import tally.py as tally\n{mark}\ndef ask(x: int, y: any) -> {hint}:\n    {body}\n"
    return dana.run(woven(source) + ASK.format(call), tally=TALLY).splitlines()


@pytest.mark.parametrize("hint", ["int", "list[int]"])
@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_refused_result_was_evaluated_once_and_is_one_error(dana: Dana, body: str, hint: str) -> None:
    said = outcome(dana, "@poet", body, hint, '1, "a"')

    assert said[0].startswith("failed")
    assert said[0].endswith(f"ask: its result must be {hint}, got str")
    assert said[-1] == "ran 1"


@pytest.mark.parametrize("hint", ["int", "list[int]"])
@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_warning_hands_the_result_on(dana: Dana, body: str, hint: str) -> None:
    said = outcome(dana, '@poet(on_violation="warn")', body, hint, 'false, "a"')

    assert [line for line in said if f"UserWarning: ask: its result must be {hint}, got str" in line]
    assert not [line for line in said if "x must be" in line]
    assert said[-2:] == ["answered a", "ran 1"]


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_warning_of_an_argument_lets_the_body_run(dana: Dana, body: str) -> None:
    said = outcome(dana, '@poet(on_violation="warn")', body, "int", "0.5, 3")

    assert [line for line in said if "UserWarning: ask: x must be int, got float" in line]
    assert said[-2:] == ["answered 3", "ran 1"]


@pytest.mark.parametrize(
    ("mark", "kind", "runs"),
    [
        pytest.param("@poet(retries=3, retry_on=ConnectionError)", "refused", 3, id="what is tried again"),
        pytest.param("@poet(retries=3, retry_on=ConnectionError)", "key", 1, id="what is not"),
    ],
)
def test_error_of_a_body_passes_the_check_of_its_result(dana: Dana, mark: str, kind: str, runs: int) -> None:
    inner = (
        f'@poet\ndef inner(n: int) -> int:\n    if n > 9:\n        return n * 1\n    return tally.fail(n, "{kind}")\n'
    )
    outer = f"{mark}\ndef outer(n: int) -> int:\n    return inner(n)\n"

    said = dana.run(
        woven(f"import tally.py as tally\n{inner}{outer}") + ASK.replace("ask", "outer").format(2), tally=TALLY
    )

    assert said.endswith(f"ran {runs}\n")


def test_refused_result_is_not_tried_again(dana: Dana) -> None:
    inner = '@poet\ndef inner(n: int) -> int:\n    if n > 9:\n        return n * 1\n    return tally.note("a")\n'
    outer = "@poet(retries=3)\ndef outer(n: int) -> int:\n    return inner(n)\n"

    said = dana.run(
        woven(f"import tally.py as tally\n{inner}{outer}") + ASK.replace("ask", "outer").format(2), tally=TALLY
    )

    assert "inner: its result must be int, got str" in said
    assert said.endswith("ran 1\n")


FILE = """struct {record}:
    x: int
@poet
def (of: {record}) named(other: any) -> {hint}:
    if of.x > 1:
        return other
    return of.x
@poet
def (of: {record}) tried(other: any) -> {hint}:
    try:
        return {tried}
    except:
        return of.x
"""


@pytest.mark.parametrize("imported", ["from shelf import Shelf", "import shelf"])
def test_files_of_a_program_do_not_disturb_each_other(dana: Dana, imported: str) -> None:
    shelf = woven(FILE.format(record="Shelf", hint="list[int]", tried="[other]"))
    made = "Shelf(x=2)" if "from" in imported else "shelf.Shelf(x=2)"
    calls = (
        f"book = Book(x=2)\nshelved = {made}\n"
        'print(book.named("a"), shelved.named([1]), book.tried("b"), shelved.tried(2))\n'
    )

    answer = dana.ask(
        "run",
        {
            "main.na": f"{imported}\n{woven(FILE.format(record='Book', hint='str', tried='other'))}{calls}",
            "shelf.na": shelf,
        },
    )

    assert (answer["printed"], answer["error"]) == ("a [1] b [2]\n", None)
