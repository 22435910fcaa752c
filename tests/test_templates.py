from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import warnings
from concurrent.futures import ThreadPoolExecutor
from fnmatch import fnmatchcase
from pathlib import Path
from threading import Barrier

import pytest

from poet_import.cache.template_digest import template_digest
from poet_import.errors import PoetWarning, TemplateError
from poet_import.model import Check
from poet_import.runtime.rules import JOINT, RULES
from poet_import.templates import TemplateStore, template_roots

SHIPPED = ("api_operations", "base", "dana", "ml_monitoring")
CHECK = {"phase": "perceive", "match": "*_data", "rule": "non_empty"}


def write_domain(root: Path, domain: str, **fields: object) -> Path:
    """Write a sound version v1 of a domain, with fields of metadata.json added or replaced; returns its folder."""
    folder = root / domain / "v1"
    folder.mkdir(parents=True)
    (folder / "metadata.json").write_text(json.dumps({"schema": 1, "description": domain, **fields}))
    (folder / "template.txt").write_text("{{ function_source }}")
    (root / domain / "current").write_text("v1\n")
    return folder


@pytest.fixture
def store(tmp_path: Path) -> TemplateStore:
    """The shipped templates under those that a test writes to its tmp_path."""
    return TemplateStore(template_roots([tmp_path]))


def error_of(store: TemplateStore, domain: str) -> TemplateError:
    with pytest.raises(TemplateError) as caught:
        store.load(domain)
    return caught.value


def test_shipped_root_is_searched_last(tmp_path: Path) -> None:
    roots = template_roots([tmp_path / "mine", str(tmp_path / "ours")])

    assert roots[:2] == (tmp_path / "mine", tmp_path / "ours")
    assert (roots[2] / "base" / "v1" / "metadata.json").is_file()


def test_relative_root_is_made_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    assert template_roots(["mine"])[0] == tmp_path / "mine"


def test_installed_package_brings_its_own_templates(tmp_path: Path) -> None:
    package = Path(__file__).parents[1] / "poet_import"
    shutil.copytree(package, tmp_path / "poet_import", ignore=shutil.ignore_patterns("__pycache__"))
    write_domain(tmp_path / "poet_import" / "_templates", "base")
    write_domain(tmp_path / "templates", "base")  # another package's
    program = "from poet_import.templates import template_roots; print(*template_roots())"
    environment = {**os.environ, "PYTHONPATH": str(tmp_path), "POET_ACTIVATE": "0", "PYTHONDONTWRITEBYTECODE": "1"}

    shown = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )

    assert shown.stdout.strip() == str(tmp_path / "poet_import" / "_templates")


@pytest.mark.parametrize("domain", SHIPPED)
def test_shipped_template_loads(store: TemplateStore, domain: str) -> None:
    template = store.load(domain)

    assert (template.domain, template.version) == (domain, "v1")
    assert template.description
    assert template.lineage == (("base",) if domain == "base" else (domain, "base"))


def test_none_is_base_which_has_neither_defaults_nor_checks(store: TemplateStore) -> None:
    template = store.find(None)

    assert template.domain == "base"
    assert (template.retries, template.timeout, template.retry_on, template.checks) == (None, None, (), ())


def test_api_operations_retries_connection_errors_and_timeouts_within_30_seconds(store: TemplateStore) -> None:
    template = store.find("api_operations")

    assert (template.retries, template.timeout, template.retry_on) == (2, 30, ("ConnectionError", "TimeoutError"))


