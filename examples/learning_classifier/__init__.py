"""Which species a penguin is of, judged by its label: ``python -m examples.learning_classifier``."""

import poet_import  # noqa: F401 (activates the hook before the modules of this package are imported)
