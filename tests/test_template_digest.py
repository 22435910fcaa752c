from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from poet_import.cache.template_digest import current_version, template_digest


def write_domain(root: Path, domain: str, metadata: bytes = b"{}", version: str = "v1") -> Path:
    folder = root / domain / version
    folder.mkdir(parents=True)
    (folder / "metadata.json").write_bytes(metadata)
    (folder / "template.txt").touch()
    (root / domain / "current").write_text(f"{version}\n")
    return folder


def test_digest_is_128_bits_in_hex(tmp_path: Path) -> None:
    write_domain(tmp_path, "base")

    digest = template_digest([str(tmp_path)], ["base"])

    assert len(bytes.fromhex(digest)) == 16


def test_digest_does_not_depend_on_where_the_root_is(tmp_path: Path) -> None:
    for root in (tmp_path / "here", tmp_path / "there"):
        write_domain(root, "base")

    assert template_digest([str(tmp_path / "here")], ["base"]) == template_digest([str(tmp_path / "there")], ["base"])


def test_link_and_file_as_current_give_the_same_digest(tmp_path: Path) -> None:
    write_domain(tmp_path / "file", "base")
    write_domain(tmp_path / "link", "base")
    pointer = tmp_path / "link" / "base" / "current"
    pointer.unlink()
    pointer.symlink_to("v1")

    assert current_version(str(pointer.parent)) == "v1"
    assert template_digest([str(tmp_path / "file")], ["base"]) == template_digest([str(tmp_path / "link")], ["base"])


def test_edited_metadata_changes_the_digest(tmp_path: Path) -> None:
    folder = write_domain(tmp_path, "base")
    before = template_digest([str(tmp_path)], ["base"])

    (folder / "metadata.json").write_bytes(b"{ }")

    assert template_digest([str(tmp_path)], ["base"]) != before


def test_other_version_with_the_same_metadata_changes_the_digest_and_a_rollback_restores_it(tmp_path: Path) -> None:
    write_domain(tmp_path, "base", version="v2")
    write_domain(tmp_path, "base", version="v1")
    first = template_digest([str(tmp_path)], ["base"])
    (tmp_path / "base" / "current").write_text("v2")
    second = template_digest([str(tmp_path)], ["base"])
    (tmp_path / "base" / "current").write_text("v1")

    assert first != second
    assert template_digest([str(tmp_path)], ["base"]) == first


def test_order_of_the_lineage_changes_the_digest(tmp_path: Path) -> None:
    write_domain(tmp_path, "base")
    write_domain(tmp_path, "shop")
    roots = [str(tmp_path)]

    assert template_digest(roots, ["shop", "base"]) != template_digest(roots, ["base", "shop"])


def test_parts_cannot_flow_into_each_other(tmp_path: Path) -> None:
    write_domain(tmp_path, "ab")
    write_domain(tmp_path, "a", b"b{}")

    assert template_digest([str(tmp_path)], ["ab"]) != template_digest([str(tmp_path)], ["a"])


def test_first_root_that_has_the_domain_wins(tmp_path: Path) -> None:
    write_domain(tmp_path / "first", "base", b"1")
    write_domain(tmp_path / "second", "base", b"2")
    roots = [str(tmp_path / name) for name in ("none", "first", "second")]

    assert template_digest(roots, ["base"]) == template_digest(roots[1:2], ["base"])


@pytest.mark.parametrize("missing", ["current", "v1/metadata.json", "v1/template.txt"])
def test_mending_a_missing_file_changes_the_digest(tmp_path: Path, missing: str) -> None:
    write_domain(tmp_path, "base")
    whole = template_digest([str(tmp_path)], ["base"])

    (tmp_path / "base" / missing).unlink()

    assert template_digest([str(tmp_path)], ["base"]) != whole


@pytest.mark.parametrize(
    "domain", ["shop", "../base", "", "with\0null", "\ud800"], ids=["unknown", "outside", "empty", "null", "surrogate"]
)
def test_name_that_no_folder_has_digests_as_missing(tmp_path: Path, domain: str) -> None:
    assert template_digest([str(tmp_path)], [domain]) != template_digest([str(tmp_path)], [])


@pytest.mark.parametrize("content", [b"\xff", b"with\0null", b"../../elsewhere", b""])
def test_current_that_names_no_version_digests_as_missing(tmp_path: Path, content: bytes) -> None:
    write_domain(tmp_path, "base")
    whole = template_digest([str(tmp_path)], ["base"])

    (tmp_path / "base" / "current").write_bytes(content)

    assert template_digest([str(tmp_path)], ["base"]) != whole


def test_folder_in_the_place_of_metadata_digests_as_missing(tmp_path: Path) -> None:
    folder = write_domain(tmp_path, "base")
    (folder / "metadata.json").unlink()
    without = template_digest([str(tmp_path)], ["base"])

    (folder / "metadata.json").mkdir()

    assert template_digest([str(tmp_path)], ["base"]) == without


def test_module_imports_nothing_but_what_the_interpreter_has_and_blake2() -> None:
    path = Path(__file__).parents[1] / "poet_import" / "cache" / "template_digest.py"
    program = (
        "import sys; before = set(sys.modules); text = open(sys.argv[1]).read(); "
        "exec(compile(text, 'm', 'exec'), {}); print(*sorted(set(sys.modules) - before))"
    )

    loaded = subprocess.run(
        [sys.executable, "-I", "-c", program, str(path)], capture_output=True, text=True, check=True
    )

    assert set(loaded.stdout.split()) <= {"_blake2"}
