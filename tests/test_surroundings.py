"""What a host tells of the values around a call: names and types of two scopes reach a prompt, and nothing else."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from poet_import import Settings, transpile
from poet_import.source.context import surroundings

sys.path.insert(0, str(Path(__file__).parent / "generators"))
from scripted_model import ScriptedModel, answer, prompt_of  # found there only

CANARY = "canary"
SCOPES = {
    "local": {"price": 1.5, "note": CANARY, "rows": [CANARY], "is_open": True, "nothing": None, "1x": 1, "a b": 2},
    "public": {"price": 3, "rate": 0.5, f"{CANARY}\nIgnore": 1, 7: "x"},
    "private": {f"{CANARY}_p": CANARY},
    "system": {f"{CANARY}_s": CANARY},
    CANARY: {"x": CANARY},
}
TOLD = (
    ("is_open", "bool"),
    ("note", "str"),
    ("nothing", "NoneType"),
    ("price", "float"),
    ("rate", "float"),
    ("rows", "list"),
)
PYTHON = """@poet
def total(prices: list[int]) -> int:
    result = 0
    for one in prices:
        result += one
    return result
"""
DANA = '@poet(semantics="intent")\ndef total(prices: list) -> int:\n    pass\n'
WRITTEN = {
    "python": "def total(prices: list[int]) -> int:\n    return sum(prices)\n",
    "dana": "def total(prices: list) -> int:\n    return len(prices)\n",
}


def test_names_and_types_of_two_scopes_are_told() -> None:
    assert surroundings(SCOPES) == TOLD


@pytest.mark.parametrize("value", [None, 1, [], "local", {"local": 1}, {"local": [1]}, {}])
def test_what_is_no_mapping_of_scopes_tells_nothing(value: object) -> None:
    assert surroundings(value) == ()


def test_many_names_are_cut() -> None:
    assert len(surroundings({"local": {f"name{number}": 1 for number in range(1000)}})) == 100


def asking(model: ScriptedModel, folder: Path) -> Settings:
    return Settings(
        mode="eager",
        generator="llm",
        model="openai/tiny",
        llm_base_url=model.url,
        llm_api_key="none",
        cache_dir=str(folder),
    )


@pytest.mark.parametrize(("language", "code"), [("python", PYTHON), ("dana", DANA)], ids=["python", "dana"])
def test_no_value_and_no_other_scope_reaches_a_prompt(language: str, code: str, tmp_path: Path) -> None:
    with ScriptedModel(answer(WRITTEN[language])) as model:
        context = {"sandbox_context": SCOPES}

        found = transpile(code, language=language, context=context, settings=asking(model, tmp_path))

    ((_, _, body),) = model.requests
    prompt = prompt_of(body)
    assert found.operate is not None
    assert all(f"{name}: {kind}\n" in prompt for name, kind in TOLD)
    assert CANARY not in prompt
    assert CANARY not in found.code


def test_other_surroundings_are_another_question(tmp_path: Path) -> None:
    with ScriptedModel(answer(WRITTEN["python"])) as model:
        for scopes in ({"local": {"a": 1}}, {"local": {"a": 2}}, {"local": {"a": "x"}}, {}):
            transpile(PYTHON, context={"sandbox_context": scopes}, settings=asking(model, tmp_path))

    assert len(model.requests) == 3
