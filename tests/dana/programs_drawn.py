"""Hypothesis strategies for Dana: programs of every kind of statement, then words of them changed."""

import re

from hypothesis import strategies as st

_WORD = re.compile(r"\n *|[A-Za-z_]+|[0-9.]+|\"[^\"\n]*\"|[-+*/=!<>]=|->|::|\*\*|//|\$\$|\S")
_OPERATORS = (
    "+",
    "-",
    "*",
    "/",
    "//",
    "%",
    "**",
    "==",
    "!=",
    "<",
    ">",
    "<=",
    ">=",
    "and",
    "or",
    "in",
    "is",
    "not in",
    "is not",
)
_NAMES = st.sampled_from(["a", "b", "total", "int", "list", "Point", "match", "iffy", "context"])
_TYPES = st.recursive(
    st.sampled_from(["int", "float", "str", "any", "None", "Point"]),
    lambda inner: st.one_of(
        st.builds("list[{}]".format, inner),
        st.builds("dict[{}, {}]".format, inner, inner),
        st.builds("{} | {}".format, inner, inner),
    ),
    max_leaves=4,
)
_ATOMS = st.one_of(
    _NAMES,
    st.sampled_from(
        ["1", "2.5", ".5", "1e3", '"text"', "'t'", '"""long"""', 'f"{a} b"', 'r"\\d"', "True", "none", "$$"]
    ),
    st.builds("{}:{}".format, st.sampled_from(["private", "public", "local", "system"]), _NAMES),
)


