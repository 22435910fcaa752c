"""The manifests as documents, before and after a change."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
KUBERNETES = ROOT / "deploy" / "kubernetes"
Document = dict[str, Any]  # Any: YAML

_UNITS = {"Ki": 2**10, "Mi": 2**20, "Gi": 2**30}


def read(path: Path) -> list[Document]:
    """Return the documents of a file."""
    return [document for document in yaml.safe_load_all(path.read_text(encoding="utf-8")) if document]


def base() -> list[Document]:
    """Return the base, with what its generator makes, and stand-ins for the secrets that an operator makes."""
    folder = KUBERNETES / "base"
    (kustomization,) = read(folder / "kustomization.yaml")
    found = [document for name in kustomization["resources"] for document in read(folder / name)]
    for generator in kustomization["configMapGenerator"]:
        lines = [line for name in generator["envs"] for line in (folder / name).read_text().splitlines()]
        pairs = [line.partition("=") for line in lines if line and not line.startswith("#")]
        data = {name: value for name, _, value in pairs}
        found.append({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": generator["name"]}, "data": data})
    keys = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "poet-keys"}, "data": {"keys.json": "e30="}}
    return [*found, keys]


def changed(documents: list[Document], kind: str, path: str, value: object) -> list[Document]:
    """Return a copy of documents with one value another; None takes it away."""
    found = copy.deepcopy(documents)
    place: Any = next(document for document in found if document["kind"] == kind)  # Any: YAML
    *steps, last = [int(step) if step.isdigit() else step.replace("|", ".") for step in path.split(".")]
    for step in steps:
        place = place[step]
    if value is None:
        del place[last]
    else:
        place[last] = value
    return found


def of_kind(documents: list[Document], kind: str) -> list[Document]:
    """Return the documents of a kind."""
    return [document for document in documents if document["kind"] == kind]


def names_of(documents: list[Document], kind: str) -> set[str]:
    """Return the names of the documents of a kind."""
    return {document["metadata"]["name"] for document in of_kind(documents, kind)}


def service_of(documents: list[Document]) -> Document:
    """Return the Deployment of the service."""
    return next(one for one in of_kind(documents, "Deployment") if one["metadata"]["name"] == "poet")


def pod_of(deployment: Document) -> Document:
    """Return what its pods are."""
    pod: Document = deployment["spec"]["template"]["spec"]
    return pod


def container_of(documents: list[Document]) -> Document:
    """Return the container of the service."""
    container: Document
    (container,) = pod_of(service_of(documents))["containers"]
    return container


def settings_of(documents: list[Document]) -> dict[str, str]:
    """Return the settings that the service's pods get from ConfigMaps."""
    sources = container_of(documents)["envFrom"]
    named = {row["configMapRef"]["name"] for row in sources if "configMapRef" in row}
    found = [one["data"] for one in of_kind(documents, "ConfigMap") if one["metadata"]["name"] in named]
    return {name: value for data in found for name, value in data.items()}


def bytes_of(quantity: str) -> float:
    """Return how many bytes a quantity of memory is."""
    return float(quantity[:-2]) * _UNITS[quantity[-2:]]


def selects(selector: dict[str, str], labels: dict[str, str]) -> bool:
    """Tell whether a selector chooses what has some labels."""
    return bool(selector) and selector.items() <= labels.items()
