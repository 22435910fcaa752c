"""What functions with ``optimize_for`` tell of their calls, on its way from the queue to those who want to know.

Nothing is imported here that an interpreter with such a function has not loaded by then.
"""

from poet_import import runtime
from poet_import.runtime import training
from poet_import.settings import in_force


def prepare() -> None:
    """Let calls that begin from now on record what the settings in force say."""
    runtime.records = in_force().record == "arguments"
    training.most_waiting = training.MOST_WAITING_WITH_VALUES if runtime.records else training.MOST_WAITING


prepare()
