"""What a model wrote in Dana is kept for other processes, and judged again by each that finds it."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from hashlib import blake2b
from pathlib import Path

import pytest

from poet_import import Settings, transpile
from poet_import.cache.implementations import ImplementationCache

sys.path.insert(0, str(Path(__file__).parents[1] / "generators"))
from scripted_model import ScriptedModel, answer, status  # found there only

RunPython = Callable[..., "subprocess.CompletedProcess[str]"]
SOURCE = """import math.py as math
@poet(domain="sensors")
def grade(points: int) -> str:
    \"\"\"Grade it.\"\"\"
    return ""
"""
HEAD = 'def grade(points: int) -> str:\n    """Grade it."""\n'
GOOD = f'def _limit():\n    return 90\n\n{HEAD}    return "A" if points > _limit() else "B"\n'
OTHER = f'{HEAD}    return "A" if points > 80 else "C"\n'
EVIL = f'{HEAD}    return str(reason("tell all"))\n'
PROGRAM = """
import json, pathlib, warnings
import poet_import
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    done = poet_import.transpile(pathlib.Path("shop.na").read_text(), language="dana")
print(json.dumps([done.metadata["source"], done.code, done.operate, [str(one.message) for one in caught]]))
"""


Told = tuple[str, str, str | None, list[str]]  # where the body comes from, the code, what a model wrote, the warnings


class Place:
    """A folder with a source, a domain and a cache of its own."""

    def __init__(self, folder: Path, model: ScriptedModel, run_python: RunPython) -> None:
        self.source = folder / "shop.na"
        self.template = folder / "domains" / "sensors" / "v1" / "template.txt"
        self.cache = folder / "cache" / "implementations"
        self._run_python = run_python
        self._by_model = {
            "POET_MODEL": "openai/tiny",
            "POET_LLM_BASE_URL": model.url,
            "POET_LLM_API_KEY": "none",
            "POET_TEMPLATES": str(folder / "domains"),
            "POET_CACHE_DIR": str(folder / "cache"),
        }
        self.template.parent.mkdir(parents=True)
        metadata = {"schema": 1, "description": "It is.", "language": "dana", "extends": "dana"}
        (self.template.parent / "metadata.json").write_text(json.dumps(metadata))
        self.template.write_text('{% extends "dana/template.txt" %}')
        (self.template.parents[1] / "current").write_text("v1\n")
        self.source.write_text(SOURCE)

    def transpiled(self) -> Told:
        """Transpile the source as it is now."""
        with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            for name, value in self._by_model.items():
                patch.setenv(name, value)
            done = transpile(self.source.read_text(), language="dana", settings=Settings.read())
        return str(done.metadata["source"]), done.code, done.operate, [str(one.message) for one in caught]

    def transpiled_by_another_process(self) -> Told:
        """Do the same in a process that ends then."""
        ran = self._run_python(PROGRAM, **self._by_model)
        assert ran.returncode == 0, ran.stderr
        source, code, operate, said = json.loads(ran.stdout)
        return source, code, operate, said

    def entry(self) -> Path:
        """Return the folder of the one text that is kept."""
        (found,) = (path for path in self.cache.iterdir() if path.is_dir())
        return found

    def replace_kept(self, text: str) -> None:
        """Put another text there, as if it had been accepted."""
        record = json.loads((self.entry() / "record.json").read_text())
        record["code_digest"] = blake2b(text.encode(), digest_size=16).hexdigest()
        (self.entry() / "code.na").write_text(text)
        (self.entry() / "record.json").write_text(json.dumps(record))


@pytest.fixture
def model() -> Iterator[ScriptedModel]:
    with ScriptedModel(answer(GOOD)) as running:
        yield running


@pytest.fixture
def place(tmp_path: Path, model: ScriptedModel, run_python: RunPython) -> Place:
    return Place(tmp_path, model, run_python)


def test_second_process_asks_nothing(place: Place, model: ScriptedModel) -> None:
    first = place.transpiled_by_another_process()
    second = place.transpiled_by_another_process()

    assert second == first
    assert (first[0], first[2], first[3]) == ("model", GOOD, [])
    assert len(model.requests) == 1
    record = json.loads((place.entry() / "record.json").read_text())
    assert (record["language"], record["model"], record["template"]) == ("dana", "openai/tiny", "sensors/v1")
    assert [row["gate"] for row in record["gates"]] == ["syntax", "structure", "security", "semantics"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param('"""Grade it."""', '"""Grade it!"""', id="function"),
        pytest.param('domain="sensors"', 'domain="sensors", retries=2', id="option"),
        pytest.param("import math.py", "struct Point:\n    x: int\nimport math.py", id="type beside it"),
    ],
)
def test_edited_source_asks_again(place: Place, model: ScriptedModel, old: str, new: str) -> None:
    place.transpiled()
    place.source.write_text(SOURCE.replace(old, new))
    model.script(answer(OTHER.replace('"""Grade it."""', new if new.startswith('"""') else '"""Grade it."""')))

    source, code, _, _ = place.transpiled()

    assert (source, '"C"' in code) == ("model", True)
    assert len(model.requests) == 2


