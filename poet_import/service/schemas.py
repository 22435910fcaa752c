"""The published contract: what requests and responses look like."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

DOMAIN = r"^[a-z][a-z0-9_]{0,63}$"
VERSION = r"^v[1-9][0-9]{0,8}$"
_MOST_CHARACTERS = 100_000
Statement = Annotated[str, StringConstraints(max_length=2_000)]
Name = Annotated[str, StringConstraints(max_length=500)]


class Context(BaseModel):
    """What else is known of a function."""

    model_config = ConfigDict(extra="ignore")

    sandbox_context: Any = Field(None, description="Values around the call; of these only names and types are used.")
    imports: list[Statement] = Field(default=[], max_length=200, description="Import statements that hold above it.")
    module_path: Name | None = Field(None, description="The file that the function is from.")
    dependencies: list[Name] = Field(default=[], max_length=200, description="Names of packages that it needs.")


class TranspileBody(BaseModel):
    """A function under `@poet`, with its imports and private helpers beside it if it has any."""

    model_config = ConfigDict(extra="ignore")

    function_code: str = Field(min_length=1, max_length=_MOST_CHARACTERS, description="Its source, decorator included.")
    language: Literal["python", "dana"]
    context: Context | None = None


class PoetImplementation(BaseModel):
    """The woven function."""

    code: str = Field(description="Complete: its imports, and the function under its name.")
    language: Literal["python", "dana"]
    operate_code: str | None = Field(None, description="What a model wrote for the body; absent where none did.")


class DecoratorParams(BaseModel):
    """The options that were written, of these four."""

    domain: str | None = None
    optimize_for: str | None = None
    retries: int | None = None
    timeout: float | None = None


class Metadata(BaseModel):
    """What is told of the function."""

    decorator_params: DecoratorParams
    phases_included: list[Literal["perceive", "operate", "enforce", "train"]]
    original_function_name: str
    enhancements: list[str]
    options: dict[str, str] = Field(default={}, description="The further options: retry_on, on_violation, semantics.")
    source: Literal["model", "none", "fallback"] = Field(description="Where the body comes from.")
    model: str | None = Field(None, description="What wrote the body.")
    reason: str | None = Field(None, description="Why the body is a fallback.")
    warnings: list[str] | None = None


class TranspileResult(BaseModel):
    """The answer to a function."""

    poet_implementation: PoetImplementation
    metadata: Metadata


class DomainRow(BaseModel):
    """A domain and the version of it that is in use."""

    domain: str
    language: str | None = Field(description="That it is written for: python or dana; null where that cannot be read.")
    current: str | None
    description: str


class Domains(BaseModel):
    """All domains."""

    templates: list[DomainRow]


class Versions(BaseModel):
    """The versions of a domain, oldest first."""

    domain: str
    current: str | None
    versions: list[str]


class VersionText(BaseModel):
    """One version of a domain."""

    domain: str
    version: str
    template: str
    train_addon: str | None = None
    metadata: dict[str, Any]  # what `poet_import.templates` says of metadata.json


class NewVersion(BaseModel):
    """A version to be stored; it never changes after that."""

    model_config = ConfigDict(extra="forbid")

    version: str | None = Field(None, pattern=VERSION, description="Its name; the next one if left out.")
    template: str = Field(min_length=1, max_length=200_000, description="The prompt, as Jinja.")
    train_addon: str | None = Field(None, max_length=200_000, description="What is appended where Train is wanted.")
    metadata: dict[str, Any] = Field(description="As metadata.json has it.")


class Current(BaseModel):
    """Which version of a domain is to be in use."""

    model_config = ConfigDict(extra="forbid")

    version: str = Field(pattern=VERSION)


class ErrorRow(BaseModel):
    """One thing that is wrong with a request."""

    pointer: str | None = Field(None, description="RFC 6901, into the body.")
    line: int | None = Field(None, description="Of the text that the pointer names, from 1.")
    column: int | None = None
    rule: str
    detail: str


class ProblemDocument(BaseModel):
    """An error, as RFC 9457 has it."""

    type: str
    title: str
    status: int
    detail: str
    request_id: str
    errors: list[ErrorRow] | None = None


class Health(BaseModel):
    """Whether the service lives, or may be sent requests."""

    status: Literal["ok", "draining", "unusable"]
