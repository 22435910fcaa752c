"""A rule in Dana says what the rule of `poet_import.runtime.rules` says."""

import math
from itertools import product

import pytest
from dana_process import Dana

from poet_import.dana.rules import condition, modules
from poet_import.runtime import rules

VALUES = {
    "None": None,
    "True": True,
    "False": False,
    "0": 0,
    "1": 1,
    "-1": -1,
    "0.5": 0.5,
    "1.0000005": 1.0000005,
    "1.5": 1.5,
    "m.nan": math.nan,
    "m.inf": math.inf,
    "-m.inf": -math.inf,
    '""': "",
    '"a"': "a",
    '"http://a"': "http://a",
    '" HTTPS://u:p@a.b:1/c?d"': " HTTPS://u:p@a.b:1/c?d",
    '"http://"': "http://",
    '"http:///a"': "http:///a",
    '"http://:80"': "http://:80",
    '"http://@/"': "http://@/",
    '"ftp://a"': "ftp://a",
    '"see http://a"': "see http://a",
    "[]": [],
    "[1, 2]": [1, 2],
    "[0.5, m.nan]": [0.5, math.nan],
    "[m.inf]": [math.inf],
    '["a"]': ["a"],
    "(1, 2)": (1, 2),
    "{}": {},
    '{"a": 1}': {"a": 1},
    "{1, 2}": {1, 2},
}
ARGUMENTS = {"within": ({"minimum": 0}, {"maximum": 1}, {"minimum": 0, "maximum": 1})}


@pytest.mark.slow
@pytest.mark.parametrize("rule", sorted(rules.RULES))
def test_rule_judges_values_as_python_does(dana: Dana, rule: str) -> None:
    count = 2 if rule in rules.JOINT else 1
    rows = list(product(product(VALUES, repeat=count), ARGUMENTS.get(rule, ({},))))
    names = [f"v{number}" for number in range(count)]
    program = "import math.py as m\nimport re.py as __poet_re\n"
    for texts, arguments in rows:
        program += "".join(f"{name} = {text}\n" for name, text in zip(names, texts, strict=True))
        program += f"print({condition(rule, names, arguments)})\n"

    said = dana.run(program).splitlines()

    expected = [str(rules.RULES[rule](*(VALUES[text] for text in texts), **arguments)) for texts, arguments in rows]
    assert [row for row, one, other in zip(rows, said, expected, strict=True) if one != other] == []


def test_list_is_not_looked_for_where_the_hint_excludes_it() -> None:
    assert condition("not_nan", ["x"], {}, may_be_rows=False) == '(x == x if type(x) in ["int", "float"] else True)'
    assert "__poet_item" in condition("not_nan", ["x"], {})


def test_modules_are_imported_only_for_rules_that_need_them() -> None:
    assert modules([condition("http_url", ["x"], {})]) == ("re",)
    assert modules([condition("positive", ["x"], {})]) == ()


def test_every_rule_has_a_condition() -> None:
    assert [rule for rule in rules.RULES if not condition(rule, ["x", "y"], {"minimum": 1})] == []
