"""What a pod is told and allowed: its settings, its times, its rights and its size."""

from __future__ import annotations

import ast
import posixpath
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from manifests import Document, bytes_of, container_of, of_kind, pod_of, service_of, settings_of

import poet_import
from poet_import.service.configuration import ServiceSettings

_SLACK_SECONDS = 5
_SERVER_MEMORY = 512 * 2**20  # the server with its answers, and what the jail's children need beside the workers
_VARIABLE = re.compile(r"POET_[A-Z_]*[A-Z]")


@cache
def variables_of_the_package() -> frozenset[str]:
    """Return all variables that the package reads: every text in it that is the name of one."""
    found = set()
    for path in Path(poet_import.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and _VARIABLE.fullmatch(node.value):
                found.add(node.value)
    return frozenset(found)


def _settings(documents: list[Document]) -> Iterator[str]:
    """The service knows each setting."""
    secrets = [one for one in of_kind(documents, "Secret") if one["metadata"]["name"].startswith("poet-environment")]
    given = settings_of(documents).keys() | {name for one in secrets for name in one["data"]}
    for name in sorted(given - variables_of_the_package()):
        yield f"the package reads no variable {name}"


def _folders(documents: list[Document]) -> Iterator[str]:
    """What the service is to write lies below a volume, in a folder of its own."""
    mounts = {mount["mountPath"]: mount for mount in container_of(documents)["volumeMounts"]}
    for name in ("POET_CACHE_DIR", "POET_DATA_DIR"):
        found = settings_of(documents).get(name, "/")
        mount = mounts.get(posixpath.dirname(found))
        if mount is None or mount.get("readOnly"):
            yield f"{name} is {found}, which is no folder right below a volume that may be written to"


def _keys(documents: list[Document]) -> Iterator[str]:
    """The file of keys comes from a Secret, nobody else may read it, and it is renewed."""
    path = settings_of(documents).get("POET_KEYS_FILE", "")
    folder, _, file = path.rpartition("/")
    mount = next((row for row in container_of(documents)["volumeMounts"] if row["mountPath"] == folder), {})
    volumes = {row["name"]: row["secret"] for row in pod_of(service_of(documents))["volumes"] if "secret" in row}
    secret = volumes.get(mount.get("name"), {})
    made = {one["metadata"]["name"]: one["data"] for one in of_kind(documents, "Secret")}
    if file not in made.get(secret.get("secretName"), {}):
        yield f"POET_KEYS_FILE is {path}, which no Secret is mounted as"
    elif secret.get("defaultMode", 0o644) & 0o027 or "subPath" in mount:
        yield "keys may be read by others, or are never renewed"


def _times(documents: list[Document]) -> Iterator[str]:
    """A pod has the time to end by itself."""
    settings, deployment = settings_of(documents), service_of(documents)
    needed = float(settings["POET_DRAIN_SECONDS"]) + float(settings["POET_REQUEST_SECONDS"]) + 1 + _SLACK_SECONDS
    given = pod_of(deployment).get("terminationGracePeriodSeconds", 30)
    if given < needed:
        yield f"a pod is killed after {given} s, and may need {needed:g} s"
    container = container_of(documents)
    probe = container.get("readinessProbe", {})
    if float(settings["POET_DRAIN_SECONDS"]) < probe.get("timeoutSeconds", 1) + probe.get("periodSeconds", 10):
        yield "it drains for less time than readiness takes to notice"


def _replacing(documents: list[Document]) -> Iterator[str]:
    """No replica goes before another one is ready."""
    deployment = service_of(documents)
    strategy = deployment["spec"].get("strategy", {})
    if strategy.get("rollingUpdate", {}).get("maxUnavailable") != 0 or strategy.get("type") != "RollingUpdate":
        yield "a roll-out takes replicas away before new ones are ready"
    if "replicas" in deployment["spec"]:
        yield "the Deployment says how many replicas there are, and so undoes what the autoscaler says"
    for budget in of_kind(documents, "PodDisruptionBudget"):
        if budget["spec"].get("maxUnavailable") != 1:
            yield "the PodDisruptionBudget lets more than one replica go, or none where there is one"


def _restricted(documents: list[Document]) -> Iterator[str]:
    """Every pod keeps to the profile "restricted", and gets nothing of the cluster's."""
    for document in of_kind(documents, "Deployment"):
        pod, name = pod_of(document), document["metadata"]["name"]
        context = pod.get("securityContext", {})
        faults = {
            "may run as root": not all(context.get(field) for field in ("runAsNonRoot", "runAsUser", "runAsGroup")),
            "has not the runtime's seccomp profile": context.get("seccompProfile") != {"type": "RuntimeDefault"},
            "gets a token of the cluster": pod.get("automountServiceAccountToken") is not False,
            "gets a variable for each Service, and POET_PORT may be one": pod.get("enableServiceLinks") is not False,
            "shares what is the node's": any(pod.get(field) for field in ("hostNetwork", "hostPID", "hostIPC")),
        }
        yield from (f"{name} {fault}" for fault, holds in faults.items() if holds)


def _first_process(documents: list[Document]) -> Iterator[str]:
    """The service is not the first process of its pod: it would never take up what its workers leave behind."""
    if not pod_of(service_of(documents)).get("shareProcessNamespace"):
        yield "what a lost worker has tried stays as a zombie"


def _rights(documents: list[Document]) -> Iterator[str]:
    """No container may do more than a process of its user, nor write to its root."""
    for document in of_kind(documents, "Deployment"):
        for container in pod_of(document)["containers"]:
            context = container.get("securityContext", {})
            faults = {
                "may gain privileges": context.get("allowPrivilegeEscalation") is not False or "privileged" in context,
                "keeps capabilities": context.get("capabilities") != {"drop": ["ALL"]},
                "may write to its root": context.get("readOnlyRootFilesystem") is not True,
            }
            yield from (f"{document['metadata']['name']} {fault}" for fault, holds in faults.items() if holds)


def _sizes(documents: list[Document]) -> Iterator[str]:
    """Each container is bounded, and the service has room for its workers."""
    for document in of_kind(documents, "Deployment"):
        for container in pod_of(document)["containers"]:
            sizes = container.get("resources", {})
            if not all({"cpu", "memory"} <= sizes.get(kind, {}).keys() for kind in ("requests", "limits")):
                yield f"{document['metadata']['name']} is not bounded"
    container = container_of(documents)
    workers = int(settings_of(documents).get("POET_WORKERS", 64))
    needed = workers * ServiceSettings.__dataclass_fields__["worker_memory"].default + _SERVER_MEMORY
    if bytes_of(container.get("resources", {}).get("limits", {}).get("memory", "0Mi")) < needed:
        yield f"{workers} workers may need {needed // 2**20} MiB, and are not let have it"


CHECKS = {
    "settings": _settings,
    "folders": _folders,
    "keys": _keys,
    "times": _times,
    "replacing": _replacing,
    "restricted": _restricted,
    "first process": _first_process,
    "rights": _rights,
    "sizes": _sizes,
}