@pytest.mark.parametrize(
    ("domain", "name", "value", "refused"),
    [
        pytest.param("ml_monitoring", "current_data", [], True, id="empty-data"),
        pytest.param("ml_monitoring", "drift_threshold", float("nan"), True, id="nan-threshold"),
        pytest.param("ml_monitoring", "threshold", float("inf"), False, id="threshold-that-never-alarms"),
        pytest.param("ml_monitoring", "alpha", 2.0, False, id="order-of-a-divergence"),
        pytest.param("ml_monitoring", "metadata", {}, False, id="metadata-is-no-data"),
        pytest.param("ml_monitoring", "return.p_value", 1.5, True, id="p-value-above-1"),
        pytest.param("ml_monitoring", "return.score", 0.0, False, id="score-zero"),
        pytest.param("ml_monitoring", "return.score", float("inf"), False, id="infinite-divergence"),
        pytest.param("ml_monitoring", "return.score", float("nan"), True, id="nan-score"),
        pytest.param("api_operations", "endpoint_url", "example.com", True, id="endpoint-without-scheme"),
        pytest.param("api_operations", "url", "/users/1", False, id="relative-url"),
        pytest.param("api_operations", "base_url", "unix:///run/docker.sock", False, id="socket-as-base-url"),
    ],
)
def test_shipped_checks_refuse_what_no_correct_call_has(
    store: TemplateStore, domain: str, name: str, value: object, refused: bool
) -> None:
    rules = [
        RULES[check.rule]
        for check in store.find(domain).checks
        if check.rule not in JOINT
        for pattern in check.match
        if fnmatchcase(name, pattern)
    ]

    assert any(not rule(value) for rule in rules) is refused


def test_domains_are_the_folders_of_all_roots_with_a_domain_s_name(tmp_path: Path) -> None:
    for name in ("shop", "2fast", "Shop", "__pycache__"):
        (tmp_path / name).mkdir()
    (tmp_path / "readme").touch()

    assert TemplateStore(template_roots([tmp_path, tmp_path / "none"])).domains() == (*SHIPPED, "shop")


def test_template_is_read_once_in_the_life_of_a_store(tmp_path: Path, store: TemplateStore) -> None:
    folder = write_domain(tmp_path, "shop")
    first = store.find("shop")

    (folder / "metadata.json").write_text("{")

    assert store.find("shop") is first


def test_current_switches_the_version(tmp_path: Path) -> None:
    write_domain(tmp_path, "shop")
    shutil.copytree(tmp_path / "shop" / "v1", tmp_path / "shop" / "v12")
    (tmp_path / "shop" / "current").unlink()
    (tmp_path / "shop" / "current").symlink_to("v12")

    assert TemplateStore([tmp_path]).find("shop").version == "v12"


def test_domain_of_a_user_wins_over_the_shipped_one(tmp_path: Path, store: TemplateStore) -> None:
    write_domain(tmp_path, "api_operations", description="ours")

    assert store.find("api_operations").description == "ours"


def test_fields_are_read_as_they_are_declared(tmp_path: Path, store: TemplateStore) -> None:
    within = {"phase": "enforce", "match": ["return", "return.fit"], "rule": "within"}
    write_domain(
        tmp_path,
        "shop",
        language="python",
        defaults={"retries": 1, "timeout": 2.5, "retry_on": ["OSError"]},
        checks=[CHECK, {**within, "arguments": {"minimum": 0, "maximum": 1.5}}],
        imports=["math", "urllib.parse"],
        enhancements=["prices are checked"],
    )

    template = store.find("shop")

    assert (template.retries, template.timeout, template.retry_on) == (1, 2.5, ("OSError",))
    assert template.checks == (
        Check("perceive", ("*_data",), "non_empty"),
        Check("enforce", ("return", "return.fit"), "within", (("maximum", 1.5), ("minimum", 0))),
    )
    assert (template.imports, template.enhancements) == (("math", "urllib.parse"), ("prices are checked",))