def _grown(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    binary = st.sampled_from(_OPERATORS)
    return st.one_of(
        st.builds("{} {} {}".format, inner, binary, inner),
        st.builds("({})".format, inner),
        st.builds("not {}".format, inner),
        st.builds("-{}".format, inner),
        st.builds("{} if {} else {}".format, inner, inner, inner),
        st.builds("{}({})".format, inner, inner),
        st.builds("{}({}={}, {})".format, _NAMES, _NAMES, inner, inner),
        st.builds("{}.{}".format, inner, _NAMES),
        st.builds("{}[{}]".format, inner, inner),
        st.builds("{}[{}:{}]".format, inner, inner, inner),
        st.builds("[{}, {}]".format, inner, inner),
        st.builds("({}, {},)".format, inner, inner),
        st.builds("{{{}: {}}}".format, inner, inner),
        st.builds("{{{}, {}}}".format, inner, inner),
        st.builds("[{} for {} in {} if {}]".format, inner, _NAMES, inner, inner),
        st.builds("lambda {} :: {}".format, _NAMES, inner),
        st.builds("lambda {}: {} :: {}".format, _NAMES, _TYPES, inner),
    )


_EXPRESSIONS = st.recursive(_ATOMS, _grown, max_leaves=6)
_PARAMETERS = st.one_of(
    st.just(""),
    _NAMES,
    st.builds("{}: {}, {}: {} = {}".format, _NAMES, _TYPES, _NAMES, _TYPES, _EXPRESSIONS),
)
_SIMPLE = st.one_of(
    st.builds("{} = {}".format, _EXPRESSIONS, _EXPRESSIONS),
    st.builds("{}: {} = {}".format, _NAMES, _TYPES, _EXPRESSIONS),
    st.builds("{} {}= {}".format, _NAMES, st.sampled_from(["+", "-", "*", "/", "//", "%"]), _EXPRESSIONS),
    _EXPRESSIONS,
    st.builds("return {}".format, _EXPRESSIONS),
    st.builds("raise {} from {}".format, _EXPRESSIONS, _EXPRESSIONS),
    st.builds("assert {}, {}".format, _EXPRESSIONS, _EXPRESSIONS),
    st.builds("import {}.py as {}".format, _NAMES, _NAMES),
    st.builds("from {}{} import {}, {} as {}".format, st.sampled_from(["", ".", ".."]), *[_NAMES] * 4),
    st.builds("agent {}({})".format, _NAMES, _NAMES),
    st.sampled_from(["pass", "break", "continue", "# a comment", "return"]),
    st.builds("def {}({}) = {} | {}({})".format, _NAMES, _PARAMETERS, _NAMES, _NAMES, _EXPRESSIONS),
)
_HEADS = st.one_of(
    st.builds("if {}:".format, _EXPRESSIONS),
    st.builds("while {}:".format, _EXPRESSIONS),
    st.builds("for {}, {} in {}:".format, _NAMES, _NAMES, _EXPRESSIONS),
    st.builds("with {} as {}:".format, _EXPRESSIONS, _NAMES),
    st.builds("def {}({}) -> {}:".format, _NAMES, _PARAMETERS, _TYPES),
    st.builds("sync def ({}: {}) {}({}):".format, _NAMES, _TYPES, _NAMES, _PARAMETERS),
    st.builds("@{}({}={})\ndef {}({}):".format, *[_NAMES] * 2, _EXPRESSIONS, _NAMES, _PARAMETERS),
    st.builds("struct {}:".format, _NAMES),
    st.builds("{} {}:".format, st.sampled_from(["workflow", "resource", "interface", "agent_blueprint"]), _NAMES),
)
_FIELDS = st.builds("{}: {} = {}".format, _NAMES, _TYPES, _EXPRESSIONS)


def _indented(text: str) -> str:
    return "\n".join(f"    {line}" for line in text.split("\n"))


def _blocks(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    bodies = st.lists(st.one_of(inner, _FIELDS), min_size=1, max_size=3).map(lambda lines: _indented("\n".join(lines)))
    return st.one_of(
        st.builds("{}\n{}".format, _HEADS, bodies),
        st.builds("if {}:\n{}\nelif {}:\n{}\nelse:\n{}".format, _EXPRESSIONS, bodies, _EXPRESSIONS, bodies, bodies),
        st.builds("try:\n{}\nexcept ({}, {}) as {}:\n{}\nfinally:\n{}".format, bodies, *[_NAMES] * 3, bodies, bodies),
        st.builds("{} # {}".format, _SIMPLE, _NAMES),
    )


_PROGRAMS = st.lists(st.recursive(_SIMPLE, _blocks, max_leaves=5), min_size=1, max_size=3).map("\n".join)
_STRAY = st.sampled_from(
    [
        *("(", ")", "[", "]", "{", "}", ":", "::", ",", ".", "=", "==", "->", "@", "|", "$$", ";", "\\", "#"),
        *("if", "else", "for", "in", "not", "is", "def", "sync", "struct", "agent", "lambda", "return", "as", "import"),
        *("from", "a", "1", '"s"', 'f"{x}"', "None", "true", "private", "\n", "\n    ", "\n  "),
    ]
)


@st.composite
def variations(draw: st.DrawFn) -> str:
    """Return a program, some of its words dropped, doubled, moved or replaced."""
    program = draw(_PROGRAMS)
    words = [found for found in re.split(f"({_WORD.pattern})", program) if found]
    for _ in range(draw(st.integers(0, 2))):
        place = draw(st.integers(0, len(words) - 1)) if words else 0
        change = draw(st.sampled_from(["drop", "double", "replace", "insert"]))
        words[place : place + (change in ("drop", "replace"))] = {
            "drop": [],
            "double": words[place : place + 1],
            "replace": [draw(_STRAY)],
            "insert": [draw(_STRAY)],
        }[change]
    return "".join(words) + "\n"


FORMATTED = st.builds(
    "x = f{0}{1}{0}\n".format,
    st.sampled_from("\"'"),
    st.lists(st.sampled_from(["a", "{", "}", "{a}", "\\", "\n", "\\\n", '"', "'", '\\"', "\\'"]), max_size=9).map(
        "".join
    ),
)
"""A formatted string, or what looks like one."""

_MARKS = st.sampled_from(
    ["@poet", "@poet()", "@poet(retries=2)", "@poet(timeout=1.5, retries=1)", '@poet(optimize_for="speed")', '@poet(on_violation="warn")']
)  # fmt: skip
_BODIES = st.lists(st.recursive(_SIMPLE, _blocks, max_leaves=4), min_size=1, max_size=4).map("\n".join)
_SIGNATURES = st.one_of(
    st.builds("def drawn({}: {}, {}: {} = {}) -> {}:".format, _NAMES, _TYPES, _NAMES, _TYPES, _EXPRESSIONS, _TYPES),
    st.builds("sync def drawn({}) -> {}: # why".format, _NAMES, _TYPES),
    st.builds("def ({}: {}) drawn({}: {}):".format, _NAMES, _TYPES, _NAMES, _TYPES),
)
FUNCTIONS = st.builds(
    "{}\n{}\n{}\n{}".format,
    _MARKS,
    _SIGNATURES,
    _BODIES.map(_indented),
    st.sampled_from(["", "# after\n", "drawn(1)\n"]),
)
"""A marked function of any signature and body, and what stands below it."""
