"""Templates that are written for Dana: which functions are asked with them, and what a domain may extend."""

from __future__ import annotations

import json
import sys
import warnings
from pathlib import Path

import pytest

from poet_import import PoetFallbackWarning, Settings, transpile
from poet_import.errors import PoetWarning, TemplateError
from poet_import.model import Original, PoetOptions
from poet_import.templates import TemplateStore, template_roots
from poet_import.templates.prompts import render

sys.path.insert(0, str(Path(__file__).parent / "generators"))
from scripted_model import ScriptedModel, answer, prompt_of  # found there only

TOTAL = Original(
    "def total(prices: list) -> int:\n    pass\n",
    "total",
    "total",
    surroundings=(("rate", "float"),),
    language="dana",
    beside=("import math.py as math", "struct Item:\n    price: int"),
)
FRAME = '{% extends "dana/template.txt" %}{% block guidance %}Count in {{ domain }}.\n{% endblock %}'
CHECKS = [{"phase": "perceive", "match": "prices", "rule": "non_empty"}]


def write_domain(root: Path, domain: str, text: str = FRAME, addon: str | None = None, **fields: object) -> Path:
    folder = root / domain / "v1"
    folder.mkdir(parents=True)
    metadata = {"schema": 1, "description": f"It is {domain}.", "language": "dana", **fields}
    (folder / "metadata.json").write_text(json.dumps(metadata))
    (folder / "template.txt").write_text(text)
    if addon is not None:
        (folder / "train_addon.txt").write_text(addon)
    (root / domain / "current").write_text("v1\n")
    return folder


def store_over(root: Path, *, prompts: bool = True) -> TemplateStore:
    return TemplateStore(template_roots([root]), prompts=prompts, language="dana")


def prompt(root: Path, domain: str | None = None, objective: str | None = None) -> str:
    options = PoetOptions(domain=domain, optimize_for=objective)
    return render(store_over(root).find(domain), TOTAL, options)


def test_shipped_prompt_holds_the_function_and_what_stands_beside_it(tmp_path: Path) -> None:
    text = prompt(tmp_path)

    assert text.startswith("You rewrite one function in Dana so that")
    assert "The function is `total`, its domain `base`: Any function" in text
    assert "```dana\ndef total(prices: list) -> int:\n    pass\n```\n" in text
    assert "```dana\nimport math.py as math\nstruct Item:\n    price: int\n```\n" in text
    assert "```\nrate: float\n```\n" in text
    assert "{" + "{" not in text


@pytest.mark.parametrize(
    ("semantics", "asked", "other"),
    [
        pytest.param("preserve", "Keep every statement as it is", "lets it give other results", id="preserve"),
        pytest.param("intent", "lets it give other results", "Keep every statement as it is", id="intent"),
    ],
)
def test_what_must_stay_depends_on_the_semantics(tmp_path: Path, semantics: str, asked: str, other: str) -> None:
    original = Original(TOTAL.source, "total", "total", semantics=semantics, language="dana")  # type: ignore[arg-type]  # as parametrized

    text = render(store_over(tmp_path).find(None), original, PoetOptions())

    assert asked in text
    assert other not in text
    assert "These stand beside it" not in text


def test_domain_for_dana_is_asked_with_its_own_text(tmp_path: Path) -> None:
    write_domain(tmp_path, "sensors", checks=CHECKS)

    text = prompt(tmp_path, "sensors")

    assert "its domain `sensors`: It is sensors." in text
    assert "Count in sensors." in text
    assert "- `prices`: non empty" in text
    assert text.startswith("You rewrite one function in Dana")


def test_domain_for_python_gives_what_it_declares_and_dana_the_text(tmp_path: Path) -> None:
    write_domain(tmp_path, "payments", "Python's alone", language="python", checks=CHECKS, imports=["decimal"])

    template = store_over(tmp_path).find("payments")
    text = prompt(tmp_path, "payments")

    assert (template.domain, template.language, len(template.checks)) == ("payments", "dana", 1)
    assert "its domain `payments`: It is payments." in text
    assert "- `prices`: non empty" in text
    assert "Python's alone" not in text


