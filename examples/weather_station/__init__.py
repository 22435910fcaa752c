"""A report on the sensors of a weather station: ``python -m examples.weather_station``."""
