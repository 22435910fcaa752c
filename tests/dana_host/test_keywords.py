"""Dana's further keywords become options where they mean something here; of the rest there is one warning."""

import warnings

import pytest

from poet_import import PoetWarning, poet
from poet_import.model import PoetOptions
from poet_import.source.options import read_options
from poet_import.templates import TemplateStore, template_roots
from poet_import.transpiler.weaving import weave_source

MAPPED = {
    "operate": ({"operate": {"retries": 2, "timeout": 3.0}}, PoetOptions(retries=2, timeout=3.0)),
    "operate-wins": ({"retries": 1, "operate": {"retries": 2}}, PoetOptions(retries=2)),
    "checks-that-happen-anyway": (
        {"perceive": {"input_validation": True}, "enforce": {"output_validation": True}},
        PoetOptions(),
    ),
    "objective": ({"train": {"optimize_for": "accuracy"}}, PoetOptions(optimize_for="accuracy")),
    "training": ({"optimize_for": "accuracy", "enable_training": True}, PoetOptions(optimize_for="accuracy")),
    "no-training": ({"optimize_for": "accuracy", "enable_training": False}, PoetOptions()),
    "nothing-asked-for": (
        {"debug": False, "performance_tracking": False, "train": None, "perceive": {}, "enforce": {"strict": False}},
        PoetOptions(),
    ),
}
IDLE = {
    "flags": ({"debug": True, "trace_phases": True}, "debug, trace_phases"),
    "monitoring": (
        {"enable_monitoring": True, "performance_tracking": True},
        "enable_monitoring, performance_tracking",
    ),
    "entries": (
        {"train": {"learning_rate": 0.1}, "enforce": {"compliance_check": "FCRA"}},
        r"enforce\['compliance_check'\], train\['learning_rate'\]",
    ),
    "a-check-that-cannot-be-left-out": ({"perceive": {"input_validation": False}}, r"perceive\['input_validation'\]"),
    "training-without-an-objective": ({"enable_training": True}, "enable_training"),
    "no-dict": ({"operate": True}, "operate"),
}


@pytest.mark.parametrize(("given", "options"), MAPPED.values(), ids=MAPPED)
def test_a_keyword_with_a_meaning_here_becomes_an_option(given: dict[str, object], options: PoetOptions) -> None:
    assert read_options(given, where="shop.py:1") == options


@pytest.mark.parametrize(("given", "named"), IDLE.values(), ids=IDLE)
def test_the_rest_gets_one_warning(given: dict[str, object], named: str) -> None:
    with pytest.warns(PoetWarning, match=f"^shop.py:1: @poet takes {named} from code written for Dana's") as warned:
        read_options(given, where="shop.py:1")

    assert len(warned) == 1


def test_a_keyword_of_neither_is_refused() -> None:
    with pytest.raises(TypeError, match=r"@poet has no option 'perceived' .*; it takes domain"):
        read_options({"perceived": {}}, where="shop.py:1")


def test_a_wrong_value_is_refused_as_our_own_would_be() -> None:
    with pytest.raises(ValueError, match="retries must be 0 or more, not -1"):
        read_options({"operate": {"retries": -1}}, where="shop.py:1")


@pytest.mark.parametrize(
    "decorator", ["@poet('base', operate={'retries': 2})", "@poet(domain='base', operate={'retries': 2})"]
)
def test_they_are_read_where_the_module_is_rewritten(decorator: str) -> None:
    text = f"from dana.frameworks.poet import poet\n{decorator}\ndef f(): return g()\n"
    (found,) = weave_source(text, "shop.py", store=TemplateStore(template_roots())).functions

    assert found.options == PoetOptions(domain="base", retries=2)
    assert not found.left_alone


@pytest.mark.parametrize(
    "decorator", ["@poet('base', 2)", "@poet('base', domain='base')", "@poet(3)", "@poet(operate=OPTIONS)"]
)
def test_what_the_source_does_not_tell_is_left_to_the_marker(decorator: str) -> None:
    text = f"from dana.frameworks.poet import poet\n{decorator}\ndef f(): return g()\n"
    (found,) = weave_source(text, "shop.py", store=TemplateStore(template_roots())).functions

    assert found.left_alone == "dynamic"


def test_the_marker_takes_a_domain_by_position_and_the_nones_of_dana() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for decorate in (poet("base"), poet(None, None, retries=2), poet("base", None, retries=2)):
            assert decorate(lambda x: x)(1) == 1


@pytest.mark.parametrize(
    ("given", "options", "message"),
    [
        pytest.param(("base", 2), {}, "takes the domain by position, and nothing else", id="another"),
        pytest.param(("base",), {"domain": "base"}, "got 'base' by position beside domain='base'", id="twice"),
        pytest.param((3, None), {}, "got 3 by position", id="no-domain"),
    ],
)
def test_anything_else_by_position_is_refused(
    given: tuple[object, ...], options: dict[str, object], message: str
) -> None:
    with pytest.raises(TypeError, match=message):
        poet(*given, **options)  # type: ignore[call-overload]  # what is refused
