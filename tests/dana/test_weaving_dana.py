"""What is woven into Dana, to the byte, and how little of it there is."""

from pathlib import Path

import pytest
from dana_programs import PROGRAMS, Program, notes, woven
from hypothesis import HealthCheck, given, settings
from programs_drawn import FUNCTIONS

from poet_import.dana.parsing import normalized, parse, token, walk
from poet_import.errors import PoetWarning, TranspileError

CASES = sorted(path.parent for path in (Path(__file__).parent.parent / "cases" / "dana").glob("*/before.na"))
STATEMENTS = frozenset(
    (
        *("assignment", "annotated", "augmented", "statement", "return_", "raise_", "assert_", "pass_", "break_"),
        *("continue_", "import_", "from_import", "new_agent", "function", "declared", "record", "interface", "agent"),
        *("if_", "while_", "for_", "try_", "with_"),
    )
)
TABLE = [pytest.param(one, id=one.name) for one in PROGRAMS]
FOR_CHECKS_ALONE = [one for one in TABLE if "domain" not in one.values[0].mark]
SHARED = ("__poet_checked", "__poet_warned", "__poet_warn_unless")


def statements(text: str) -> int:
    return sum(node.data in STATEMENTS for node in walk(parse(normalized(text))))


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case.name))
def test_woven_text_is_what_a_person_would_write(case: Path) -> None:
    assert woven((case / "before.na").read_text(encoding="utf-8")) == (case / "after.na").read_text(encoding="utf-8")


@pytest.mark.parametrize("program", TABLE)
def test_woven_text_is_dana(program: Program) -> None:
    assert parse(woven(program.marked))


@pytest.mark.parametrize("program", TABLE)
def test_comment_above_a_woven_function_marks_nothing(program: Program) -> None:
    once = woven(program.marked).replace("__poet_", "_woven_")  # names of ours are nobody else's

    assert "# @poet" in once
    assert woven(once) == once


def shared(text: str) -> dict[str, int]:
    """Return the functions that several woven ones share, each with the number of its statements."""
    functions = [node for node in walk(parse(text)) if node.data == "function" and token(node, "NAME") in SHARED]
    names = [str(token(node, "NAME")) for node in functions]
    assert len(set(names)) == len(names)
    return {
        name: sum(one.data in STATEMENTS for one in walk(node)) for name, node in zip(names, functions, strict=True)
    }


def added(before: str, after: str) -> int:
    """Return how many statements were added, those of shared functions apart."""
    return statements(after) - sum(shared(after).values()) - statements(before)


@pytest.mark.parametrize("program", FOR_CHECKS_ALONE)
def test_three_statements_at_most_are_added_for_checks_alone(program: Program) -> None:
    assert added(program.original, woven(program.marked)) <= 3


@pytest.mark.slow
@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(source=FUNCTIONS.filter(lambda source: source.startswith(("@poet\n", "@poet()\n", "@poet(on_violation"))))
def test_three_statements_at_most_are_added_to_any_function(source: str) -> None:
    try:
        text = woven(source)
    except TranspileError:
        return  # no Dana, or a mark where Dana has none

    assert added(source.partition("\n")[2], text) <= 3


def test_functions_of_a_source_share_what_checks_their_results() -> None:
    text = woven("\n".join(one.values[0].marked for one in FOR_CHECKS_ALONE))

    assert shared(text) == {"__poet_checked": 3, "__poet_warn_unless": 4, "__poet_warned": 3}
    assert [
        name for name in SHARED if text.index(f"{name}(") != text.index(f"sync def {name}(") + len("sync def ")
    ] == []


@pytest.mark.parametrize(
    ("source", "names"),
    [
        pytest.param('def f() -> str:\n    return "a"\n', [], id="sure result"),
        pytest.param("def f(x) -> str:\n    return x\n", ["__poet_warn_unless"], id="result"),
        pytest.param("def f(x: str):\n    return x\n", ["__poet_warn_unless"], id="argument"),
        pytest.param(
            "def f(x) -> str:\n    y = x\n", ["__poet_warn_unless", "__poet_warned"], id="result of a moved body"
        ),
    ],
)
def test_what_warns_is_written_where_it_is_called(source: str, names: list[str]) -> None:
    assert list(shared(woven(f'@poet(on_violation="warn")\n{source}'))) == names


def test_body_moves_only_where_no_call_can_take_the_place_of_a_result() -> None:
    moved = {one.values[0].name for one in FOR_CHECKS_ALONE if "__poet_operate_" in woven(one.values[0].marked)}

    assert moved == {one.name for one in PROGRAMS if {"implicit", "try", "finally"} & set(one.name.split())}


def test_shared_function_stands_above_the_comment_of_the_one_that_calls_it() -> None:
    text = woven("def f():\n    pass\n    # done\n# What\n# it is.\n@poet\ndef g(x) -> int:\n    y = x\n")

    assert "    # done\nsync def __poet_checked(" in text
    assert "    y = x\n\n# What\n# it is.\n# @poet\ndef g(" in text


