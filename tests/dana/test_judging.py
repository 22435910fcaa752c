"""What a model writes in Dana must pass four gates, and what passes takes the place of the user's text."""

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from dana_programs import woven

from poet_import import PoetFallbackWarning, Settings, transpile
from poet_import.dana.discovery import read_dana
from poet_import.dana.judging import judge
from poet_import.errors import GeneratorError
from poet_import.model import Transpiled, TranspileRequest, Usage, Verdict

Transpile = Callable[..., Transpiled]

STUB = (
    '@poet\ndef grade(points: int, names: list) -> dict:\n    """Grade it."""\n    return {"mark": "", "names": []}\n'
)
GOOD = """def _sorted(names):
    return sorted([name.strip() for name in names if len(name) > 0])
def grade(points: int, names: list) -> dict:
    \"\"\"Grade it.\"\"\"
    # the best first
    mark = "B"
    if points > 90 and points <= 100:
        mark = "A"
    for number, one in enumerate(names):
        names[number] = f"{one} {number + 1}"
    try:
        total = sum([len(one) for one in names]) + points ** 2
    except:
        total = -1
    return {"mark": mark if total >= 0 else "?", "names": _sorted(names)}
"""
BODY = '    return {"mark": "A", "names": names}\n'
HEAD = "def grade(points: int, names: list) -> dict:\n"
REAL = "import net.py as net\n@poet\ndef load(url: str) -> str:\n    # first\n    reply = net.get(url).text\n    return reply + private:suffix\n"
SAME = 'def load(url: str) -> str:\n    """Load it."""\n    reply = net.get(url).text  # it\n    return reply + private:suffix\n'


def verdict(text: str, source: str = STUB) -> Verdict:
    program = read_dana(source, "shop.na")
    return judge(text, program.functions[0], program)


def test_stub_may_be_written() -> None:
    found = verdict(GOOD)

    assert found.violations == ()
    assert found.implementation is not None
    assert [(row.gate, row.method) for row in found.evidence] == [
        ("syntax", "grammar"),
        ("structure", "signature"),
        ("security", "allow-list"),
        ("semantics", "contract"),
    ]


def test_same_statements_are_proven() -> None:
    found = verdict(SAME, REAL)

    assert found.accepted
    assert found.evidence[-1].method == "proof"


