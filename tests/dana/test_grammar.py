"""Our grammar takes what Dana's parser takes and refuses what that refuses, and says where and why."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from dana_process import Dana
from grammar_rows import ACCEPTED, REFUSED
from hypothesis import HealthCheck, given, settings
from programs_drawn import FORMATTED, variations

from poet_import.dana.parsing import normalized, parse
from poet_import.errors import TranspileError


def is_accepted(text: str) -> bool:
    try:
        parse(normalized(text))
    except TranspileError:
        return False
    return True


def rows(texts: tuple[str, ...]) -> list[object]:
    return [pytest.param(text, id=f"{number} {text.strip()[:30]!r}") for number, text in enumerate(texts)]


@pytest.mark.parametrize("text", rows(ACCEPTED))
def test_dana_is_accepted(text: str) -> None:
    assert is_accepted(text)


@pytest.mark.parametrize("text", rows(REFUSED))
def test_what_is_no_dana_is_refused(text: str) -> None:
    assert not is_accepted(text)


@pytest.mark.slow
def test_danas_own_parser_says_the_same_of_each_row(dana: Dana) -> None:
    answers = dana.parse(*ACCEPTED, *REFUSED)

    wrong = [text for text, answer in zip(ACCEPTED, answers, strict=False) if not answer["accepted"]]
    wrong += [text for text, answer in zip(REFUSED, answers[len(ACCEPTED) :], strict=True) if answer["accepted"]]
    assert wrong == []


@pytest.mark.slow
def test_danas_own_parser_says_the_same_of_every_source_in_its_package(dana: Dana) -> None:
    sources = dana.ask("packaged", None)
    answers = dana.parse(*sources.values())

    assert len(sources) > 100
    assert [
        name
        for (name, text), answer in zip(sources.items(), answers, strict=True)
        if is_accepted(text) != answer["accepted"]
    ] == []


@pytest.mark.slow
@settings(max_examples=1000, deadline=None, suppress_health_check=list(HealthCheck))
@given(text=variations())
def test_danas_own_parser_says_the_same_of_variations(dana: Dana, text: str) -> None:
    (answer,) = dana.parse(text)

    assert is_accepted(text) == answer["accepted"], answer.get("error")


@pytest.mark.slow
@settings(max_examples=1000, deadline=None, suppress_health_check=list(HealthCheck))
@given(text=FORMATTED)
def test_danas_own_parser_says_the_same_of_formatted_strings(dana: Dana, text: str) -> None:
    (answer,) = dana.parse(text)

    assert is_accepted(text) == answer["accepted"], answer.get("error")


def test_formatted_string_that_never_ends_is_refused_soon() -> None:
    begun = time.perf_counter()

    refused = [is_accepted(f'x = f"{piece * 20_000}\n') for piece in ("{", "{a}", "{\\\n", "{{\\\n}", "{\\{")]

    assert refused == [False] * 5
    assert time.perf_counter() - begun < 10


@pytest.mark.parametrize(
    ("text", "line", "column", "message"),
    [
        pytest.param("x = \n", 1, 5, "unexpected the end of the line: expected a value", id="value"),
        pytest.param("if x:\npass\n", 2, 1, "unexpected 'pass': expected an indented block", id="block"),
        pytest.param("def f(x)\n    return 1\n", 1, 9, "unexpected the end of the line: expected '->' or ':' or '='", id="colon"),
        pytest.param("x = 1;\n", 1, 6, "unexpected character ';': expected an operator or the end of the line", id="character"),
        pytest.param("f(", 1, 3, "unexpected the end of the source: expected a value or ')'", id="end"),
        pytest.param("", 1, 1, "unexpected the end of the source: expected a statement", id="nothing"),
        pytest.param("x = [1 2]\n", 1, 8, "unexpected '2': expected an operator or ',' or ']'", id="operator"),
        pytest.param("for x y:\n    z\n", 1, 7, "unexpected 'y': expected ',' or 'in'", id="word"),
        pytest.param("import\n", 1, 7, "unexpected the end of the line: expected a name", id="name"),
        pytest.param("f() = 1\n", 1, 1, "nothing can be assigned to this: expected a name, an attribute or an item", id="target"),
        pytest.param('x = f"{a"\n', 1, 5, "a brace of this string is never closed: expected '}'", id="brace"),
        pytest.param("if x:\n    if y:\n        z\n      w\n", 4, 7, "this line's indentation is that of no block around it", id="indentation"),
        pytest.param("try:\n    x\ny\n", 3, 1, "unexpected 'y': expected 'except'", id="except"),
        pytest.param("struct A:\n    x: int\n    f()\n", 3, 6, "unexpected '(': expected ':'", id="field"),
        pytest.param("agent A(B):\n    \"\"\"a\"\"\"\n    pass\n", 3, 5, "unexpected 'pass': expected a name or the end of the block", id="end of block"),
    ],
)  # fmt: skip
def test_error_tells_where_and_what_was_expected(text: str, line: int, column: int, message: str) -> None:
    with pytest.raises(TranspileError) as caught:
        parse(normalized(text))

    assert (caught.value.line, caught.value.column, caught.value.message) == (line, column, message)


@pytest.mark.parametrize("text", ["\ufeffx = 1\n", "x = 1\r\ny = 2\r\n", "x = 1"])
def test_byte_order_marks_and_line_ends_do_not_matter(text: str) -> None:
    assert is_accepted(text)


def test_threads_may_read_at_once() -> None:
    texts = [f"if x:\n{'    ' * depth}f(\n1)\n" for depth in range(1, 20)] * 10

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(is_accepted, texts))


def test_deep_nesting_is_read_without_recursion() -> None:
    assert is_accepted(f"x = {'(' * 5000}1{')' * 5000}\n")
