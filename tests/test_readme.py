"""The documents are true: their modules run, and the commands that they show print what they say."""

import doctest
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

sys.path.insert(0, str(Path(__file__).parent / "generators"))
from scripted_model import Exchange, ScriptedModel, answer, asked_for  # found there only

PING = "def ping():\n    return 'pong'\n"
RunPython = Callable[..., "subprocess.CompletedProcess[str]"]
Write = Callable[..., Path]

ROOT = Path(__file__).parent.parent
DOCUMENTS = (
    "README.md",
    "docs/architecture.md",
    "docs/dana-host.md",
    "docs/domains.md",
    "docs/events.md",
    "docs/limits.md",
    "docs/providers.md",
    "docs/reference.md",
    "docs/threat-model.md",
    "docs/tutorial.md",
)
BLOCK = re.compile(r"^(`{3,})(\w+)\n(.*?)^\1$", re.MULTILINE | re.DOTALL)
FILE = re.compile(r"^Put this into `([^`]+)`:\n\n```\w+\n(.*?)^```$", re.MULTILINE | re.DOTALL)
CARETS = re.compile(r"^ *[~^]+\n", re.MULTILINE)


class Step(NamedTuple):
    """A command and the output that the document shows, ``...`` standing for any text."""

    command: str
    output: str


def blocks(document: str, language: str) -> list[str]:
    text = (ROOT / document).read_text(encoding="utf-8")
    return [content for _, kind, content in BLOCK.findall(text) if kind == language]


def steps(document: str) -> list[Step]:
    found = [block.removeprefix("$ ").partition("\n") for block in blocks(document, "console")]
    return [Step(command, output) for command, _, output in found]


def arguments(command: str) -> list[str]:
    program, *rest = shlex.split(command)
    return {"python": ["-X", "utf8", *rest], "poet": ["-m", "poet_import", *rest]}[program]


WRITTEN = 'def cheapest(prices: list[int], limit: int) -> list[int]:\n    """Return the prices up to a limit."""\n'
SCRIPT = (  # what the model of the tutorial answers
    f"{WRITTEN}    return sorted(price for price in prices if price < limit)\n",
    f"{WRITTEN}    return sorted(price for price in prices if price <= limit)\n",
    f"{WRITTEN}    found = [price for price in prices if price <= limit]\n    found.sort()\n    return found\n",
)


@pytest.fixture
def model() -> Iterator[ScriptedModel]:
    """Answer a question of doctor's, then as the script says, also where its answer is known already."""
    answers = iter(SCRIPT)

    def behave(exchange: Exchange) -> None:
        name = asked_for(exchange.body)
        answer(PING if name == "ping" else next(answers))(exchange)

    with ScriptedModel(behave) as running:
        yield running


@pytest.mark.parametrize("document", DOCUMENTS)
def test_document_shows_what_its_commands_print(
    document: str,
    run_python: RunPython,
    write: Write,
    tmp_path: Path,
    model: ScriptedModel,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    for name, content in FILE.findall((ROOT / document).read_text(encoding="utf-8")):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content, encoding="utf-8")
    for module in blocks(document, "python"):
        write(module, module.partition("\n")[0].removeprefix("# "))

    variables = {"POET_LLM_BASE_URL": model.url, "POET_LLM_API_KEY": "none"} if "tutorial" in document else {}
    for step in steps(document):
        if "--again" in step.command:
            shutil.rmtree(tmp_path / "cache")  # as if the model had been changed: another answer is wanted
        ran = run_python(*arguments(step.command), **variables)
        printed = CARETS.sub("", ran.stdout + ran.stderr).replace(f"{tmp_path}/", "")
        is_same = doctest.OutputChecker().check_output(step.output, printed, doctest.ELLIPSIS)
        assert is_same, f"$ {step.command}\n{printed}"


def test_first_example_has_twelve_lines() -> None:
    shop, app, *_ = blocks("README.md", "python")

    lines = [line for line in (shop + app).splitlines() if line and not line.startswith("# ")]
    assert len(lines) <= 12


@pytest.mark.parametrize("document", DOCUMENTS)
def test_links_of_a_document_lead_to_files(document: str) -> None:
    text = (ROOT / document).read_text(encoding="utf-8")
    targets = re.findall(r"\]\((?!https?:)([^)#]+)", text)

    missing = [target for target in targets if not ((ROOT / document).parent / target).exists()]
    assert missing == []
