"""``[tool.poet-import]`` of a ``pyproject.toml``, and what to say of a name that is no setting.

Loaded only where such a table is, or such a name: ``tomllib`` alone costs 5 ms.
"""

import difflib
import tomllib
import warnings

from poet_import.errors import PoetWarning
from poet_import.settings import FIELDS, SECRETS, VARIABLES


def parsed_table(path: str, content: bytes) -> dict[str, object]:
    """Return the table of a file; a name in it that is no setting is warned of.

    Raises:
        ValueError: The file is no TOML, the table is none, or it holds a key.
    """
    try:
        table = tomllib.loads(content.decode()).get("tool", {}).get("poet-import", {})
    except ValueError as error:
        raise ValueError(f"{path}: not valid TOML, so [tool.poet-import] cannot be read: {error}") from error
    if not isinstance(table, dict):
        raise ValueError(f"{path}: tool.poet-import = {table!r}: expected a table")  # noqa: TRY004  (a file's mistake)
    for field in SECRETS:
        if field in table:
            where = VARIABLES[field]
            raise ValueError(f"{path}: {field}: a key does not belong into a file that is shared; set {where}")
    for name in table:
        if name not in FIELDS:
            message = f"{path}: [tool.poet-import] has no setting {name!r}{nearest(name)}; it is ignored"
            warnings.warn(message, PoetWarning, stacklevel=2)
    return table


def nearest(name: str) -> str:
    """Return what to say of a name that is no setting: the one that was meant, or all that there are."""
    close = difflib.get_close_matches(name, FIELDS, n=1)
    return f"; did you mean {close[0]!r}?" if close else f"; it has {', '.join(FIELDS)}"
