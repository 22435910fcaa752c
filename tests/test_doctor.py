"""``poet doctor`` tries what is configured and masks keys; ``poet cache`` counts implementations."""

import json
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from poet_import.cache.implementations import ImplementationCache
from poet_import.cli import poet
from poet_import.validation import jail

sys.path.insert(0, str(Path(__file__).parent / "generators"))
from scripted_model import ScriptedModel, answer, hang, status, without_structure  # found there only

Doctor = Callable[..., Result]
PING = "def ping():\n    return 'pong'\n"
CANARY = "canary-90ab"


@pytest.fixture(autouse=True)
def _place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in [name for name in os.environ if name.startswith(("POET_", "OPENAI", "ANTHROPIC", "OLLAMA"))]:
        monkeypatch.delenv(variable)
    monkeypatch.setenv("POET_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def model() -> Iterator[ScriptedModel]:
    with ScriptedModel(answer(PING)) as running:
        yield running


@pytest.fixture
def doctor(monkeypatch: pytest.MonkeyPatch) -> Doctor:
    def call(*arguments: str, **variables: str) -> Result:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        result = CliRunner().invoke(poet, ["doctor", *arguments], standalone_mode=False)
        assert result.exception is None
        return result

    return call


def with_model(model: ScriptedModel, name: str = "openai/tiny") -> dict[str, str]:
    return {
        "POET_MODE": "eager",
        "POET_MODEL": name,
        "POET_LLM_BASE_URL": model.url,
        "POET_LLM_API_KEY": CANARY,
        "POET_GENERATION_TIMEOUT": "1",
    }


def test_nothing_configured_is_no_fault(doctor: Doctor, tmp_path: Path) -> None:
    result = doctor()

    assert result.return_value == 0
    assert "none is asked: nothing leaves this machine" in result.stdout
    assert str(tmp_path / "cache") in result.stdout
    assert "ml_monitoring/v1" in result.stdout


@pytest.mark.skipif(not jail.is_available(), reason="no jail on this system")
@pytest.mark.parametrize("name", ["openai/tiny", "anthropic/tiny"])
def test_model_that_answers_is_told_with_its_kind_of_output(doctor: Doctor, model: ScriptedModel, name: str) -> None:
    result = doctor(**with_model(model, name))

    assert result.return_value == 0
    assert "as json_schema" in result.stdout
    assert "**** (from POET_LLM_API_KEY)" in result.stdout
    assert CANARY not in result.output


def test_kind_of_output_that_an_endpoint_knows_is_found(doctor: Doctor, model: ScriptedModel) -> None:
    model.script(without_structure(PING))

    assert "as text" in doctor(**with_model(model)).stdout


@pytest.mark.parametrize(
    ("behaviour", "words"),
    [
        pytest.param(hang, "did not answer in time", id="hang"),
        pytest.param(status(401, CANARY), "401 Unauthorized", id="key"),
        pytest.param(answer(""), "holds no code", id="empty"),
    ],
)
def test_model_that_does_not_answer_is_a_fault(
    doctor: Doctor, model: ScriptedModel, behaviour: Callable[..., None], words: str
) -> None:
    model.script(behaviour)

    result = doctor(**with_model(model))

    assert result.return_value == 1
    assert words in result.stdout
    assert CANARY not in result.output


def test_missing_key_says_what_to_set(doctor: Doctor) -> None:
    result = doctor(POET_MODE="eager", POET_MODEL="openai/tiny")

    assert result.return_value == 1
    assert "set OPENAI_API_KEY or POET_LLM_API_KEY" in result.stdout


def test_broken_domain_and_missing_root_are_faults(doctor: Doctor, tmp_path: Path) -> None:
    folder = tmp_path / "mine" / "shop" / "v1"
    folder.mkdir(parents=True)
    (folder / "metadata.json").write_text('{"schema": 1, "description": "x"}')
    (folder / "template.txt").write_text("{{ nothing }}")
    (folder.parent / "current").write_text("v1")

    result = doctor("--json", POET_TEMPLATES=f"{tmp_path / 'mine'}{os.pathsep}{tmp_path / 'none'}")

    found = {finding["found"]: finding["works"] for finding in json.loads(result.stdout)["findings"]}
    assert result.return_value == 1
    assert found[f"{tmp_path / 'none'} is no folder"] is False
    assert any(text.startswith("shop: ") and works is False for text, works in found.items())


def test_cache_that_cannot_be_had_is_a_fault(doctor: Doctor, tmp_path: Path) -> None:
    (tmp_path / "a-file").write_text("")

    result = doctor(POET_CACHE_DIR=str(tmp_path / "a-file"))

    assert result.return_value == 1
    assert "FAIL  cache        no cache: no directory here is safe and writable" in result.stdout


def test_cache_that_nobody_wants_is_no_fault(doctor: Doctor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", True)

    result = doctor()

    assert result.return_value == 0
    assert "-     cache        no cache: Python writes no bytecode here" in result.stdout


def test_cache_info_counts_implementations_and_clear_removes_them_when_asked(tmp_path: Path) -> None:
    cache = ImplementationCache(str(tmp_path / "cache"))
    cache.store("abc", PING, {"model": "tiny"})
    cache.remember_failure("def", "no", 60)

    shown = CliRunner().invoke(poet, ["cache", "info"]).stdout
    kept = CliRunner().invoke(poet, ["cache", "clear"]).stdout
    assert "1 implementation," in shown
    assert "implementation" not in kept
    assert cache.load("abc") is not None

    removed = CliRunner().invoke(poet, ["cache", "clear", "--generated"]).stdout
    assert "and 1 implementation from" in removed
    assert (cache.load("abc"), cache.failure("def"), cache.keys()) == (None, None, [])
