"""One line of JSON an event, on standard error; never a source, a key or a path that a caller made up."""

from __future__ import annotations

import logging
import sys

import structlog


def make_log() -> structlog.typing.FilteringBoundLogger:
    """Return the log of a service."""
    lazy = structlog.wrap_logger(
        structlog.WriteLogger(sys.stderr),
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
    )
    log: structlog.typing.FilteringBoundLogger = lazy.bind()  # once, and not with each event
    return log
