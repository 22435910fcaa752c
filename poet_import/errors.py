"""The exceptions and warnings of poet_import.

PoetError
├── PerceiveError      an argument does not match its annotation or a rule of the domain
├── EnforceError       a result does not match the return annotation or a rule of the domain
├── PoetTimeout        the call took longer than its ``timeout`` (also a ``TimeoutError``)
└── TranspileError     a source cannot be transpiled
    ├── GeneratorError   a language model or service gave no answer
    ├── ValidationError  a gate refused what was generated
    ├── TemplateError    a template is broken
    └── StaleError       a frozen implementation is missing, or was written for another function

PoetWarning
└── PoetFallbackWarning  a function or module runs without what was asked for it
"""


class PoetError(Exception):
    """The base of every exception that poet_import defines."""


class _Violation(PoetError):  # noqa: N818  (PerceiveError and EnforceError are the names that users see)
    """The shared shape of `PerceiveError` and `EnforceError`; never raised itself.

    Attributes:
        function: Module and qualified name of the function, as ``shop.price``.
        parameter: Name of the parameter; ``return`` for a result.
        expected: What was asked for, as text: an annotation or a rule.
        actual: What came, as text: its type and, where it is short, its value.
    """

    # By position, because unpickling gives an exception its `args`.
    def __init__(self, function: str, parameter: str, expected: str, actual: str) -> None:  # noqa: PLR0917
        super().__init__(function, parameter, expected, actual)
        self.function = function
        self.parameter = parameter
        self.expected = expected
        self.actual = actual

    def __str__(self) -> str:
        subject = "its result" if self.parameter == "return" else self.parameter
        return f"{self.function}(): {subject}: expected {self.expected}, got {self.actual}"


class PerceiveError(_Violation):
    """An argument does not match its annotation or a rule of the domain; the body has not run.

    Neither a ``TypeError`` nor a ``ValueError``: a host that repeats a call on those would run the function twice.
    """


class EnforceError(_Violation):
    """The result does not match the return annotation or a rule of the domain."""


class PoetTimeout(PoetError, TimeoutError):  # noqa: N818  (the name that TimeoutError's users look for)
    """A call took longer than its ``timeout``.

    Attributes:
        function: Module and qualified name of the function.
        seconds: The timeout in seconds.
    """

    def __init__(self, function: str, seconds: float) -> None:
        super().__init__(f"{function}(): timed out after {seconds:g} s")  # OSError takes a pair for errno and its text
        self.function = function
        self.seconds = seconds

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.function, self.seconds), self.__dict__

    def __str__(self) -> str:
        return f"{self.function}(): timed out after {self.seconds:g} s"


class TranspileError(PoetError):
    """A source cannot be transpiled.

    Attributes:
        filename: The file, or None where the source has none.
        line: One-based line, or None where no line is to blame.
        column: One-based column, or None.
    """

    def __init__(
        self, message: str, *, filename: str | None = None, line: int | None = None, column: int | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.filename = filename
        self.line = line
        self.column = column

    def __str__(self) -> str:
        place = ":".join(str(part) for part in (self.filename, self.line, self.column) if part is not None)
        return f"{place}: {self.message}" if place else self.message


class GeneratorError(TranspileError):
    """A generator gave no answer: it could not be reached, failed, took too long, or answered with something else.

    Attributes:
        retry_after: Seconds after which it asked to be tried again, or None.
    """

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class ValidationError(TranspileError):
    """A gate refused what was generated; the message names each rule with its line."""


class TemplateError(TranspileError):
    """A template is missing or broken; the message names the file and what is wrong in it."""


class StaleError(TranspileError):
    """A frozen implementation is missing, broken, or of another function; raised in mode ``frozen`` only."""


class PoetWarning(UserWarning):
    """Something was asked for that cannot be had; what happens instead is in the message."""


class PoetFallbackWarning(PoetWarning):
    """A function or module runs without what was asked for it."""