def test_text_that_looks_like_a_comment_is_none() -> None:
    text = woven('"""\n# no comment"""\n@poet\ndef g(x) -> int:\n    y = x\n')

    assert text.startswith('"""\n# no comment"""\nsync def __poet_checked(')


def test_helpers_are_named_after_what_they_are_methods_of() -> None:
    source = "@poet\ndef (of: {}) f() -> int:\n    y = of\n"

    text = woven(
        "".join(source.format(hint) for hint in ("A", "list[int] | B", "A")) + "@poet\ndef A_f() -> int:\n    y = 1\n"
    )

    assert [line.partition("(")[0] for line in text.split("\n") if "__poet_operate" in line and "sync" in line] == [
        "sync def __poet_operate_A_f",
        "sync def __poet_operate_list_int_B_f",
        "sync def __poet_operate_A_f_2",
        "sync def __poet_operate_A_f_3",
    ]


@pytest.mark.parametrize(
    ("source", "note"),
    [
        pytest.param("@poet\ndef f(x: Foo) -> int:\n    return 1\n", "f: x: Foo cannot be checked in Dana, so it is not", id="hint"),
        pytest.param("@poet\ndef f() -> list[Foo | any]:\n    return 1\n", "f: its result: Foo cannot be checked in Dana, so it is not", id="items"),
        pytest.param("@poet\ndef f(x: str[int]):\n    return 1\n", None, id="brackets that mean nothing"),
        pytest.param("@poet\ndef f(x: float[int]):\n    return 1\n", "f: x: float[int] cannot be checked in Dana, so it is not", id="brackets of a number"),
        pytest.param("@poet(timeout=2)\ndef f():\n    return 1\n", "f: nothing in Dana stops a running function: its timeout of 2 s ends further attempts and refuses a result that comes late", id="timeout"),
        pytest.param('@poet(optimize_for="x")\ndef f():\n    return 1\n', "f: its events go to Python's logger poet.functions.f.execution as JSON: poet_import.feedback and poet_import.subscribe know nothing of them", id="events"),
        pytest.param("@poet\ndef f():\n    def g():\n        pass\n    return 1\n", "f: Dana drops the function g inside it (line 3) without a word", id="inner function"),
        pytest.param("@poet\ndef f():\n    local:y = 1\n    return 1\n", "f: Dana moves the assignment to local:y (line 3) out of the function", id="local"),
        pytest.param('@poet(on_violation="off")\ndef f(x: Foo):\n    return 1\n', None, id="nothing asked for"),
    ],
)  # fmt: skip
def test_what_dana_cannot_express_is_told(source: str, note: str | None) -> None:
    assert notes(source) == ([note] if note else [])


def refusal(source: str) -> tuple[int | None, int | None, str]:
    with pytest.raises(TranspileError) as caught:
        woven(source)
    assert caught.value.filename == "shop.na"
    return caught.value.line, caught.value.column, caught.value.message


@pytest.mark.parametrize(
    ("mark", "column", "message"),
    [
        pytest.param("@poet(retries=-1)", 1, "retries must be 0 or more, not -1", id="range"),
        pytest.param("@poet(retris=1)", 1, "@poet has no option 'retris' (did you mean 'retries'?)", id="name"),
        pytest.param("@poet(retries=1.5)", 1, "retries takes a whole number of extra attempts, not 1.5", id="type"),
        pytest.param("@poet(retries=n)", 15, "retries: must be written as a number, a text, True, False or None", id="literal"),
        pytest.param("@poet(retries=-n)", 15, "retries: must be written as", id="negated"),
        pytest.param('@poet(domain=f"{x}")', 14, "domain: must be written as", id="formatted"),
        pytest.param('@poet("base")', 7, "@poet takes keywords only, as @poet(retries=3)", id="position"),
        pytest.param("@poet(retries=1, retries=2)", 18, "@poet is given retries twice", id="twice"),
        pytest.param("@poet(retry_on=a.B)", 16, "retry_on: takes the name of an exception, or several in brackets", id="exception"),
        pytest.param("@poet(retry_on=())", 16, "retry_on: takes the name of an exception", id="no exception"),
    ],
)  # fmt: skip
def test_wrong_option_is_refused_with_its_place(mark: str, column: int, message: str) -> None:
    line, found, said = refusal(f"x = 1\n{mark}\ndef f():\n    return 1\n")

    assert (line, found) == (2, column)
    assert message in said


