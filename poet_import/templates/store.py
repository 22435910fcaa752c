"""Where templates are found, and how one is folded together with those that it extends."""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Final

from poet_import.cache.template_digest import current_version, digest_parts, find_root, template_digest
from poet_import.errors import PoetWarning, TemplateError
from poet_import.model import Language, Template
from poet_import.templates.metadata import describe_unknown, parse_metadata

_BASE: Final = "base"
_DANA: Final = "dana"  # the domain whose texts ask for a Dana function where its own domain's are for Python
_TEXTS: Final = ("template.txt", "train_addon.txt")
_DOMAIN: Final = re.compile(r"[a-z][a-z0-9_]{0,63}")
_VERSION: Final = re.compile(r"v[1-9][0-9]*")
_FOR_DANA: Final = """\
language: this is written for Dana, and a Python function names it; name another domain there, or write "python" here"""
_EXTENDS_DANA: Final = """\
extends: {!r} is written for Dana, which a domain for Python cannot extend; extend one for Python, or write \
"language": "dana" here"""


def template_roots(extra: Iterable[str | os.PathLike[str]] = ()) -> tuple[Path, ...]:
    """Return the folders that hold domains, in the order of search: the user's, then the shipped one."""
    return (*(Path(os.path.abspath(root)) for root in extra), _shipped_root())


def _shipped_root() -> Path:
    """Return the package's own folder in an installed wheel, else the checkout's.

    In this order: beside an installed package, ``templates`` is some other package's.
    """
    package = Path(__file__).parent.parent
    return package / "_templates" if (package / "_templates").is_dir() else package.parent / "templates"


class TemplateStore:
    """The domains under some roots; the first root that has a domain wins.

    A domain is read once in the life of a store, so all functions of an import get the same version.
    """

    def __init__(self, roots: Iterable[Path], *, prompts: bool = False, language: Language = "python") -> None:
        """Take the roots.

        Args:
            roots: Folders that hold domains, in the order of search.
            prompts: Whether a template whose texts cannot be rendered is broken; this loads the template engine.
            language: Of the functions that templates are found for.
        """
        self._roots = tuple(str(root) for root in roots)
        self._prompts = prompts
        self._language: Language = language
        self._found: dict[tuple[Language, str], Template] = {}

    def domains(self) -> tuple[str, ...]:
        """Return the names of the domains under all roots, sorted, broken ones included."""
        names: set[str] = set()
        for root in self._roots:
            with suppress(OSError), os.scandir(root) as entries:
                names.update(entry.name for entry in entries if entry.is_dir())
        return tuple(sorted(filter(_DOMAIN.fullmatch, names)))

    def find(self, domain: str | None) -> Template:
        """Return the domain's template; ``base`` for None, and with one `PoetWarning` where it cannot be used.

        It is unknown or broken, or written for Dana where the function is in Python. Such a stand-in has what was
        looked at before ``base`` in its lineage, so that mending it changes the digest.
        """
        return self._find(_BASE if domain is None else domain, self._language)

    def _find(self, name: str, language: Language) -> Template:
        key = (language, name)
        if key in self._found:
            return self._found[key]
        lineage: list[str] = []
        try:
            return self._found.setdefault(key, self._fold(name, lineage, self._roots, language=language))
        except TemplateError as broken:
            template = self._stand_in(name, lineage, language)
            if self._found.setdefault(key, template) is template:  # of threads that ask at once, one warns
                instead = (
                    f"the {name} of a later root, or an empty one," if name == template.domain else template.domain
                )
                warnings.warn(f"{broken}; {instead} is used instead", PoetWarning, stacklevel=3)
            return self._found[key]

    def load(self, domain: str) -> Template:
        """Return the domain's template with what it extends folded in, for functions in the language it is written for.

        Raises:
            TemplateError: The domain is unknown, or it or what it extends is broken.
        """
        return self._fold(domain, [], self._roots)

    def _fold(
        self, domain: str, lineage: list[str], roots: tuple[str, ...], *, language: Language | None = None
    ) -> Template:
        """Read the domain and what it extends; each name looked for is appended to ``lineage``, also on failure."""
        layers = self._layers(domain, lineage, roots)
        own = layers[0].template.language
        if language == "python" and own == "dana":
            raise TemplateError(_FOR_DANA, filename=layers[0].filename)
        folded = layers[-1].template
        for layer in reversed(layers[:-1]):
            folded = _over(layer.template, folded)
        declared = replace(folded, lineage=tuple(lineage), digest=_digest(layers, lambda layer: (layer.metadata,)))
        template = self._with_texts(declared, layers, language or own)
        if self._prompts:
            from poet_import.templates.prompts import check_texts  # loads the template engine

            check_texts(template)
        return template

    def _with_texts(self, template: Template, layers: list[_Layer], language: Language) -> Template:
        """Return a template with the texts that ask in a language: its own, in Dana with those of ``dana`` below."""
        asking = [layer for layer in layers if layer.template.language == language]
        texts = tuple(text for layer in asking for text in layer.named_texts())
        digest = _digest(asking, lambda layer: layer.texts)
        if language == "dana" and _DANA not in template.lineage:
            frame = self._find(_DANA, "dana")
            texts, digest = (*texts, *frame.texts), f"{digest} {frame.prompt_digest}"
        return replace(template, language=language, texts=texts, prompt_digest=digest)

    def _layers(self, domain: str, lineage: list[str], roots: tuple[str, ...]) -> list[_Layer]:
        """Return a domain and what it extends, as they are written."""
        layers = [self._layer(domain, lineage, roots)]
        while (parent := layers[-1].extends) is not None:
            child = layers[-1]
            if parent in lineage:
                circle = " -> ".join([*lineage, parent])
                raise TemplateError(f"extends: {circle} goes in a circle; break it here", filename=child.filename)
            try:
                layers.append(self._layer(parent, lineage, roots))
            except TemplateError as broken:
                broken.filename = broken.filename or child.filename
                raise
            if child.template.language == "python" and layers[-1].template.language == "dana":
                raise TemplateError(_EXTENDS_DANA.format(parent), filename=child.filename)
        return layers

    def _layer(self, domain: str, lineage: list[str], roots: tuple[str, ...]) -> _Layer:
        root = None
        if _DOMAIN.fullmatch(domain):  # any other name could lead out of the root
            lineage.append(domain)
            root = find_root(roots, domain)
        if root is None:
            unknown = describe_unknown("domain", domain, self.domains())
            raise TemplateError(f"{unknown}; a new one is a folder in {' or '.join(roots) or 'a root'}")
        return _read_layer(root, domain)

    def _stand_in(self, name: str, lineage: list[str], language: Language) -> Template:
        has_later = name == _BASE or (name, language) == (_DANA, "dana")
        base = self._later(name, language) if has_later else self._find(_BASE, language)
        looked_at = tuple(dict.fromkeys((*lineage, *base.lineage)))
        return replace(base, lineage=looked_at, digest=template_digest(self._roots, looked_at))

    def _later(self, name: str, language: Language) -> Template:
        for start in range(1, len(self._roots)):
            with suppress(TemplateError):
                return self._fold(name, [], self._roots[start:], language=language)
        return Template(domain=name, version="v0", description="", digest="", lineage=(name,), language=language)


