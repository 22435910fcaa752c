"""A transpiler for Python that runs at import: ``@poet`` functions check, retry and bound themselves in time.

Importing this package, or any part of it, activates the import hook, unless ``POET_ACTIVATE=0``. Names are loaded when
they are first used, so that activation costs less than a millisecond.
"""

import sys as _sys

from poet_import.hook import finder as _finder
from poet_import.settings import Settings
from poet_import.settings import put_in_force as _put_in_force

TYPE_CHECKING = False  # typing's is the same to a type checker, and costs an import
if TYPE_CHECKING:
    from poet_import._version import __version__
    from poet_import.errors import (
        EnforceError,
        GeneratorError,
        PerceiveError,
        PoetError,
        PoetFallbackWarning,
        PoetTimeout,
        PoetWarning,
        StaleError,
        TemplateError,
        TranspileError,
        ValidationError,
    )
    from poet_import.events.feedback import feedback
    from poet_import.events.subscribing import subscribe
    from poet_import.hook.status import Status, status
    from poet_import.marker import poet
    from poet_import.marker.describing import describe
    from poet_import.model import Description, Generator, Verdict
    from poet_import.runtime.training import last_execution_id
    from poet_import.transpiler import atranspile, transpile
    from poet_import.validation import validate

_HOMES = {
    "Description": "model",
    "EnforceError": "errors",
    "Generator": "model",
    "GeneratorError": "errors",
    "PerceiveError": "errors",
    "PoetError": "errors",
    "PoetFallbackWarning": "errors",
    "PoetTimeout": "errors",
    "PoetWarning": "errors",
    "StaleError": "errors",
    "Status": "hook.status",
    "TemplateError": "errors",
    "TranspileError": "errors",
    "ValidationError": "errors",
    "Verdict": "model",
    "__version__": "_version",
    "atranspile": "transpiler",
    "describe": "marker.describing",
    "feedback": "events.feedback",
    "last_execution_id": "runtime.training",
    "poet": "marker",
    "status": "hook.status",
    "subscribe": "events.subscribing",
    "transpile": "transpiler",
    "validate": "validation",
}
__all__ = [
    "Description",
    "EnforceError",
    "Generator",
    "GeneratorError",
    "PerceiveError",
    "PoetError",
    "PoetFallbackWarning",
    "PoetTimeout",
    "PoetWarning",
    "Settings",
    "StaleError",
    "Status",
    "TemplateError",
    "TranspileError",
    "ValidationError",
    "Verdict",
    "__version__",
    "atranspile",
    "describe",
    "feedback",
    "install",
    "last_execution_id",
    "poet",
    "status",
    "subscribe",
    "transpile",
    "uninstall",
    "validate",
]


def __getattr__(name: str) -> object:
    """Load a public name when it is first used."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = __import__(f"{__name__}.{_HOMES[name]}", fromlist=["*"])
    value = globals()[name] = getattr(module, name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})


def install(**settings: object) -> None:
    """Activate the import hook; called again, it changes the settings.

    Args:
        settings: Fields of `Settings`, over the environment and ``pyproject.toml``.

    Raises:
        TypeError: An argument names no setting.
        ValueError: A value is not allowed.

    .. versionadded:: 0.1.0
    """
    _finder.activate(Settings.read(**settings))
    if "poet_import.events" in _sys.modules:
        _sys.modules["poet_import.events"].prepare()


def uninstall() -> None:
    """Take the import hook away; the marker still weaves what is defined from now on.

    .. versionadded:: 0.1.0
    """
    _finder.deactivate()


def _activate() -> None:
    settings = Settings.read()
    _put_in_force(settings)
    if settings.active:
        _finder.activate(settings)


_activate()