def test_child_is_laid_over_what_it_extends(tmp_path: Path, store: TemplateStore) -> None:
    other = {**CHECK, "match": "basket"}
    write_domain(
        tmp_path,
        "company",
        defaults={"retries": 2, "timeout": 9, "retry_on": ["OSError"]},
        checks=[CHECK],
        imports=["math", "json"],
        enhancements=["a", "b"],
    )
    write_domain(
        tmp_path,
        "shop",
        extends="company",
        defaults={"retries": 0},
        checks=[other],
        imports=["re", "math"],
        enhancements=["b", "c"],
    )

    template = store.find("shop")

    assert (template.description, template.lineage) == ("shop", ("shop", "company"))
    assert (template.retries, template.timeout, template.retry_on) == (0, 9, ("OSError",))
    assert [check.match for check in template.checks] == [("*_data",), ("basket",)]
    assert (template.imports, template.enhancements) == (("math", "json", "re"), ("a", "b", "c"))


@pytest.mark.parametrize("domain", [None, "api_operations"])
def test_digest_agrees_with_that_of_the_warm_path(store: TemplateStore, tmp_path: Path, domain: str | None) -> None:
    template = store.find(domain)

    assert template.digest == template_digest(map(str, template_roots([tmp_path])), template.lineage)


def test_unknown_domain_is_base_with_one_warning_that_names_the_nearest(store: TemplateStore) -> None:
    with pytest.warns(PoetWarning) as caught:
        found = [store.find("ml_monitorin"), store.find("ml_monitorin")]

    assert [template.domain for template in found] == ["base", "base"]
    assert len(caught) == 1
    assert "unknown domain 'ml_monitorin'; did you mean ml_monitoring?" in str(caught[0].message)
    assert "known: api_operations, base, dana, ml_monitoring" in str(caught[0].message)


def test_threads_that_ask_at_once_get_one_template_and_one_warning(store: TemplateStore) -> None:
    barrier = Barrier(8)

    def find() -> int:
        barrier.wait()
        return id(store.find("nowhere"))

    with warnings.catch_warnings(record=True) as caught, ThreadPoolExecutor(8) as pool:
        warnings.simplefilter("always")
        found = {future.result() for future in [pool.submit(find) for _ in range(8)]}

    assert len(found) == 1
    assert len(caught) == 1


@pytest.mark.parametrize("domain", ["../shop", "/etc", "", "Shop", "a" * 65, "shop\n", "\ud800", "a\0b"])
def test_name_that_no_domain_can_have_is_unknown(tmp_path: Path, domain: str) -> None:
    write_domain(tmp_path, "shop")
    store = TemplateStore([tmp_path / "shop"])

    assert "unknown domain" in str(error_of(store, domain))


def test_adding_an_unknown_domain_changes_the_digest_of_its_stand_in(tmp_path: Path, store: TemplateStore) -> None:
    with pytest.warns(PoetWarning, match="unknown"):
        stand_in = store.find("shop")
    roots = [str(root) for root in template_roots([tmp_path])]
    before = template_digest(roots, stand_in.lineage)

    write_domain(tmp_path, "shop")

    assert stand_in.lineage == ("shop", "base")
    assert before == stand_in.digest
    assert template_digest(roots, stand_in.lineage) != before


def test_mending_a_broken_parent_changes_the_digest_of_the_stand_in(tmp_path: Path, store: TemplateStore) -> None:
    write_domain(tmp_path, "shop", extends="company")
    write_domain(tmp_path, "company", extends="holding", checks=0)
    with pytest.warns(PoetWarning, match=r"company.*checks: expected a list, found 0; base is used instead"):
        stand_in = store.find("shop")

    assert stand_in.domain == "base"
    assert stand_in.lineage == ("shop", "company", "base")


def test_broken_base_of_a_user_gives_way_to_the_shipped_one(tmp_path: Path, store: TemplateStore) -> None:
    write_domain(tmp_path, "base", schema=2)
    with pytest.warns(PoetWarning, match="schema: expected 1") as caught:
        template = store.find(None)

    assert template.description.startswith("Any function")
    assert template.digest == template_digest(map(str, template_roots([tmp_path])), ["base"])
    assert len(caught) == 1