@cache
def store_over(extra: tuple[str, ...], *, prompts: bool = False, language: Language = "python") -> TemplateStore:
    """Return the process's one store over these roots and the shipped one, for functions in a language."""
    return TemplateStore(template_roots(extra), prompts=prompts, language=language)


@dataclass(frozen=True, slots=True)
class _Layer:
    """One metadata.json as it is written, before what it extends is folded in."""

    template: Template
    extends: str | None
    metadata: bytes
    texts: tuple[bytes, bytes]  # template.txt and train_addon.txt, empty where there is none
    filename: str

    def named_texts(self) -> list[tuple[str, str]]:
        """Return those texts that it has, under the names by which other templates extend and include them.

        Raises:
            TemplateError: One is not UTF-8.
        """
        folder = os.path.dirname(self.filename)
        named = [(name, text) for name, text in zip(_TEXTS, self.texts, strict=True) if text or name == _TEXTS[0]]
        return [(f"{self.template.domain}/{name}", _decoded(text, os.path.join(folder, name))) for name, text in named]


def _digest(layers: list[_Layer], parts: Callable[[_Layer], tuple[bytes, ...]]) -> str:
    return digest_parts((layer.template.domain, layer.template.version, parts(layer)) for layer in layers)


def _decoded(text: bytes, filename: str) -> str:
    try:
        return text.decode()
    except UnicodeDecodeError as error:
        raise TemplateError(f"is not UTF-8 at byte {error.start}; save it as UTF-8", filename=filename) from error


def _over(child: Template, parent: Template) -> Template:
    """Lay a template over the one that it extends."""
    return replace(
        child,
        retries=parent.retries if child.retries is None else child.retries,
        timeout=parent.timeout if child.timeout is None else child.timeout,
        retry_on=child.retry_on or parent.retry_on,
        checks=parent.checks + child.checks,
        imports=tuple(dict.fromkeys(parent.imports + child.imports)),
        enhancements=tuple(dict.fromkeys(parent.enhancements + child.enhancements)),
    )


def _read_layer(root: str, domain: str) -> _Layer:
    folder = os.path.join(root, domain)
    version = _version(folder)
    prompt = _read(os.path.join(folder, version, _TEXTS[0]), root)
    addon = os.path.join(folder, version, _TEXTS[1])
    texts = (prompt, _read(addon, root) if os.path.lexists(addon) else b"")
    filename = os.path.join(folder, version, "metadata.json")
    metadata = _read(filename, root)
    try:
        template, extends = parse_metadata(metadata, domain, version)
    except TemplateError as broken:
        broken.filename = filename
        raise
    return _Layer(template, extends, metadata, texts=texts, filename=filename)


def _version(folder: str) -> str:
    pointer = os.path.join(folder, "current")
    advice = "make it a link to a version's folder, or a file that holds its name, as v1"
    try:
        version = current_version(folder)
    except (OSError, ValueError) as error:
        raise TemplateError(f"cannot be read ({error}); {advice}", filename=pointer) from error
    if not _VERSION.fullmatch(version):
        raise TemplateError(f"names {version!r}, which is no version; {advice}", filename=pointer)
    if not os.path.isdir(os.path.join(folder, version)):
        raise TemplateError(f"names {version}, which is no folder beside it; {advice}", filename=pointer)
    return version


def _read(filename: str, root: str) -> bytes:
    # An installer may link the shipped files from its own cache (uv does), so they are not held to their root.
    if root != str(_shipped_root()) and not Path(os.path.realpath(filename)).is_relative_to(os.path.realpath(root)):
        raise TemplateError(f"leads out of {root}; put the file itself there", filename=filename)
    try:
        with open(filename, "rb") as file:
            return file.read()
    except OSError as error:
        reason = f"cannot be read ({error.strerror}); put a readable file there"
        raise TemplateError(reason, filename=filename) from error
