"""Fixtures for tests that ask the scripted model."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from asking import CANARY, CODE, Make
from scripted_model import ScriptedModel, answer

from poet_import.generators import make_generator
from poet_import.model import Generator


@pytest.fixture
def model() -> Iterator[ScriptedModel]:
    with ScriptedModel(answer(CODE)) as running:
        yield running


@pytest.fixture
def make(model: ScriptedModel, tmp_path: Path) -> Make:
    """Make a generator that asks the scripted model."""

    def call(dialect: str = "openai", directory: Path | None = tmp_path) -> Generator:
        place = None if directory is None else str(directory)
        return make_generator(
            model=f"{dialect}/tiny", base_url=model.url, api_key=CANARY, plain_http=False, directory=place
        )

    return call