def test_first_sound_base_stands_in(tmp_path: Path) -> None:
    write_domain(tmp_path / "first", "base", schema=2)
    write_domain(tmp_path / "second", "base", schema=3)
    write_domain(tmp_path / "third", "base", description="sound")
    store = TemplateStore([tmp_path / "first", tmp_path / "second", tmp_path / "third"])
    with pytest.warns(PoetWarning, match="found 2"):
        template = store.find("base")

    assert template.description == "sound"


def test_without_any_base_an_empty_template_stands_in() -> None:
    store = TemplateStore([])
    with pytest.warns(PoetWarning, match=r"unknown domain 'base' \(known: none\)"):
        template = store.find(None)

    assert (template.domain, template.version, template.lineage) == ("base", "v0", ("base",))
    assert (template.checks, template.retries, template.digest) == ((), None, template_digest([], ["base"]))


def test_unknown_parent_is_told_with_the_file_that_names_it(tmp_path: Path, store: TemplateStore) -> None:
    folder = write_domain(tmp_path, "shop", extends="bas")

    error = error_of(store, "shop")

    assert error.filename == str(folder / "metadata.json")
    assert "unknown domain 'bas'; did you mean base?" in str(error)


def test_extending_in_a_circle_is_told_with_the_file_that_closes_it(tmp_path: Path, store: TemplateStore) -> None:
    write_domain(tmp_path, "shop", extends="company")
    folder = write_domain(tmp_path, "company", extends="shop")

    error = error_of(store, "shop")

    assert error.filename == str(folder / "metadata.json")
    assert "shop -> company -> shop" in str(error)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        pytest.param({"schema": 2}, "schema: expected 1, .* found 2", id="schema"),
        pytest.param({"schema": True}, "schema: .* found true", id="schema-bool"),
        pytest.param({"language": "perl"}, 'language: expected "python" or "dana", found "perl"', id="language"),
        pytest.param({"language": 1}, 'language: expected "python" or "dana", found 1', id="language-number"),
        pytest.param({"description": ""}, 'description: expected a text, found ""', id="description"),
        pytest.param({"cheks": []}, "unknown key 'cheks'; did you mean checks?", id="unknown-key"),
        pytest.param({"extends": 1}, "extends: expected a text, found 1", id="extends"),
        pytest.param({"defaults": []}, r"defaults: expected an object, found \[\]", id="defaults"),
        pytest.param({"defaults": {"retry": 1}}, "unknown key 'retry'; did you mean", id="unknown-default"),
        pytest.param({"defaults": {"retries": -1}}, "retries: .* found -1", id="retries-negative"),
        pytest.param({"defaults": {"retries": 1.0}}, "retries: .* found 1.0", id="retries-float"),
        pytest.param({"defaults": {"retries": True}}, "retries: .* found true", id="retries-bool"),
        pytest.param({"defaults": {"timeout": 0}}, "timeout: .* above 0, found 0", id="timeout-zero"),
        pytest.param({"defaults": {"timeout": "9"}}, 'timeout: .* found "9"', id="timeout-text"),
        pytest.param({"defaults": {"timeout": True}}, "timeout: .* found true", id="timeout-bool"),
        pytest.param({"defaults": {"timeout": float("nan")}}, "timeout: .* found NaN", id="timeout-nan"),
        pytest.param({"defaults": {"timeout": float("inf")}}, "timeout: .* found Infinity", id="timeout-infinite"),
        pytest.param({"defaults": {"timeout": 10**400}}, "timeout: .* found 1000", id="timeout-beyond-a-float"),
        pytest.param({"defaults": {"retry_on": []}}, "retry_on: expected a name", id="retry-on-nothing"),
        pytest.param({"defaults": {"retry_on": "OSError"}}, "retry_on: expected a list", id="retry-on-text"),
        pytest.param({"defaults": {"retry_on": [1]}}, r"retry_on\[0\]: expected a text", id="retry-on-number"),
        pytest.param({"defaults": {"retry_on": ["HTTPError"]}}, "built-in exception", id="retry-on-not-built-in"),
        pytest.param({"defaults": {"retry_on": ["print"]}}, "built-in exception", id="retry-on-function"),
        pytest.param({"defaults": {"retry_on": ["int"]}}, "built-in exception", id="retry-on-no-exception"),
        pytest.param({"defaults": {"retry_on": ["SystemExit"]}}, "built-in exception", id="retry-on-exit"),
        pytest.param({"imports": ["os; import sys"]}, r"imports\[0\]: .* dotted name", id="import-code"),
        pytest.param({"imports": "math"}, 'imports: expected a list, found "math"', id="imports-text"),
        pytest.param({"enhancements": [None]}, r"enhancements\[0\]: .* found null", id="enhancement-null"),
        pytest.param({"checks": [[]]}, r"checks\[0\]: expected an object", id="check-list"),
        pytest.param({"checks": [{}]}, r"checks\[0\].phase: .* found null", id="check-empty"),
        pytest.param({"checks": [{**CHECK, "on": 1}]}, r"checks\[0\]: unknown key 'on'", id="check-unknown-key"),
        pytest.param({"checks": [{**CHECK, "phase": "operate"}]}, r'phase: .* found "operate"', id="check-phase"),
        pytest.param({"checks": [{**CHECK, "rule": "finit"}]}, "unknown rule 'finit'; did you mean finite", id="rule"),
        pytest.param({"checks": [{**CHECK, "match": []}]}, "match: expected a pattern", id="match-nothing"),
        pytest.param({"checks": [{**CHECK, "match": 1}]}, "match: expected a list", id="match-number"),
        pytest.param({"checks": [{**CHECK, "match": "a b"}]}, "match: expected a pattern of", id="match-no-name"),
        pytest.param({"checks": [{**CHECK, "match": "return"}]}, "in perceive", id="match-result-in-perceive"),
        pytest.param({"checks": [{**CHECK, "phase": "enforce"}]}, "in enforce", id="match-parameter-in-enforce"),
        pytest.param(
            {"checks": [{**CHECK, "phase": "enforce", "match": "return.*"}]}, "without wildcards", id="match-any-key"
        ),
        pytest.param(
            {"checks": [{**CHECK, "rule": "same_length", "match": "a"}]}, "two names or more", id="joint-of-one"
        ),
        pytest.param(
            {"checks": [{**CHECK, "rule": "same_length", "match": ["a", "*"]}]}, "without wildcards", id="joint-any"
        ),
        pytest.param(
            {"checks": [{**CHECK, "arguments": {"minimum": 0}}]}, "unknown key 'minimum'", id="argument-unknown"
        ),
        pytest.param({"checks": [{**CHECK, "rule": "within"}]}, "at least one of minimum, maximum", id="within-none"),
        pytest.param(
            {"checks": [{**CHECK, "rule": "within", "arguments": {"minimum": "0"}}]},
            r"checks\[0\].arguments.minimum: expected a finite number",
            id="argument-text",
        ),
    ],
)
def test_wrong_metadata_is_told_with_its_file_and_place(
    tmp_path: Path, store: TemplateStore, fields: dict[str, object], message: str
) -> None:
    folder = write_domain(tmp_path, "shop", **fields)

    with pytest.raises(TemplateError, match=message) as caught:
        store.load("shop")

    assert caught.value.filename == str(folder / "metadata.json")


