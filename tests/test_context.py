"""What a caller says of a source beyond its text."""

import pytest

from poet_import import TranspileError, transpile, validate

SOURCE = "from poet_import import poet\n\n\n@poet\ndef area(radius: float) -> float:\n    return math.pi * radius**2\n"


def test_imports_stand_above_the_source() -> None:
    code = transpile(SOURCE, context={"imports": ["import math", "from os import path"]}).code

    assert code.startswith("import poet_import.runtime as __poet__\nimport math\nfrom os import path\n")


def test_candidate_may_import_what_the_context_imports() -> None:
    original = "    def size(path):\n        return os.stat(path).st_size\n"
    code = "import os\n\n\ndef size(path):\n    status = os.stat(path)\n    return status.st_size\n"

    assert validate(code, original).violations[0].rule == "import"
    assert validate(code, original, context={"imports": ["import os"]}).violations == ()


@pytest.mark.parametrize(
    ("imports", "words"),
    [
        pytest.param("import os", "expected a list of import statements, found 'import os'", id="a-text"),
        pytest.param([1], "expected a list of import statements", id="no-texts"),
        pytest.param(["import os", "print(1)"], r"imports\[1\]: expected import statements only", id="a-call"),
        pytest.param(["import os; print(1)"], r"imports\[0\]: expected import statements only", id="more-on-one-line"),
        pytest.param(["import ("], "expected import statements only, found 'import \\('", id="no-python"),
        pytest.param(["import os\x00"], "expected import statements only", id="nul"),
    ],
)
def test_context_that_holds_anything_else_is_refused(imports: object, words: str) -> None:
    with pytest.raises(TranspileError, match=words):
        transpile(SOURCE, context={"imports": imports})
    with pytest.raises(TranspileError, match=words):
        validate(SOURCE, SOURCE, context={"imports": imports})


def test_other_languages_are_not_known() -> None:
    with pytest.raises(TranspileError, match="language 'perl': this version transpiles 'python' and 'dana'"):
        transpile(SOURCE, language="perl")
