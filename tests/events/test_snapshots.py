"""Values as texts: short, without secrets, and without running any code of the user's."""

import ast
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poet_import.runtime.snapshots import given as arguments
from poet_import.runtime.snapshots import message_of, shown


class Loud:
    """Says so where anything of it is called."""

    def __repr__(self) -> str:
        raise AssertionError

    __str__ = __repr__

    def __len__(self) -> int:
        raise AssertionError


LITERALS = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(max_size=20)
    | st.binary(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4) | st.tuples(inner, inner) | st.dictionaries(st.integers(), inner, max_size=4)
    ),
    max_leaves=10,
)


@given(LITERALS)
def test_text_of_a_short_literal_is_that_literal(value: object) -> None:
    text = shown(value)

    if "…" not in text and "<" not in text and "inf" not in text:
        assert ast.literal_eval(text) == value


@pytest.mark.parametrize(
    ("value", "text"),
    [
        pytest.param((1,), "(1,)", id="one-tuple"),
        pytest.param((), "()", id="empty-tuple"),
        pytest.param({}, "{}", id="empty-dict"),
        pytest.param(set(), "set()", id="empty-set"),
        pytest.param(frozenset({1}), "frozenset({1})", id="frozen-set"),
        pytest.param({1}, "{1}", id="set"),
        pytest.param("x" * 300, f"'{'x' * 200}'…", id="long-text"),
        pytest.param(b"x" * 300, f"b'{'x' * 200}'…", id="long-bytes"),
        pytest.param(1 << 5000, "<int of 5001 bits>", id="large-number"),
        pytest.param([0] * 21, f"[{', '.join('0' * 20)}…]", id="many-items"),
        pytest.param([[[[[[1]]]]]], "[[[[[…]]]]]", id="deep"),
        pytest.param(Loud(), "<test_snapshots.Loud>", id="object"),
        pytest.param([Loud], "[<builtins.type>]", id="class"),
        pytest.param({"password": 1, "X-Api-Key": 2, "n": 3}, None, id="secrets"),
        pytest.param(float("nan"), "nan", id="nan"),
    ],
)
def test_value_is_shown_as(value: object, text: str | None) -> None:
    assert shown(value) == (text or "{'password': <redacted>, 'X-Api-Key': <redacted>, 'n': 3}")


def test_arguments_have_a_bound_in_all() -> None:
    texts = arguments(**{f"n{number}": ["y" * 150] * 20 for number in range(50)})

    assert len(texts) == 50
    assert sum(map(len, texts.values())) < 3000


@pytest.mark.parametrize(
    ("name", "is_hidden"),
    [
        ("password", True),
        ("db_passwd", True),
        ("AuthToken", True),
        ("apiKey", True),
        ("api_key", True),
        ("private_key", True),
        ("cookies", True),
        ("key", False),
        ("sku", False),
        ("passenger", False),
    ],
)
def test_argument_is_hidden_by_its_name(name: str, *, is_hidden: bool) -> None:
    assert (arguments(**{name: 1})[name] == "<redacted>") is is_hidden


def test_message_is_cut_and_holds_no_secret_variable() -> None:
    message = message_of(ValueError("hunter2 " + "x" * 600), {"password": "hunter2", "pin": "1", "token": "a"})

    assert message == "<redacted> " + "x" * (500 - len("<redacted> ")) + "…"


def test_message_that_cannot_be_had_is_said_so() -> None:
    class OddError(Exception):
        def __str__(self) -> str:
            raise OSError

    assert message_of(OddError(), {}) == "<its text cannot be had>"


def test_containers_that_other_threads_change_are_shown_all_the_same() -> None:
    changing: dict[int, int] = {}
    is_over = threading.Event()

    def change() -> None:
        while not is_over.is_set():
            changing.update(dict.fromkeys(range(100), 0))
            changing.clear()

    thread = threading.Thread(target=change)
    thread.start()
    texts = [shown(changing) for _ in range(2000)]
    is_over.set()
    thread.join()

    assert all(text.startswith("{") and text.endswith("}") for text in texts)
