"""The transpiler over HTTP: ``POST /api/v1/transpile``, and the templates behind it. Needs the extra ``service``."""