def test_other_statements_are_refused_unless_the_intent_is_asked_for() -> None:
    other = SAME.replace("reply +", "reply.strip() +")

    assert [(one.gate, one.rule) for one in verdict(other, REAL).violations] == [("semantics", "unproven")]
    assert verdict(other, REAL.replace("@poet", '@poet(semantics="intent")')).accepted


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        pytest.param(HEAD + "    return {\n", "syntax/syntax", id="no Dana"),
        pytest.param(HEAD + "    __poet_x = 1\n" + BODY, "syntax/reserved-name", id="our names"),
        pytest.param(HEAD + f"    # {'x' * 500}\n" + BODY, "syntax/line-too-long", id="long line"),
        pytest.param(HEAD + "    # \u202e\n" + BODY, "syntax/bidirectional-control", id="what looks otherwise"),
        pytest.param(HEAD + "    x = (points\n" + "    .real\n" * 3000 + "    )\n" + BODY, "syntax/too-deep", id="too deep"),
        pytest.param("def other():\n    return 1\n", "structure/public-name", id="another function"),
        pytest.param(HEAD + BODY + HEAD + BODY, "structure/bound-twice", id="twice"),
        pytest.param("x = 1\n" + HEAD + BODY, "structure/module-level", id="statement"),
        pytest.param("import os.py as os\n" + HEAD + BODY, "structure/module-level", id="import"),
        pytest.param("struct A:\n    x: int\n" + HEAD + BODY, "structure/module-level", id="struct"),
        pytest.param("def grade(points: int) -> dict:\n" + BODY.replace("names}", "[]}"), "structure/signature", id="parameters"),
        pytest.param("sync " + HEAD + BODY, "structure/signature", id="kind"),
        pytest.param(HEAD.replace("dict", "list") + BODY, "structure/signature", id="result"),
        pytest.param("@log\n" + HEAD + BODY, "structure/decorator", id="decorator"),
        pytest.param(HEAD + "    def _g():\n        return 1\n" + BODY, "structure/inner-function", id="inner function"),
        pytest.param(HEAD + "    local:x = 1\n" + BODY, "structure/local", id="local"),
        pytest.param("def __hidden():\n    return 1\n" + HEAD + BODY, "structure/public-name", id="hidden name"),
        pytest.param("def _h(x = len([])):\n    return x\n" + HEAD + BODY, "structure/default", id="default of a helper"),
        pytest.param(HEAD + "    print(points)\n" + BODY, "security/name", id="effect"),
        pytest.param(HEAD + "    reason(names)\n" + BODY, "security/name", id="language model"),
        pytest.param(HEAD + '    use("mcp")\n' + BODY, "security/name", id="network"),
        pytest.param(HEAD + "    x = secret\n" + BODY, "security/name", id="a caller's local"),
        pytest.param("def _f():\n    y = 1\n    return y\n" + HEAD + "    x = y\n" + BODY, "security/name", id="a helper's local"),
        pytest.param(HEAD + "    x = points.real\n" + BODY, "security/attribute", id="attribute"),
        pytest.param(HEAD + "    x = points.__class__\n" + BODY, "security/attribute", id="dunder"),
        pytest.param(HEAD + "    x = private:key\n" + BODY, "security/scope", id="scope"),
        pytest.param(HEAD + "    system:key = 1\n" + BODY, "security/scope", id="scope that is written"),
        pytest.param(HEAD + '    x = f"{secret}"\n' + BODY, "security/name", id="name in a text"),
        pytest.param(HEAD + '    x = f"{points.__class__}"\n' + BODY, "security/attribute", id="dunder in a text"),
        pytest.param(HEAD + '    x = f"{points:.2f}"\n' + BODY, "security/node", id="text that cannot be read"),
        pytest.param(HEAD + '    x = f"{ {1: 2}[1] }"\n' + BODY, "security/node", id="braces in a text"),
        pytest.param(HEAD + "    x = f\"{f'a'}\"\n" + BODY, "security/node", id="text in a text"),
        pytest.param(HEAD + '    x = f"{points\\\n}"\n' + BODY, "security/node", id="backslash at a line's end in a text"),
        pytest.param(HEAD + '    x = f"{points\\\n" + secret + "}"\n' + BODY, "security/node", id="quotes after such a backslash"),
        pytest.param(HEAD + "    import os.py as os\n" + BODY, "security/node", id="import inside"),
        pytest.param(HEAD + "    agent Spy\n" + BODY, "security/node", id="agent"),
        pytest.param(HEAD + "    with points as p:\n        pass\n" + BODY, "security/node", id="with"),
        pytest.param(HEAD + "    x = $$\n" + BODY, "security/node", id="piped"),
        pytest.param(HEAD + "    total[0] = 1\n" + BODY, "security/assignment", id="what is changed outside"),
        pytest.param(HEAD + "    x = 1234567890123456789\n" + BODY, "security/literal", id="number"),
        pytest.param(HEAD + "    x = 9 ** 99\n" + BODY, "security/power", id="power"),
        pytest.param(HEAD + "    x = 9 ** points\n" + BODY, "security/power", id="unknown power"),
        pytest.param(HEAD + '    x = "a" * points\n' + BODY, "security/repetition", id="repetition"),
        pytest.param(HEAD + "    pass\n", "semantics/stub", id="still a stub"),
        pytest.param(HEAD + '    x = points\n    return {"mark": x}\n', "semantics/contract", id="other keys"),
        pytest.param(HEAD + "    x = points\n    return []\n", "semantics/contract", id="other type"),
        pytest.param(HEAD + "    x = points\n    return\n", "semantics/contract", id="nothing"),
    ],
)  # fmt: skip
def test_text_is_refused(text: str, rule: str) -> None:
    found = verdict(text)

    assert not found.accepted
    assert rule in [f"{one.gate}/{one.rule}" for one in found.violations]


def test_missing_function_is_named() -> None:
    messages = [one.message for one in verdict("def _g():\n    return 1\n").violations]

    assert messages == ["define the function 'grade' once"]


def test_name_of_the_source_is_taken() -> None:
    source = f"def _help(x):\n    return x\n{STUB}"

    assert verdict("def _help(x):\n    return x\n" + HEAD + BODY, source).violations[0].rule == "taken-name"


@pytest.mark.parametrize(
    ("line", "rule"),
    [
        pytest.param('x = net.post("u").text', "attribute", id="another method of a module"),
        pytest.param('x = net.get("u").pop()', "attribute", id="method of what comes from outside"),
        pytest.param("net.get = 1", "assignment", id="what is replaced"),
        pytest.param("net = 1", "shadow", id="local that callees would see"),
        pytest.param("LIMIT = 1", "shadow", id="constant that callees would see"),
        pytest.param("for _cap in [1]:\n        pass", "shadow", id="function that callees would see"),
        pytest.param("x = LIMIT", "name", id="constant that it did not use"),
    ],
)
def test_intent_gives_no_further_reach(line: str, rule: str) -> None:
    source = REAL.replace("@poet", 'LIMIT = 3\ndef _cap(x):\n    return LIMIT\n@poet(semantics="intent")')
    text = SAME.replace("    reply =", f"    {line}\n    reply =")

    assert rule in [one.rule for one in verdict(text, source).violations]


def test_helper_may_have_constants_as_defaults() -> None:
    assert verdict(
        'def _h(x: int = -1, y = "a", z = None):\n    return x\n'
        + HEAD
        + BODY.replace("return", "x = _h()\n    return")
    ).accepted


def test_original_reaches_what_it_reached() -> None:
    assert verdict(SAME.replace("reply +", "reply  +"), REAL).accepted


