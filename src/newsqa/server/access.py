"""Who may do what: tokens, sessions of browsers, and how often a client may try."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import math
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from newsqa.errors import UsageError

SHORTEST_TOKEN = 16
SESSION_SECONDS = 14 * 24 * 3600
FAILURES = 10
"""Wrong tokens that one client may send a minute."""
REMEMBERED = 10_000
"""Clients that a rate remembers."""


class Kind(StrEnum):
    """What a token allows: `WRITE` everything, `READ` whatever changes nothing."""

    READ = "read"
    WRITE = "write"


class Rate:
    """So many a minute for each client, all of them at once if need be.

    A token bucket; of more than `REMEMBERED` clients those heard last are known.
    """

    def __init__(self, per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = per_minute
        self._clock = clock
        self._spent: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait(self, client: str) -> int:
        """Return for how many seconds the client has to wait, 0 if it needn't."""
        return max(0, math.ceil((self._level(client) + 1 - self._most) * 60 / self._most)) if self._most else 0

    def spend(self, client: str) -> None:
        """Count one more."""
        self._spent[client] = self._level(client) + 1, self._clock()
        self._spent.move_to_end(client)
        if len(self._spent) > REMEMBERED:
            self._spent.popitem(last=False)

    def _level(self, client: str) -> float:
        level, at = self._spent.get(client, (0.0, 0.0))
        return max(0.0, level - (self._clock() - at) * self._most / 60)


def client_of(address: str | None) -> str:
    """Name who is counted: an IPv4 address, or the /64 that one IPv6 customer has."""
    try:
        parsed = ipaddress.ip_address(address or "")
    except ValueError:
        return "unknown"
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is None:
            return str(ipaddress.ip_network((parsed, 64), strict=False))
        return str(parsed.ipv4_mapped)
    return str(parsed)


@dataclass(frozen=True)
class Access:
    """The tokens of a server; without any everyone may do everything.

    A session is a signed note in a cookie, keyed with the token that it was given for:
    it ends with its time, or when the token is changed.
    """

    tokens: Mapping[Kind, str] = field(default_factory=dict)
    failures: Rate = field(default_factory=lambda: Rate(FAILURES))

    def __post_init__(self) -> None:
        """Raise UsageError for tokens that protect nothing."""
        for kind, token in self.tokens.items():
            if len(token) < SHORTEST_TOKEN or not token.isascii() or not token.isprintable() or " " in token:
                raise UsageError(
                    f"The {kind} token should be at least {SHORTEST_TOKEN} ASCII characters without spaces. "
                    'Make one: python -c "import secrets; print(secrets.token_urlsafe(32))"'
                )
        if len(set(self.tokens.values())) < len(self.tokens):
            raise UsageError("The write and the read token are the same. Give each its own.")

    def kind(self, token: str) -> Kind | None:
        """Return what a token allows, None for a wrong one; takes as long for each."""
        given = _digest(token)
        right = [kind for kind, known in self.tokens.items() if hmac.compare_digest(given, _digest(known))]
        return right[0] if right else None

    def session(self, kind: Kind) -> str:
        """Return the note that a browser keeps."""
        claim = f"{kind}.{int(time.time()) + SESSION_SECONDS}"
        return f"{claim}.{self._signature(kind, claim)}"

    def session_kind(self, session: str) -> Kind | None:
        """Return what a browser's note allows, None for a forged or an old one."""
        claim, _, signature = session.rpartition(".")
        name, _, expires = claim.partition(".")
        kind = next((kind for kind in self.tokens if kind == name), None)
        if kind is None or not hmac.compare_digest(_digest(signature), _digest(self._signature(kind, claim))):
            return None
        return kind if int(expires) > time.time() else None

    def _signature(self, kind: Kind, claim: str) -> str:
        return hmac.new(_digest(self.tokens[kind]), f"newsqa session {claim}".encode(), hashlib.sha256).hexdigest()


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode(errors="surrogatepass")).digest()
