"""The version of this package; the build backend and the cache key read it here."""

__version__ = "0.1.0"
