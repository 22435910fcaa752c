"""Settings: which source wins, what is refused and how it is said, what reading costs."""

import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poet_import.errors import PoetWarning
from poet_import.settings import FIELDS, Settings

WriteProject = Callable[[str], Path]


@pytest.fixture
def project(tmp_path: Path) -> WriteProject:
    """Write a pyproject.toml with these lines in our table; return its directory."""

    def write(lines: str) -> Path:
        (tmp_path / "pyproject.toml").write_text(f"[tool.poet-import]\n{lines}\n", encoding="utf-8")
        return tmp_path

    return write


def test_defaults_hold_where_nothing_is_configured(tmp_path: Path) -> None:
    settings = Settings.read({}, tmp_path)

    assert settings == Settings(mode="offline", strict=False, active=True, cache_dir=None, templates=())
    assert settings.sources == dict.fromkeys(FIELDS, "default")


def test_environment_wins_over_pyproject(project: WriteProject) -> None:
    directory = project("strict = true\nactive = false")

    settings = Settings.read({"POET_STRICT": "0"}, directory)

    assert (settings.strict, settings.active) == (False, False)
    assert settings.sources["strict"] == "POET_STRICT"
    assert settings.sources["active"] == str(directory / "pyproject.toml")


def test_arguments_win_over_environment(tmp_path: Path) -> None:
    settings = Settings.read({"POET_STRICT": "0"}, tmp_path, strict=True)

    assert settings.strict is True
    assert settings.sources["strict"] == "install()"


def test_argument_of_none_leaves_the_other_sources_standing(tmp_path: Path) -> None:
    assert Settings.read({"POET_STRICT": "1"}, tmp_path, strict=None).strict is True


@pytest.mark.parametrize(
    ("environ", "generator", "mode"),
    [
        pytest.param({}, None, "offline", id="nothing"),
        pytest.param({"OPENAI_API_KEY": "k", "OPENAI_BASE_URL": "http://localhost"}, None, "offline", id="only-a-key"),
        pytest.param({"POET_MODEL": "openai/gpt-4o"}, "llm", "eager", id="model-implies-llm"),
        pytest.param({"POET_GENERATOR": "llm"}, "llm", "eager", id="generator-implies-eager"),
        pytest.param({"POET_SERVICE_URL": "http://localhost"}, "remote", "eager", id="service-implies-remote"),
        pytest.param({"POET_API_URL": "http://localhost"}, "remote", "eager", id="service-by-its-older-name"),
        pytest.param({"POET_SERVICE_URL": "http://localhost", "POET_MODEL": "m"}, "llm", "eager", id="model-first"),
        pytest.param({"POET_SERVICE_KEY": "k"}, None, "offline", id="only-a-service-key"),
        pytest.param({"POET_MODEL": "m", "POET_MODE": "offline"}, "llm", "offline", id="offline-says-never"),
        pytest.param({"POET_MODEL": "m", "POET_MODE": "background"}, "llm", "background", id="background"),
        pytest.param({"POET_MODE": "eager"}, None, "eager", id="eager-without-a-generator"),
    ],
)
def test_only_our_own_variables_configure_a_generator(
    tmp_path: Path, environ: dict[str, str], generator: str | None, mode: str
) -> None:
    settings = Settings.read(environ, tmp_path)

    assert (settings.generator, settings.mode) == (generator, mode)
    assert settings.generates is (generator is not None and mode != "offline")


def test_the_newer_name_of_the_service_wins(tmp_path: Path) -> None:
    settings = Settings.read({"POET_SERVICE_URL": "http://a", "POET_API_URL": "http://b"}, tmp_path)

    assert (settings.service_url, settings.sources["service_url"]) == ("http://a", "POET_SERVICE_URL")


def test_settings_survive_pickling(tmp_path: Path) -> None:
    settings = Settings.read({"POET_MODEL": "m", "POET_STRICT": "1"}, tmp_path)

    again = pickle.loads(pickle.dumps(settings))

    assert (again, again.sources) == (settings, settings.sources)


def test_the_keys_are_shown_nowhere(tmp_path: Path) -> None:
    settings = Settings.read({"POET_LLM_API_KEY": "canary", "POET_SERVICE_KEY": "canary-2"}, tmp_path)

    assert (settings.llm_api_key, settings.service_key) == ("canary", "canary-2")
    assert "canary" not in f"{settings} {settings!r} {settings.fingerprint()} {settings.sources}"


@pytest.mark.parametrize(
    ("field", "variable"), [("llm_api_key", "POET_LLM_API_KEY"), ("service_key", "POET_SERVICE_KEY")]
)
def test_a_key_in_a_shared_file_is_refused_without_showing_it(project: WriteProject, field: str, variable: str) -> None:
    directory = project(f"{field} = 'canary'")

    with pytest.raises(ValueError, match=f"set {variable}") as caught:
        Settings.read({}, directory)
    assert "canary" not in str(caught.value)