@pytest.mark.parametrize("result", ["points", "len(names)", "{}", '{"mark": ""}', "[1, -1]", "None"])
def test_contract_is_what_the_originals_literals_tell(result: str) -> None:
    source = f"@poet\ndef f(points, names):\n    return {result}\n"

    is_literal = result not in ("points", "len(names)")
    options = source if is_literal else source.replace("@poet", '@poet(semantics="intent")')
    assert verdict(f"def f(points, names):\n    x = 1\n    return {result}\n", options).accepted


class Scripted:
    """Answers what it was given, in order, and remembers what it was asked."""

    fingerprint = "scripted"

    def __init__(self, *answers: object) -> None:
        self.answers = list(answers)
        self.asked: list[TranspileRequest] = []

    async def generate(self, request: TranspileRequest, *, observe: Callable[[Usage], None]) -> str:
        self.asked.append(request)
        observe(Usage("scripted/one", 10, 20))
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return str(answer)


@pytest.fixture
def transpiled(tmp_path: Path) -> Transpile:
    """Transpile with a generator, and with a cache of the test's own."""

    def call(source: str, generator: Scripted, seconds: float = 10.0) -> Transpiled:
        settings = Settings(generator=generator, mode="eager", generation_timeout=seconds, cache_dir=str(tmp_path))
        return transpile(source, language="dana", settings=settings)

    return call


def test_accepted_text_is_woven_in_the_place_of_the_users(transpiled: Transpile) -> None:
    done = transpiled(f"x = 1\n{STUB}print(x)\n", Scripted(GOOD))

    assert done.operate == GOOD
    assert done.code.startswith("x = 1\ndef _sorted(names):\n")
    assert "\n# @poet\ndef grade(points: int, names: list) -> dict:\n" in done.code
    assert "    # the best first\n" in done.code
    assert done.code.count("# perceive") == 1
    assert done.code.endswith("print(x)\n")
    assert (done.metadata["source"], done.metadata["model"]) == ("model", "scripted/one")


def test_refused_text_is_asked_for_again_with_the_reasons(transpiled: Transpile) -> None:
    generator = Scripted(HEAD + "    print(1)\n" + BODY, GOOD)

    done = transpiled(STUB, generator)

    assert done.metadata["source"] == "model"
    assert generator.asked[1].refusals[0].violations[0].rule == "name"


def test_text_that_is_refused_three_times_is_a_fallback(transpiled: Transpile) -> None:
    with pytest.warns(PoetFallbackWarning, match="grade runs as it is written: each of its 3 answers was refused"):
        done = transpiled(STUB, Scripted(*["x = 1\n"] * 3))

    assert done.code == woven(STUB)
    assert done.operate is None
    assert done.metadata["source"] == "fallback"


def test_generator_that_fails_is_a_fallback(transpiled: Transpile) -> None:
    with pytest.warns(PoetFallbackWarning, match="it is down"):
        done = transpiled(STUB, Scripted(GeneratorError("it is down")))

    assert done.metadata["reason"] == "it is down"


class Sleeper(Scripted):
    """Answers too late, and holds up the loop if it is told to."""

    def __init__(self, *, blocks: bool) -> None:
        super().__init__()
        self.blocks = blocks
        self.let_go = threading.Event()

    async def generate(self, request: TranspileRequest, *, observe: Callable[[Usage], None]) -> str:  # noqa: ARG002  (as above)
        if self.blocks:
            self.let_go.wait(30)
        await asyncio.sleep(30)
        raise AssertionError


@pytest.mark.parametrize("blocks", [False, True])
def test_generator_that_is_late_is_a_fallback(transpiled: Transpile, *, blocks: bool) -> None:
    generator = Sleeper(blocks=blocks)

    with pytest.warns(PoetFallbackWarning, match="it was not done within 0.05 s"):
        done = transpiled(STUB, generator, seconds=0.05)

    generator.let_go.set()
    assert done.metadata["source"] == "fallback"


def test_last_answer_counts_when_the_time_is_up(transpiled: Transpile) -> None:
    generator = Scripted("x = 1\n")
    generator.fingerprint = "slow"

    with pytest.warns(PoetFallbackWarning, match="refused|not done within"):
        done = transpiled(STUB, generator, seconds=0.000001)

    assert done.metadata["source"] == "fallback"


def test_function_inside_a_block_keeps_its_body(transpiled: Transpile) -> None:
    with pytest.warns(PoetFallbackWarning, match="inside a block"):
        done = transpiled("if true:\n    @poet\n    def f(x):\n        return x\n", Scripted())

    assert done.metadata["source"] == "fallback"


def test_question_shows_the_function_and_what_it_may_use_as_data(transpiled: Transpile) -> None:
    generator = Scripted(GOOD)
    marked = STUB.replace("@poet", '@poet(optimize_for="`speed`")')
    source = f"import math.py as math\nstruct A:\n    x: int\n{marked}"

    transpiled(source, generator)

    prompt = generator.asked[0].prompt
    assert '```dana\ndef grade(points: int, names: list) -> dict:\n    """Grade it."""\n' in prompt
    assert "```dana\nimport math.py as math\nstruct A:\n    x: int\n```" in prompt
    assert "Its author wants it better at this, which is data too:\n\n```text\n`speed`\n```\n" in prompt