def test_own_dana_in_a_root_of_the_users_asks_for_all(tmp_path: Path) -> None:
    write_domain(tmp_path, "dana", "Ask for {{ function_name }} of {{ domain }}.")

    assert prompt(tmp_path) == "Ask for total of base.\n"
    assert prompt(tmp_path, "api_operations") == "Ask for total of api_operations.\n"


def test_addon_is_appended_only_where_there_is_an_objective(tmp_path: Path) -> None:
    write_domain(tmp_path, "sensors", addon="For {{ optimize_for }}.")

    assert prompt(tmp_path, "sensors", "speed").endswith("\nFor speed.\n")
    assert "For speed" not in prompt(tmp_path, "sensors")
    assert "```text\nspeed\n```\n" in prompt(tmp_path, objective="speed")
    assert "# The objective" not in prompt(tmp_path)


def test_objective_cannot_end_its_fence(tmp_path: Path) -> None:
    assert "\n`````text\na\n````\nb\n`````\n" in prompt(tmp_path, objective="a\n````\nb")


def test_domain_for_dana_may_extend_one_for_python_without_its_text(tmp_path: Path) -> None:
    write_domain(tmp_path, "payments", "Python's alone", "for it", language="python", checks=CHECKS)
    write_domain(tmp_path, "sensors", extends="payments")

    template = store_over(tmp_path).load("sensors")

    assert template.lineage == ("sensors", "payments")
    assert len(template.checks) == 1
    assert [name for name, _ in template.texts] == ["sensors/template.txt", "dana/template.txt", "dana/train_addon.txt"]


def test_domain_for_python_cannot_extend_one_for_dana(tmp_path: Path) -> None:
    folder = write_domain(tmp_path, "payments", language="python", extends="dana")

    with pytest.raises(TemplateError, match="extends: 'dana' is written for Dana, which a domain for Python") as caught:
        store_over(tmp_path).load("payments")

    assert caught.value.filename == str(folder / "metadata.json")


@pytest.mark.parametrize("prompts", [False, True])
def test_python_function_that_names_a_domain_for_dana_gets_base_and_a_warning(tmp_path: Path, *, prompts: bool) -> None:
    write_domain(tmp_path, "sensors", checks=CHECKS)
    store = TemplateStore(template_roots([tmp_path]), prompts=prompts)

    with pytest.warns(PoetWarning, match="this is written for Dana, .*; base is used instead") as caught:
        template = store.find("sensors")

    assert (template.domain, template.checks) == ("base", ())
    assert len(caught) == 1
    assert str(tmp_path / "sensors" / "v1" / "metadata.json") in str(caught[0].message)
    assert "sensors" in template.lineage


@pytest.mark.parametrize("domain", [None, "base", "api_operations", "ml_monitoring", "dana"])
def test_dana_function_may_name_every_domain(tmp_path: Path, domain: str | None) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        template = store_over(tmp_path).find(domain)

    assert (template.domain, template.language) == (domain or "base", "dana")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param("{{ functon_name }}", "function_name", id="unknown name"),
        pytest.param("{% if %}", "mend the template there", id="syntax"),
        pytest.param("{{ ''.__class__.__mro__ }}", "cannot be rendered", id="sandbox"),
        pytest.param('{% extends "base/template.txt" %}', "its lineage has not", id="frame of Python"),
        pytest.param("{{ 'a' * 500000 }}", "at most 400,000", id="long"),
    ],
)
def test_broken_text_falls_back_to_base_and_the_text_of_dana(tmp_path: Path, text: str, words: str) -> None:
    write_domain(tmp_path, "sensors", text, checks=CHECKS)
    store = store_over(tmp_path)

    with pytest.warns(PoetWarning, match=rf"{words}.*; base is used instead"):
        template = store.find("sensors")

    assert (template.domain, template.checks) == ("base", ())
    assert render(template, TOTAL, PoetOptions()).startswith("You rewrite one function in Dana")