def test_an_object_that_generates_may_be_the_generator(tmp_path: Path) -> None:
    class Echo:
        fingerprint = "echo"

        async def generate(self, request: object, **_: object) -> str:
            return str(request)

    echo = Echo()

    settings = Settings.read({}, tmp_path, generator=echo)

    assert (settings.generator, settings.mode) == (echo, "eager")
    assert "echo" in settings.fingerprint()


def test_the_mode_of_this_version_may_be_named(tmp_path: Path) -> None:
    settings = Settings.read({"POET_MODE": "offline"}, tmp_path)

    assert (settings.mode, settings.sources["mode"]) == ("offline", "POET_MODE")


def test_empty_variable_counts_as_absent(tmp_path: Path) -> None:
    assert Settings.read({"POET_MODE": "", "POET_CACHE_DIR": ""}, tmp_path) == Settings()


def test_environment_of_the_process_is_read_by_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POET_STRICT", "1")
    monkeypatch.chdir(tmp_path)

    assert Settings.read().strict is True


def test_nearest_pyproject_upward_is_found(project: WriteProject) -> None:
    inner = project("strict = true") / "src" / "shop"
    inner.mkdir(parents=True)

    assert Settings.read({}, inner).strict is True


def test_nearest_pyproject_hides_those_above_it(project: WriteProject) -> None:
    inner = project("strict = true") / "inner"
    inner.mkdir()
    (inner / "pyproject.toml").write_text('[project]\nname = "inner"\n', encoding="utf-8")

    assert Settings.read({}, inner).strict is False


def test_removed_working_directory_does_not_break_reading(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()

    assert Settings.read({}) == Settings()


@pytest.mark.parametrize(
    ("text", "switch"),
    [
        pytest.param("1", True, id="one"),
        pytest.param("TRUE", True, id="upper-case"),
        pytest.param(" on ", True, id="spaces"),
        pytest.param("0", False, id="zero"),
        pytest.param("No", False, id="no"),
    ],
)
def test_switch_is_read_from_text(text: str, *, switch: bool) -> None:
    assert Settings.read({"POET_ACTIVATE": text}).active is switch


def test_paths_in_pyproject_start_at_its_directory(project: WriteProject) -> None:
    directory = project('cache_dir = "build/cache"\ntemplates = ["domains", "../shared"]')

    settings = Settings.read({}, directory)

    assert settings.cache_dir == str(directory / "build" / "cache")
    assert settings.templates == (str(directory / "domains"), str(directory.parent / "shared"))


def test_paths_in_the_environment_start_at_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    settings = Settings.read({"POET_CACHE_DIR": "cache", "POET_TEMPLATES": f"one{os.pathsep}{os.pathsep}two"})

    assert settings.cache_dir == str(tmp_path / "cache")
    assert settings.templates == (str(tmp_path / "one"), str(tmp_path / "two"))


def test_tilde_stands_for_the_home_directory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))

    assert Settings.read({"POET_CACHE_DIR": "~/cache"}).cache_dir == str(tmp_path / "cache")


def test_arguments_may_be_path_objects(tmp_path: Path) -> None:
    settings = Settings.read({}, cache_dir=tmp_path, templates=[tmp_path / "domains"])

    assert settings.cache_dir == str(tmp_path)
    assert settings.templates == (str(tmp_path / "domains"),)


@pytest.mark.parametrize(
    ("environ", "message"),
    [
        pytest.param(
            {"POET_MODE": "online"},
            "POET_MODE: mode = 'online': expected 'offline' or 'eager' or 'background' or 'frozen' "
            "(all that this version supports)",
            id="mode",
        ),
        pytest.param(
            {"POET_ON_STALE": "ignore"},
            "POET_ON_STALE: on_stale = 'ignore': expected 'raise' or 'warn' (all that this version supports)",
            id="on-stale",
        ),
        pytest.param(
            {"POET_GENERATOR": "magic"},
            "POET_GENERATOR: generator = 'magic': expected 'llm' or 'remote' (all that this version supports)",
            id="generator",
        ),
        pytest.param(
            {"POET_GENERATION_TIMEOUT": "-1"},
            "POET_GENERATION_TIMEOUT: generation_timeout = '-1': expected a number of seconds above 0, at most 3600",
            id="seconds",
        ),
        pytest.param(
            {"POET_GENERATION_TIMEOUT": "soon"},
            "POET_GENERATION_TIMEOUT: generation_timeout = 'soon': expected a number of seconds above 0, at most 3600",
            id="no-seconds",
        ),
        pytest.param({"POET_MODEL": " "}, "POET_MODEL: model = ' ': expected a text", id="text"),
        pytest.param({"POET_LLM_API_KEY": " "}, "POET_LLM_API_KEY: llm_api_key: expected a text", id="key"),
        pytest.param(
            {"POET_STRICT": "maybe"},
            "POET_STRICT: strict = 'maybe': expected one of 1, true, yes, on, 0, false, no, off",
            id="switch",
        ),
    ],
)
def test_bad_variable_is_refused_with_its_name(environ: dict[str, str], message: str) -> None:
    with pytest.raises(ValueError, match="expected") as caught:
        Settings.read(environ)

    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        pytest.param("mode = 3", "'offline'", id="mode"),
        pytest.param("strict = 1", "one of 1, true", id="switch"),
        pytest.param("cache_dir = 5", "the path of a directory", id="path"),
        pytest.param('cache_dir = ""', "the path of a directory", id="empty-path"),
        pytest.param("templates = 7", "a list of paths", id="paths"),
        pytest.param('templates = ["domains", 7]', "a list of paths", id="one-bad-path"),
    ],
)
def test_bad_value_in_pyproject_is_refused_with_its_file(project: WriteProject, line: str, expected: str) -> None:
    directory = project(line)

    with pytest.raises(ValueError, match=expected) as caught:
        Settings.read({}, directory)

    assert str(directory / "pyproject.toml") in str(caught.value)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"[tool.poet-import\n", id="toml"),
        pytest.param(b"[tool.poet-import]\nmode = '\xff'\n", id="encoding"),
    ],
)
def test_broken_pyproject_is_refused_with_its_path(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "pyproject.toml").write_bytes(content)

    with pytest.raises(ValueError, match=r"pyproject\.toml: not valid TOML"):
        Settings.read({}, tmp_path)


