"""What a domain declares, in Dana."""

import json
from pathlib import Path

from poet_import.dana.discovery import read_dana
from poet_import.dana.weaving import weave
from poet_import.templates import store_over

CHECKS = [
    {"phase": "perceive", "match": ["left", "right"], "rule": "same_length"},
    {"phase": "perceive", "match": "count", "rule": "positive"},
    {
        "phase": "enforce",
        "match": ["return", "return.score"],
        "rule": "within",
        "arguments": {"minimum": 0, "maximum": 2},
    },
    {"phase": "enforce", "match": "return", "rule": "not_none"},
]


def woven_in(folder: Path, source: str) -> str:
    version = folder / "shop" / "v1"
    version.mkdir(parents=True)
    (folder / "shop" / "current").write_text("v1\n")
    (version / "template.txt").write_text("{{ source }}\n")
    metadata = {"schema": 1, "description": "d", "language": "python", "extends": "base", "checks": CHECKS}
    (version / "metadata.json").write_text(json.dumps({**metadata, "defaults": {}, "imports": [], "enhancements": []}))
    return weave(read_dana(source, "shop.na"), store_over((str(folder),))).text


def test_rules_about_the_whole_result_and_about_its_keys_are_woven(tmp_path: Path) -> None:
    text = woven_in(tmp_path, "@poet(domain='shop')\ndef f(x):\n    return x\n")

    assert "assert (__poet_result >= 0 and __poet_result <= 2 if type(__poet_result) in" in text
    assert 'for __poet_key in ["score"]:' in text
    assert 'assert __poet_result != None, f"f: its result must be a value other than None, got' in text


def test_result_that_is_no_dict_has_no_keys_to_check(tmp_path: Path) -> None:
    text = woven_in(tmp_path, "@poet(domain='shop')\ndef f(x) -> float:\n    return x\n")

    assert "__poet_key" not in text


def test_joint_rule_needs_all_of_its_parameters(tmp_path: Path) -> None:
    text = woven_in(tmp_path, "@poet(domain='shop')\ndef f(left):\n    return left\n")

    assert "len(left)" not in text


def test_default_that_breaks_a_rule_passes(tmp_path: Path) -> None:
    source = "@poet(domain='shop')\ndef f(count: int = -1):\n    return count\n"

    assert "or count == -1)" in woven_in(tmp_path, source)


def test_default_that_keeps_a_rule_is_not_told_apart(tmp_path: Path) -> None:
    source = "@poet(domain='shop')\ndef f(count: int = 1):\n    return count\n"

    assert "count == " not in woven_in(tmp_path, source)


def test_default_that_cannot_be_judged_passes(tmp_path: Path) -> None:
    source = "@poet(domain='shop')\ndef f(count = [1]):\n    return count\n"

    assert "or count == [1])" in woven_in(tmp_path, source)
