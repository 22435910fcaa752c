"""The image's recipe, instruction by instruction, and what must hold of it."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import dockerfile
from conduct import variables_of_the_package
from manifests import ROOT, base, pod_of, service_of, settings_of
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

DOCKERFILE = ROOT / "deploy" / "Dockerfile"
CONSTRAINTS = ROOT / "deploy" / "constraints.txt"

_EXACT = re.compile(r"[\w./-]+:\d+\.\d+\.\d+-[\w-]+")
_BUILDERS = re.compile(r"\b(apt-get|apt|apk|gcc|make|pip3? install)\b")
_SECRET = re.compile(r"KEY|TOKEN|SECRET|PASSWORD")


@dataclass(frozen=True, slots=True)
class Recipe:
    """What a Dockerfile says."""

    stages: tuple[tuple[dockerfile.Command, ...], ...]

    @classmethod
    def of(cls, text: str) -> Recipe:
        """Read a text with the parser that Docker itself has."""
        stages: list[list[dockerfile.Command]] = []
        for command in dockerfile.parse_string(text):
            if command.cmd.upper() == "FROM":
                stages.append([])
            stages[-1].append(command)
        return cls(tuple(map(tuple, stages)))

    def of_kind(self, kind: str, stage: int = -1) -> list[dockerfile.Command]:
        """Return the instructions of a kind in a stage, the last one if none is named."""
        return [command for command in self.stages[stage] if command.cmd.upper() == kind]

    def all_of_kind(self, kind: str) -> list[dockerfile.Command]:
        """Return the instructions of a kind in all stages."""
        return [command for stage in range(len(self.stages)) for command in self.of_kind(kind, stage)]

    def environment(self) -> dict[str, str]:
        """Return the variables of the last stage."""
        values = [value for command in self.of_kind("ENV") for value in command.value]
        return {name: text.strip('"') for name, text in zip(values[::2], values[1::2], strict=True)}


def faults(recipe: Recipe) -> list[str]:
    """Return all that is wrong."""
    return [fault for check in (_bases, _last_stage, _user, _health, _variables, _build) for fault in check(recipe)]


def _bases(recipe: Recipe) -> Iterator[str]:
    """One base, by its exact tag; each further stage begins with an earlier one."""
    (first, *later) = recipe.all_of_kind("FROM")
    if not _EXACT.fullmatch(first.value[0]):
        yield f"the base {first.value[0]} has no exact tag"
    known = [command.value[2] for command in (first, *later) if len(command.value) == 3]
    yield from (f"a second base: {command.value[0]}" for command in later if command.value[0] not in known)


def _last_stage(recipe: Recipe) -> Iterator[str]:
    """What is built comes from another stage, and nothing is built or installed in the last one."""
    copied = [command for command in recipe.of_kind("COPY") if "--from=build" in command.flags]
    if not copied or len(copied) != len(recipe.of_kind("COPY")):
        yield "the last stage copies from elsewhere than the build"
    for command in recipe.of_kind("RUN"):
        if found := _BUILDERS.search(command.value[0]):
            yield f"the last stage runs {found[0]}"
    if not any("pip uninstall" in command.value[0] for command in recipe.of_kind("RUN")):
        yield "the last stage keeps pip"


def _user(recipe: Recipe) -> Iterator[str]:
    """The user is a number, the one that pods have, and owns the folders that are written to."""
    users = [command.value[0] for command in recipe.of_kind("USER")]
    context = pod_of(service_of(base()))["securityContext"]
    if users != [f"{context['runAsUser']}:{context['runAsGroup']}"]:
        yield f"the user is {', '.join(users) or 'root'}, and in a pod {context['runAsUser']}:{context['runAsGroup']}"
    owner = f"--owner {context['runAsUser']} --group {context['runAsGroup']} --mode 0700"
    if not any(owner in command.value[0] for command in recipe.of_kind("RUN")):
        yield "the folders that are written to do not belong to the user alone"


def _health(recipe: Recipe) -> Iterator[str]:
    """Docker learns whether it lives without a shell, and without a program that is there for that alone."""
    found = recipe.of_kind("HEALTHCHECK")
    if len(found) != 1 or not found[0].json or found[0].value[:2] != ("CMD", "python"):
        yield "there is no check of health by Python alone"
    elif "/healthz" not in found[0].value[-1]:
        yield "the check of health does not ask /healthz"
    for kind in ("ENTRYPOINT", "CMD"):
        if [command.json for command in recipe.of_kind(kind)] != [True]:
            yield f"{kind} starts a shell, which keeps signals to itself"


def _variables(recipe: Recipe) -> Iterator[str]:
    """Variables are known, agree with the manifests, and hold no secret."""
    own, pods = recipe.environment(), settings_of(base())
    ours = {name for name in own if name.startswith("POET_")}
    yield from (f"the package reads no variable {name}" for name in sorted(ours - variables_of_the_package()))
    for name in sorted(ours & pods.keys()):
        if own[name] != pods[name]:
            yield f"{name} is {own[name]} in the image and {pods[name]} in a pod"
    given = [*own, *(command.value[0].partition("=")[0] for command in recipe.all_of_kind("ARG"))]
    yield from (f"{name} would be kept in the image" for name in given if _SECRET.search(name))
    if [command.value[0] for command in recipe.of_kind("EXPOSE")] != [own.get("POET_PORT")]:
        yield "EXPOSE and POET_PORT differ"


def _build(recipe: Recipe) -> Iterator[str]:
    """What is installed is pinned, comes as wheels, and is the service unless somebody says otherwise."""
    commands = " ".join(command.value[0] for command in recipe.of_kind("RUN", 1))
    for option in ("--constraint deploy/constraints.txt", "--only-binary :all:", "--no-cache-dir", "--without-pip"):
        if option not in commands:
            yield f"the build has not {option}"
    if "EXTRAS=service" not in [command.value[0] for command in recipe.of_kind("ARG", 1)]:
        yield "the build does not install the service"


def pins(text: str) -> dict[str, str]:
    """Return the packages of a text of constraints with their versions."""
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return {canonicalize_name(name): version for name, _, version in (line.partition("==") for line in lines)}


def unfit(constraints: str) -> list[str]:
    """Return what the package and its service need and is not pinned, or to a version that they do not take."""
    project: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    needed = [*project["dependencies"], *project["optional-dependencies"]["service"]]
    found, pinned = [], pins(constraints)
    for requirement in map(Requirement, needed):
        version = pinned.get(canonicalize_name(requirement.name))
        if version is None or version not in requirement.specifier:
            found.append(f"{requirement} is pinned to {version}")
    return found