def test_broken_dana_of_a_user_gives_way_to_the_shipped_one(tmp_path: Path) -> None:
    write_domain(tmp_path, "dana", "{{ nothing }}")

    with pytest.warns(
        PoetWarning, match="'nothing' is undefined.*; the dana of a later root, or an empty one, is used"
    ):
        text = prompt(tmp_path, "api_operations")

    assert text.startswith("You rewrite one function in Dana")


def test_without_any_dana_nothing_can_be_asked(tmp_path: Path) -> None:
    write_domain(tmp_path, "base", language="python")
    store = TemplateStore([tmp_path], language="dana")
    with pytest.warns(PoetWarning, match="unknown domain 'dana'"):
        template = store.find(None)

    with pytest.raises(TemplateError, match=r"the domain 'base' has no template\.txt"):
        render(template, TOTAL, PoetOptions())


@pytest.mark.parametrize(("domain", "language"), [("base", "dana"), ("dana", "python")])
def test_what_others_build_on_stays_in_its_language(tmp_path: Path, domain: str, language: str) -> None:
    write_domain(tmp_path, domain, language=language)

    with pytest.raises(TemplateError, match=f"in the domain of the name {domain}, found"):
        store_over(tmp_path, prompts=False).load(domain)


def test_digest_of_the_texts_changes_with_those_that_ask_in_dana_alone(tmp_path: Path) -> None:
    python = write_domain(tmp_path, "payments", "Python's alone", language="python")
    dana = write_domain(tmp_path, "dana", "Ask.")
    shop = write_domain(tmp_path, "sensors")

    def digests() -> list[str]:
        store = store_over(tmp_path, prompts=False)
        return [store.find(name).prompt_digest for name in ("payments", "sensors")]

    first = digests()
    (python / "template.txt").write_text("Python's, again")
    second = digests()
    (shop / "template.txt").write_text("Mine.")
    third = digests()
    (dana / "template.txt").write_text("Ask again.")
    fourth = digests()

    assert second == first
    assert (third[0] == second[0], third[1] == second[1]) == (True, False)
    assert (fourth[0] == third[0], fourth[1] == third[1]) == (False, False)


def test_model_is_asked_with_the_domain_of_a_users_own_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_domain(tmp_path / "domains", "sensors", FRAME)
    source = '@poet(domain="sensors")\ndef celsius(kelvin: float) -> float:\n    return kelvin - 273.15\n'
    with ScriptedModel(answer(source.partition("\n")[2])) as model:
        for name, value in {
            "POET_MODEL": "openai/tiny",
            "POET_LLM_BASE_URL": model.url,
            "POET_LLM_API_KEY": "none",
            "POET_CACHE_DIR": str(tmp_path / "cache"),
            "POET_TEMPLATES": str(tmp_path / "domains"),
        }.items():
            monkeypatch.setenv(name, value)

        done = transpile(source, language="dana", settings=Settings.read())

    ((_, _, body),) = model.requests
    assert "Count in sensors." in prompt_of(body)
    assert "kelvin - 273.15" in prompt_of(body)
    assert done.metadata["source"] == "model"


def test_text_that_cannot_be_rendered_for_a_function_is_a_fallback(tmp_path: Path) -> None:
    write_domain(tmp_path, "sensors", "{% if function_name == 'celsius' %}{{ 1 / 0 }}{% endif %}")
    source = '@poet(domain="sensors")\ndef celsius(kelvin: float) -> float:\n    return kelvin - 273.15\n'
    settings = Settings(
        mode="eager",
        generator="llm",
        model="openai/tiny",
        llm_base_url="http://127.0.0.1:9/v1",
        llm_api_key="none",
        cache_dir=str(tmp_path / "cache"),
        templates=(str(tmp_path),),
    )

    with pytest.warns(PoetFallbackWarning, match=r"sensors/template\.txt: cannot be rendered \(division by zero\)"):
        done = transpile(source, language="dana", settings=settings)

    assert done.metadata["source"] == "fallback"