@pytest.mark.parametrize(
    ("source", "place", "message"),
    [
        pytest.param("def g():\n    @poet\n    def f():\n        pass\n", (2, 5), "Dana drops a function inside another one without a word: move it out", id="inside another"),
        pytest.param("struct A:\n    x: int\n    @poet\n    def f(self):\n        pass\n", (3, 5), "Dana makes no method of a function in such a block: move it out, as def (self: Name) …", id="in a struct"),
        pytest.param("@poet\n@poet\ndef f():\n    pass\n", (2, 1), "a function takes one @poet", id="two marks"),
        pytest.param("__poet_x = 1\n@poet\ndef f():\n    pass\n", (1, 1), "names that begin with __poet_ belong to woven code: rename __poet_x", id="reserved"),
        pytest.param("@poet\ndef f(:\n    pass\n", (2, 7), "unexpected ':': expected ')' or a name", id="syntax"),
    ],
)  # fmt: skip
def test_what_cannot_be_woven_is_refused_with_its_place(source: str, place: tuple[int, int], message: str) -> None:
    assert refusal(source) == (*place, message)


@pytest.mark.parametrize(
    ("above", "mark", "is_ours"),
    [
        pytest.param("", "poet", True, id="no import"),
        pytest.param("from poet_import.py import poet", "poet", True, id="ours"),
        pytest.param("from poet_import.py import poet as hardened", "hardened", True, id="alias"),
        pytest.param("from dana.frameworks.poet.py import poet", "poet", True, id="Dana's"),
        pytest.param("from opendxa.dana.poet.py import poet", "poet", True, id="Dana's older"),
        pytest.param("from poems.py import poet", "poet", False, id="somebody else's"),
        pytest.param("from .poems import poet", "poet", False, id="relative"),
        pytest.param("import poems.py as poet", "poet", False, id="a module"),
        pytest.param("def poet(f):\n    return f", "poet", False, id="a function"),
        pytest.param("from poet_import.py import feedback", "feedback", False, id="another name of ours"),
        pytest.param("", "other", False, id="another decorator"),
    ],
)
def test_marker_goes_by_the_name_that_the_source_gives_it(above: str, mark: str, *, is_ours: bool) -> None:
    text = woven(f"{above}\n@{mark}\ndef f(x: int):\n    return x\n")

    assert ("# perceive" in text) == is_ours


@pytest.mark.parametrize(
    ("source", "stays"),
    [
        pytest.param("from poet_import.py import poet\n", False, id="idle"),
        pytest.param("from poet_import.py import poet, feedback\n", True, id="with another name"),
        pytest.param("from poet_import.py import poet\nprint(poet)\n", True, id="read elsewhere"),
        pytest.param("from poems.py import ode\n", True, id="somebody else's"),
    ],
)
def test_import_that_served_marks_only_becomes_a_comment(source: str, *, stays: bool) -> None:
    text = woven(f"{source}@poet\ndef f(x: int):\n    return x\n")

    assert text.startswith("from") == stays
    assert f"# {source}".startswith(text.split("\n")[0]) != stays


def test_body_of_comments_alone_has_a_result_to_check() -> None:
    text = woven("@poet\ndef f() -> int:\n    # nothing yet\n")

    assert "sync def __poet_operate_f() -> int:\n    # nothing yet\n" in text
    assert 'return __poet_checked(__poet_operate_f(), ["int", "bool"], "f: its result must be int")' in text


def test_hint_over_several_lines_is_told_on_one() -> None:
    text = woven("@poet\ndef f(x: int\n      | None):\n    return x\n")

    assert 'f"f: x must be int | None, got {type(x)}"' in text


def test_struct_that_is_made_on_the_spot_needs_no_check() -> None:
    source = "struct A:\n    x: int\nagent_blueprint B:\n    y: int\n@poet\ndef f(x) -> A:\n    {}\n"

    assert "assert" not in woven(source.format("return A(x=x)"))
    assert "assert" in woven(source.format("return m.A(x=x)"))
    assert "assert" in woven(source.format("return B(y=x)"))


def test_checks_stand_above_a_first_statement_that_is_no_text() -> None:
    text = woven("@poet\ndef f(x: int):\n    print(x)\n    return x\n")

    assert text.index("# perceive") < text.index("print")


def test_function_without_anything_to_check_stays_but_for_its_mark() -> None:
    assert woven("@poet\ndef f(a, b=1):\n    return a\n") == "# @poet\ndef f(a, b=1):\n    return a\n"


def test_mark_on_the_line_of_its_function_gets_a_line_of_its_own() -> None:
    assert woven("@poet def f(a):\n    return a\n") == "# @poet\ndef f(a):\n    return a\n"


def test_options_of_every_kind_are_read() -> None:
    source = (
        "@poet(domain='base', retries=+2, timeout=.5, retry_on=[KeyError], optimize_for=null)\ndef f():\n    return 1\n"
    )

    text = woven(source)

    assert "range(3)" in text
    assert "monotonic() + 0.5" in text
    assert "not in __poet_listed" in text
    assert "# train" not in text


def test_retry_on_none_is_the_default() -> None:
    assert '"AssertionError"' in woven("@poet(retries=1, retry_on=None)\ndef f():\n    return 1\n")


def test_objective_that_is_no_text_trains_nothing_and_warns() -> None:
    with pytest.warns(PoetWarning, match="nothing is trained"):
        text = woven("@poet(optimize_for=3)\ndef f():\n    return 1\n")

    assert "# train" not in text
