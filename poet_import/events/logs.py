"""Events as records of the standard library's logging."""

from __future__ import annotations

import logging

from poet_import.events.batch import Batch

_logger = logging.getLogger("poet_import.functions")


class Logging:
    """Logs each event at level INFO under ``poet_import.functions``, as its line of JSON."""

    def write(self, batch: Batch) -> None:
        """Log events, if anybody listens."""
        if _logger.isEnabledFor(logging.INFO):
            for event, line in zip(batch.events, batch.lines, strict=True):
                _logger.info("%s", line.rstrip("\n"), extra={"poet_event": event})

    def forget(self) -> None:
        """Do nothing: handlers are their own."""