def test_something_else_than_a_table_is_refused(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("tool.poet-import = 3\n", encoding="utf-8")

    with pytest.raises(ValueError, match=r"tool\.poet-import = 3: expected a table"):
        Settings.read({}, tmp_path)


def test_broken_pyproject_of_others_is_none_of_our_business(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.other\n", encoding="utf-8")

    assert Settings.read({}, tmp_path) == Settings()


def test_table_named_only_in_a_comment_is_no_table(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("# see [tool.poet-import]\n", encoding="utf-8")

    assert Settings.read({}, tmp_path) == Settings()


def test_unknown_key_warns_with_the_nearest_name(project: WriteProject) -> None:
    directory = project('cache-dir = "x"')

    with pytest.warns(PoetWarning, match="no setting 'cache-dir'; did you mean 'cache_dir'"):
        settings = Settings.read({}, directory)

    assert settings == Settings()


def test_key_that_is_near_to_nothing_lists_what_there_is(project: WriteProject) -> None:
    directory = project("xyzzy = 1")

    with pytest.warns(PoetWarning, match="'xyzzy'; it has mode, strict, active, .*; it is ignored"):
        Settings.read({}, directory)


def test_unknown_argument_is_a_type_error_with_the_nearest_name() -> None:
    with pytest.raises(TypeError, match="no setting 'stricts'; did you mean 'strict'"):
        Settings.read({}, stricts=True)


@pytest.mark.parametrize("name", ["environ", "directory"])
def test_parameters_of_reading_are_no_settings(name: str) -> None:
    with pytest.raises(TypeError, match=f"no setting '{name}'"):
        Settings.read(**{name: "."})


def test_settings_cannot_be_changed() -> None:
    settings = Settings()

    with pytest.raises(AttributeError, match=r"poet_import\.install\(strict="):
        settings.strict = True
    with pytest.raises(AttributeError, match="cannot be changed"):
        del settings.strict


def test_equality_does_not_look_at_the_sources() -> None:
    settings = Settings.read({"POET_STRICT": "1"})

    assert settings == Settings(strict=True)
    assert hash(settings) == hash(Settings(strict=True))
    assert settings != Settings()
    assert settings != "settings"


def test_repr_can_be_evaluated() -> None:
    settings = Settings(strict=True, templates=("/domains",))

    assert eval(repr(settings)) == settings


def test_fingerprint_follows_what_changes_woven_code() -> None:
    plain = Settings().fingerprint()

    assert Settings(templates=("/domains",)).fingerprint() != plain
    assert Settings(strict=True, cache_dir="/cache", active=False).fingerprint() == plain


@given(st.lists(st.text(min_size=1)), st.lists(st.text(min_size=1)))
def test_fingerprints_are_equal_only_for_equal_templates(one: list[str], other: list[str]) -> None:
    fingerprints = {Settings(templates=tuple(templates)).fingerprint() for templates in (one, other)}

    assert (len(fingerprints) == 1) is (one == other)


READS_SETTINGS = """
import sys
sys.path.insert(0, sys.argv[1])
before = set(sys.modules)
from poet_import.settings import Settings
Settings.read({})
print(*sorted({"tomllib", "re", "typing", "dataclasses", "pathlib"} & (set(sys.modules) - before)))
"""


def test_reading_without_a_table_imports_nothing_heavy(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[project]\ndependencies = ["poet-import"]\n', encoding="utf-8")
    command = [sys.executable, "-I", "-c", READS_SETTINGS, str(Path(__file__).parent.parent)]

    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)

    assert ran.stdout.split() == []
