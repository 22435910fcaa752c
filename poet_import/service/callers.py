"""Who asks, what they may, and how often."""

from __future__ import annotations

from collections.abc import Mapping

from poet_import.service.keys import Key, KeyRing
from poet_import.service.problems import Problem, ProblemError
from poet_import.service.rates import Allowance, RateLimits


class Callers:
    """Lets callers in by their keys, or by their addresses where there are no keys, and counts their requests."""

    def __init__(self, keys: KeyRing | None, rates: RateLimits, *, rate: int) -> None:
        """Take what is known of them.

        Args:
            keys: Those that were made; None where anybody may ask.
            rates: Counts requests.
            rate: Requests a minute of a caller whose key says nothing of that.
        """
        self._keys = keys
        self._rates = rates
        self._rate = rate

    def key_for(self, scope: str, headers: Mapping[bytes, bytes]) -> Key | None:
        """Return the key that a request bears; None where none is needed.

        Raises:
            ProblemError: It bears none that is known, or one that is for something else.
        """
        if self._keys is None:
            return None
        key = _key_of(headers, self._keys)
        if scope not in key.scopes:
            raise ProblemError(_forbidden(scope))
        return key

    async def count(self, key: Key | None, address: str) -> Allowance:
        """Count a request of a caller, and return what is left."""
        if key is None:
            return await self._rates.take(address, self._rate)
        return await self._rates.take(key.id, key.rate or self._rate)


def _key_of(headers: Mapping[bytes, bytes], keys: KeyRing) -> Key:
    """Return the key that a request bears.

    Raises:
        ProblemError: It bears none that is known.
    """
    kind, _, text = headers.get(b"authorization", b"").decode("latin-1").partition(" ")
    if kind.lower() != "bearer" or not text.strip():
        challenge = {"www-authenticate": 'Bearer realm="poet"'}
        raise ProblemError(Problem(401, "send an API key: Authorization: Bearer poet_…", headers=challenge))
    key = keys.find(text.strip())
    if key is None:
        challenge = {"www-authenticate": 'Bearer realm="poet", error="invalid_token"'}
        raise ProblemError(Problem(401, "the API key is unknown, revoked or has expired", headers=challenge))
    return key


def _forbidden(scope: str) -> Problem:
    challenge = {"www-authenticate": f'Bearer realm="poet", error="insufficient_scope", scope="{scope}"'}
    return Problem(403, f"the API key has not the scope {scope}", headers=challenge)
