"""What a model is asked: rendered from a domain's texts, with the user's code fenced as data."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from poet_import.errors import PoetWarning, TemplateError
from poet_import.model import Original, PoetOptions
from poet_import.templates import TemplateStore, template_roots
from poet_import.templates.prompts import render

SHIPPED = ("api_operations", "base", "ml_monitoring")
MODULE = '''import math
import os

LIMIT = 3


def _round(value: float, *, to: int = 2) -> float:
    return round(value, to)


def root(value: float) -> float:
    """Return it, as `````x`````."""
    return _round(math.sqrt(value)) + LIMIT
'''
SOURCE = MODULE[MODULE.index("def root") :]
ROOT = Original(SOURCE, "root", "root", module=MODULE)


def write_domain(root: Path, domain: str, text: str, addon: str | None = None, extends: str | None = None) -> None:
    folder = root / domain / "v1"
    folder.mkdir(parents=True)
    fields = {"schema": 1, "description": domain} | ({"extends": extends} if extends else {})
    (folder / "metadata.json").write_text(json.dumps(fields))
    (folder / "template.txt").write_text(text)
    if addon is not None:
        (folder / "train_addon.txt").write_text(addon)
    (root / domain / "current").write_text("v1")


def prompt(store: TemplateStore, domain: str, original: Original = ROOT, objective: str | None = None) -> str:
    return render(store.load(domain), original, PoetOptions(domain=domain, optimize_for=objective))


@pytest.fixture
def store(tmp_path: Path) -> TemplateStore:
    return TemplateStore(template_roots([tmp_path]), prompts=True)


@pytest.mark.parametrize("domain", SHIPPED)
def test_shipped_prompt_holds_the_function_what_it_uses_and_the_rules_of_the_gates(
    store: TemplateStore, domain: str
) -> None:
    text = prompt(store, domain)

    assert SOURCE.rstrip("\n") in text
    assert "import math" in text
    assert "import os" not in text
    assert "def _round(value: float, *, to: int=2) -> float" in text
    assert "return round(value, to)" not in text
    assert "`math`" in text
    assert "No decorators" in text
    assert "{" + "{" not in text


@pytest.mark.parametrize("domain", SHIPPED)
def test_objective_is_told_only_where_there_is_one(store: TemplateStore, domain: str) -> None:
    assert "# The objective" not in prompt(store, domain)
    assert "judged by: fewer false alarms" in prompt(store, domain, objective="fewer false alarms")


def test_fence_is_longer_than_any_row_of_backticks_in_the_function(store: TemplateStore) -> None:
    text = prompt(store, "base")

    assert text.count("\n" + "`" * 6) == 6  # three blocks: the function, its imports, its module's names


def test_braces_in_the_function_are_data(store: TemplateStore) -> None:
    source = 'def greet() -> str:\n    """{% raise %} {{ function_name }}"""\n    return "{{ 7 * 7 }}"\n'

    assert source in prompt(store, "base", Original(source, "greet", "greet"))


def test_domain_fills_the_frame_that_it_extends(store: TemplateStore, tmp_path: Path) -> None:
    frame = '{% extends "base/template.txt" %}{% block guidance %}Count in {{ domain }}.{% endblock %}'
    write_domain(tmp_path, "shop", frame, extends="base")

    text = prompt(store, "shop")
    assert "Count in shop." in text
    assert "# What you may improve" not in text
    assert "# What must stay" in text


def test_own_addon_goes_before_an_inherited_one(store: TemplateStore, tmp_path: Path) -> None:
    write_domain(tmp_path, "shop", "ask", addon="for {{ optimize_for }}", extends="base")

    assert prompt(store, "shop", objective="speed") == "ask\n\nfor speed\n"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param("{{ functon_name }}", "function_name", id="unknown-variable-names-the-known-ones"),
        pytest.param("{% if %}", ":1:", id="syntax"),
        pytest.param('{% extends "other/template.txt" %}', "its lineage has not", id="not-extended-by-its-metadata"),
        pytest.param('{% include "../base/template.txt" %}', "its lineage has not", id="path"),
        pytest.param("{{ ''.__class__.__mro__ }}", "cannot be rendered", id="way-out-of-the-sandbox"),
        pytest.param("{{ 1 / 0 }}", "cannot be rendered", id="arithmetic"),
        pytest.param("{{ domain * 1000000 }}", "at most 400,000", id="endless"),
    ],
)
def test_broken_text_is_a_broken_template(store: TemplateStore, tmp_path: Path, text: str, words: str) -> None:
    write_domain(tmp_path, "shop", text)

    with pytest.raises(TemplateError) as caught:
        store.load("shop")

    assert words in str(caught.value)


def test_broken_addon_is_found_before_anyone_has_an_objective(store: TemplateStore, tmp_path: Path) -> None:
    write_domain(tmp_path, "shop", "ask", addon="{{ nothing }}")

    with pytest.raises(TemplateError, match="nothing"):
        store.load("shop")


def test_text_that_is_not_utf_8_names_the_file(store: TemplateStore, tmp_path: Path) -> None:
    write_domain(tmp_path, "shop", "ask")
    (tmp_path / "shop" / "v1" / "template.txt").write_bytes(b"\xff")

    with pytest.raises(TemplateError, match=r"template\.txt.*UTF-8"):
        store.load("shop")


def test_broken_text_falls_back_to_base_with_a_warning(store: TemplateStore, tmp_path: Path) -> None:
    write_domain(tmp_path, "shop", "{{ nothing }}")

    with pytest.warns(PoetWarning, match="base is used instead"):
        template = store.find("shop")

    assert render(template, ROOT, PoetOptions(domain="shop")).startswith("You rewrite")


def test_text_counts_for_the_prompt_digest_alone(store: TemplateStore, tmp_path: Path) -> None:
    write_domain(tmp_path, "shop", "ask")
    before = store.load("shop")
    (tmp_path / "shop" / "v1" / "template.txt").write_text("ask again")

    after = store.load("shop")
    assert after.digest == before.digest
    assert after.prompt_digest != before.prompt_digest


@pytest.mark.parametrize("domain", SHIPPED)
def test_what_calls_have_shown_stands_in_a_fence_that_it_cannot_end(store: TemplateStore, domain: str) -> None:
    options = PoetOptions(domain=domain, optimize_for="fewer mistakes")
    seen = ("own: 3 calls", "own failed with ValueError: ``````")

    text = render(store.load(domain), ROOT, options, evidence=seen)
    assert f"\n{'`' * 7}text\n{seen[0]}\n{seen[1]}\n{'`' * 7}\n" in text
    assert "What calls have shown" not in render(store.load(domain), ROOT, options)
    assert "What calls have shown" not in render(store.load(domain), ROOT, PoetOptions(domain=domain), evidence=seen)


def test_function_of_which_only_the_intent_is_kept_may_give_other_results() -> None:
    template = TemplateStore(template_roots(), prompts=True).load("base")
    options = PoetOptions(optimize_for="accuracy")

    kept = render(template, ROOT, options)
    free = render(template, replace(ROOT, semantics="intent"), options)

    assert "For every call that succeeds today: the same result" in kept
    assert "a call that gives another result is not an improvement" in kept
    assert "For every call that succeeds today" not in free
    assert "a call that gives another result" not in free
    assert "Its author lets it give other results" in free
