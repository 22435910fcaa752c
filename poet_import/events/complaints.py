"""What the writing thread has to say: once, to logging.

Logging is loaded when there is something to say: a process that forks while a thread loads it prints an error of its
locks.
"""

from poet_import.runtime import training


def complain(message: str, *arguments: object, with_traceback: bool = False) -> None:
    """Log a warning under ``poet_import.events``; with the traceback of what is being handled, an error."""
    with training.writer.loading:
        import logging
    level = logging.ERROR if with_traceback else logging.WARNING
    logging.getLogger("poet_import.events").log(level, message, *arguments, exc_info=with_traceback)
