"""What two weeks of a pump's sensors tell: ``python -m examples.drift_monitor``."""

import poet_import  # noqa: F401 (activates the hook before the modules of this package are imported)