@pytest.mark.parametrize(
    ("metadata", "located"),
    [
        pytest.param(b'{\n  "schema": 1,\n}', True, id="trailing-comma"),
        pytest.param(b"", True, id="empty"),
        pytest.param(b'{"description": "\xff"}', False, id="not-utf-8"),
        pytest.param(b"[" * 100_000, False, id="too-deep"),
        pytest.param(b"1" * 10_000, False, id="too-long-an-integer"),
    ],
)
def test_text_that_is_no_json_is_told_with_its_line_if_there_is_one(
    tmp_path: Path, store: TemplateStore, metadata: bytes, located: bool
) -> None:
    (write_domain(tmp_path, "shop") / "metadata.json").write_bytes(metadata)

    error = error_of(store, "shop")

    assert "is no JSON" in str(error)
    assert (error.line is not None) is located


def test_metadata_that_is_no_object_is_refused(tmp_path: Path, store: TemplateStore) -> None:
    (write_domain(tmp_path, "shop") / "metadata.json").write_text("[]")

    assert "metadata: expected an object, found []" in str(error_of(store, "shop"))


@pytest.mark.parametrize("name", ["metadata.json", "template.txt"])
@pytest.mark.parametrize("instead", ["nothing", "folder"])
def test_missing_or_unreadable_file_is_told_by_its_name(
    tmp_path: Path, store: TemplateStore, name: str, instead: str
) -> None:
    path = write_domain(tmp_path, "shop") / name
    path.unlink()
    if instead == "folder":
        path.mkdir()

    error = error_of(store, "shop")

    assert error.filename == str(path)
    assert "cannot be read" in str(error)