def test_edited_template_asks_again_and_the_old_one_finds_what_it_had(place: Place, model: ScriptedModel) -> None:
    first = place.transpiled_by_another_process()
    before = place.template.read_text()
    place.template.write_text(f"{before}{{% block guidance %}}Be kind.{{% endblock %}}")
    model.script(answer(OTHER))

    assert '"C"' in place.transpiled_by_another_process()[1]
    place.template.write_text(before)
    assert place.transpiled_by_another_process() == first
    assert len(model.requests) == 2


def test_damaged_text_is_asked_for_again(place: Place, model: ScriptedModel) -> None:
    first = place.transpiled_by_another_process()
    (place.entry() / "code.na").write_text(OTHER)

    assert place.transpiled_by_another_process() == first
    assert len(model.requests) == 2


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("def grade(:\n", id="syntax"),
        pytest.param(GOOD.replace("points: int", "points"), id="structure"),
        pytest.param(EVIL, id="security"),
        pytest.param(f"{HEAD}    return 1\n", id="semantics"),
    ],
)
def test_text_that_somebody_put_there_is_judged_and_not_used(place: Place, model: ScriptedModel, text: str) -> None:
    first = place.transpiled()
    place.replace_kept(text)

    assert place.transpiled() == first
    assert len(model.requests) == 2


def test_kept_text_is_judged_beside_the_rest_of_the_source(place: Place, model: ScriptedModel) -> None:
    place.transpiled()
    place.source.write_text(f"def _limit():\n    return 0\n{SOURCE}")
    model.script(answer(OTHER))

    source, code, _, _ = place.transpiled()

    assert (source, code.count("def _limit()"), '"C"' in code) == ("model", 1, True)
    assert len(model.requests) == 2


def test_refusals_are_remembered_for_a_while_and_nothing_is_kept(place: Place, model: ScriptedModel) -> None:
    model.script(answer(EVIL))

    first = place.transpiled_by_another_process()
    second = place.transpiled_by_another_process()

    assert (first[0], first[2]) == ("fallback", None)
    assert second == first
    assert "grade runs as it is written: each of its 3 answers was refused" in first[3][0]
    assert len(model.requests) == 3
    assert ImplementationCache(str(place.cache.parent)).keys() == []
    (note,) = place.cache.glob("*.failed")
    note.write_text(json.dumps({"reason": "it was refused", "until": 1.0}))
    model.script(answer(GOOD))
    assert place.transpiled_by_another_process()[0] == "model"


def test_outage_is_remembered_for_a_while(place: Place, model: ScriptedModel) -> None:
    model.script(status(404))

    first = place.transpiled()
    second = place.transpiled()

    assert (first[0], second[3]) == ("fallback", first[3])
    assert len(model.requests) == 1


def test_keeping_is_counted_and_cleared_as_for_python(place: Place, model: ScriptedModel) -> None:
    place.transpiled()
    cache = ImplementationCache(str(place.cache.parent))

    size = cache.size()
    assert size == sum(path.stat().st_size for path in place.entry().iterdir())
    assert cache.clear() == 1
    assert list(place.cache.iterdir()) == []
    place.transpiled()
    assert len(model.requests) == 2


def test_body_that_is_asked_for_in_the_background_is_there_later(place: Place, model: ScriptedModel) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("POET_MODE", "background")
        first = place.transpiled()
        deadline = time.monotonic() + 20
        while not list(place.cache.glob("*/record.json")) and time.monotonic() < deadline:
            time.sleep(0.02)

        second = place.transpiled()

    assert (first[0], first[2], first[3]) == ("none", None, [])
    assert (second[0], second[2]) == ("model", GOOD)
    assert len(model.requests) == 1
