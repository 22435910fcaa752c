"""The digest of a template and of what it extends.

The warm path computes it before a cached module may run, so this imports nothing but what the interpreter has loaded.
"""

import os
from _blake2 import blake2b  # hashlib loads OpenSSL, which costs more than a cached module

TYPE_CHECKING = False  # typing is not imported on the warm path; type checkers know the name
if TYPE_CHECKING:
    from collections.abc import Iterable

# No sound template has these bytes: they are no JSON.
_MISSING = b"missing"
_TEXTS = ("template.txt", "train_addon.txt")


def template_digest(roots: "Iterable[str]", lineage: "Iterable[str]", *, prompts: bool = False) -> str:
    """Digest the current versions of a template's domains, the template's own first; with ``prompts`` their texts too.

    What is missing or cannot be read digests as missing, so that mending it changes the digest. Never raises.
    """
    places = tuple(roots)
    return digest_parts([_read_part(places, domain, prompts=prompts) for domain in lineage])


def digest_parts(parts: "Iterable[tuple[str, str, Iterable[bytes]]]") -> str:
    """Digest domains, each given as its name, its version and the bytes of files of it."""
    digest = blake2b(digest_size=16)
    for domain, version, files in parts:
        # A name may hold a lone surrogate: it comes from a literal of the user's, or from a file name.
        for field in (domain.encode("utf-8", "surrogatepass"), version.encode("utf-8", "surrogatepass"), *files):
            digest.update(len(field).to_bytes(8, "big"))
            digest.update(field)
    return digest.hexdigest()


def find_root(roots: "Iterable[str]", domain: str) -> str | None:
    """Return the first root that has a folder for the domain, or None."""
    for root in roots:
        if os.path.isdir(os.path.join(root, domain)):
            return root
    return None


def current_version(folder: str) -> str:
    """Return what ``current`` in a domain's folder says, unchecked: a link's target or a file's text.

    Raises:
        OSError: It is missing or cannot be read.
        ValueError: It is a file of something else than text.
    """
    pointer = os.path.join(folder, "current")
    try:
        return os.readlink(pointer)
    except OSError:  # a wheel holds no links, nor does a checkout on Windows
        with open(pointer, "rb") as file:
            return file.read().decode().strip()


def _read_part(roots: tuple[str, ...], domain: str, *, prompts: bool) -> "tuple[str, str, list[bytes]]":
    root = find_root(roots, domain)
    if root is None:
        return domain, "", [_MISSING]
    version = ""
    try:
        version = current_version(os.path.join(root, domain))
        folder = os.path.join(root, domain, version)
        os.stat(os.path.join(folder, "template.txt"))  # a template without it is broken: adding it must show
        with open(os.path.join(folder, "metadata.json"), "rb") as file:
            metadata = file.read()
    except (OSError, ValueError):
        return domain, version, [_MISSING]
    return domain, version, [metadata, *(_read_text(folder, name) for name in _TEXTS if prompts)]


def _read_text(folder: str, name: str) -> bytes:
    try:
        with open(os.path.join(folder, name), "rb") as file:
            return file.read()
    except OSError:
        return _MISSING
