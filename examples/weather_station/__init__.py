"""A report on the sensors of a weather station: ``python -m examples.weather_station``."""

import poet_import  # noqa: F401 (activates the hook before the modules of this package are imported)
