"""A Dana source is transpiled by way of a service: what that answers is judged, woven and kept here."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from answering_service import answering
from running import RunningService

from poet_import import PoetFallbackWarning, Settings, transpile
from poet_import.model import Transpiled

sys.path.insert(0, str(Path(__file__).parents[1] / "generators"))
from scripted_model import ScriptedModel, answer, asked_for, prompt_of  # found there only

Start = Callable[..., RunningService]
SHOP = """import math.py as math
struct Basket:
    prices: list

@poet(retries=1, optimize_for="it's fast")
def (self: Basket) total(rate: float) -> float:
    \"\"\"Return what all of it costs.\"\"\"
    return 0.0

print("open")
"""
HEAD = 'def (self: Basket) total(rate: float) -> float:\n    """Return what all of it costs."""\n'
BETTER = f"def _sum(prices):\n    return sum(prices)\n\n{HEAD}    return _sum([1, 2]) * rate\n"
PYTHON = "@poet\ndef area(side: float) -> float:\n    return side * side\n"


@pytest.fixture
def model() -> Iterator[ScriptedModel]:
    with ScriptedModel(answer(BETTER)) as running:
        yield running


def by_model(model: ScriptedModel) -> dict[str, str]:
    return {"POET_MODEL": "openai/tiny", "POET_LLM_BASE_URL": model.url, "POET_LLM_API_KEY": "none"}


def by_service(url: str, source: str, cache: Path, language: str = "dana") -> Transpiled:
    settings = Settings(mode="eager", generator="remote", service_url=url, cache_dir=str(cache))
    return transpile(source, language=language, settings=settings)


def test_method_is_written_by_the_service_and_woven_and_kept_here(
    start: Start, model: ScriptedModel, tmp_path: Path
) -> None:
    service = start(**by_model(model))

    first = by_service(service.url, SHOP, tmp_path / "here")
    service.stop()
    second = by_service(service.url, SHOP, tmp_path / "here")

    assert second == first
    assert (first.operate, first.metadata["source"]) == (BETTER, "model")
    assert first.metadata["model"] == f"{service.url.removeprefix('http://')}, openai/tiny"
    assert "\ndef _sum(prices):\n    return sum(prices)\n" in first.code
    assert (
        '# @poet(retries=1, optimize_for="it\'s fast")\ndef (self: Basket) total(rate: float) -> float:' in first.code
    )
    assert first.code.count("# perceive") == 1
    assert first.code.endswith('print("open")\n')
    ((_, _, body),) = model.requests
    assert asked_for(body) == "total"
    assert "```dana\nimport math.py as math\nstruct Basket:\n    prices: list\n```" in prompt_of(body)
    assert 'print("open")' not in prompt_of(body)


def test_service_without_the_extra_is_a_fallback_and_still_writes_python(
    start: Start, model: ScriptedModel, tmp_path: Path
) -> None:
    (tmp_path / "sitecustomize.py").write_text("import sys\nsys.modules['lark'] = None\n")  # as where it is missing
    service = start(PYTHONPATH=str(tmp_path), **by_model(model))
    model.script(answer("def area(side: float) -> float:\n    squared = side * side\n    return squared\n"))

    with pytest.warns(PoetFallbackWarning, match="501 Not Implemented: Dana is not transpiled here: .* the extra dana"):
        dana = by_service(service.url, SHOP, tmp_path / "here")
    python = by_service(service.url, PYTHON, tmp_path / "here", "python")

    assert (dana.metadata["source"], dana.operate) == ("fallback", None)
    assert python.metadata["source"] == "model"


def test_service_without_a_model_says_so(open_service: RunningService, tmp_path: Path) -> None:
    with pytest.warns(PoetFallbackWarning, match="the service has no model, so it has no better body than your own"):
        found = by_service(open_service.url, SHOP, tmp_path)

    assert found.metadata["source"] == "fallback"


def test_service_whose_model_was_refused_tells_why(start: Start, model: ScriptedModel, tmp_path: Path) -> None:
    service = start(**by_model(model))
    model.script(answer(f"{HEAD}    return reason('all')\n"))

    with pytest.warns(PoetFallbackWarning, match="the service kept your own body: each of its 3 answers was refused"):
        found = by_service(service.url, SHOP, tmp_path / "here")

    assert found.metadata["source"] == "fallback"
    assert len(model.requests) == 3


@pytest.mark.parametrize(
    ("operate", "refusal"),
    [
        pytest.param("def total(:\n", "syntax, rule syntax", id="syntax"),
        pytest.param(BETTER.replace("rate: float", "rate"), "structure, rule signature", id="structure"),
        pytest.param(f"{HEAD}    return use('mcp')\n", "security, rule name", id="security"),
        pytest.param(f'{HEAD}    return "free"\n', "semantics, rule stub", id="semantics"),
    ],
)
def test_what_a_service_answers_is_judged_here(operate: str, refusal: str, tmp_path: Path) -> None:
    told = f"what the service answered was refused here by {refusal}"
    implementation = {"code": operate, "language": "dana", "operate_code": operate}
    served = answering({"poet_implementation": implementation, "metadata": {"source": "model", "model": "m"}})
    with served as (url, _), pytest.warns(PoetFallbackWarning, match=told):
        found = by_service(url, SHOP, tmp_path)

    assert (found.metadata["source"], found.operate) == ("fallback", None)