def test_file_that_leads_out_of_its_root_is_refused(tmp_path: Path) -> None:
    outside = write_domain(tmp_path / "outside", "shop") / "metadata.json"
    path = write_domain(tmp_path / "root", "shop") / "metadata.json"
    path.unlink()
    path.symlink_to(outside)

    assert "leads out of" in str(error_of(TemplateStore([tmp_path / "root"]), "shop"))


def test_link_within_a_root_is_followed(tmp_path: Path, store: TemplateStore) -> None:
    folder = write_domain(tmp_path, "shop")
    (folder / "metadata.json").rename(tmp_path / "mounted.json")
    (folder / "metadata.json").symlink_to(tmp_path / "mounted.json")

    assert store.find("shop").domain == "shop"


@pytest.mark.parametrize(
    ("current", "message"),
    [
        pytest.param(None, "cannot be read", id="missing"),
        pytest.param(b"\xff", "cannot be read", id="not-text"),
        pytest.param(b"", "names '', which is no version", id="empty"),
        pytest.param(b"v01", "'v01', which is no version", id="leading-zero"),
        pytest.param(b"../shop/v1", "is no version", id="outside"),
        pytest.param(b"v7", "v7, which is no folder beside it", id="no-such-version"),
        pytest.param(b"v" + b"1" * 300, "is no folder beside it", id="too-long-for-a-file-name"),
    ],
)
def test_current_that_names_no_version_is_told(
    tmp_path: Path, store: TemplateStore, current: bytes | None, message: str
) -> None:
    write_domain(tmp_path, "shop")
    pointer = tmp_path / "shop" / "current"
    if current is None:
        pointer.unlink()
    else:
        pointer.write_bytes(current)

    error = error_of(store, "shop")

    assert error.filename == str(pointer)
    assert message in str(error)


@pytest.mark.slow  # it is timed, so nothing else may run beside it
@pytest.mark.parametrize("domain", ["base", "ml_monitoring", "api_operations"])
def test_template_is_loaded_and_rendered_in_less_than_100_ms(domain: str) -> None:
    program = (
        "import sys, time\nfrom pathlib import Path\nfrom poet_import.templates import TemplateStore, template_roots\n"
        "begun = time.perf_counter()\nTemplateStore(map(Path, template_roots()), prompts=True).load(sys.argv[1])\n"
        "print(time.perf_counter() - begun)"
    )
    command = [sys.executable, "-c", program, domain]

    found = [float(subprocess.run(command, capture_output=True, text=True, check=True).stdout) for _ in range(5)]

    assert min(found) < 0.1  # in a process that has loaded no template engine yet
