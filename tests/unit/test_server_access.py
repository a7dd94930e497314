from __future__ import annotations

import time

import pytest

from newsqa.errors import UsageError
from newsqa.server import access
from newsqa.server.access import SESSION_SECONDS, Access, Kind, Rate, client_of
from serving import READ, WRITE

BOTH = Access({Kind.WRITE: WRITE, Kind.READ: READ})


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_rate_lets_a_burst_through_and_then_as_many_as_time_allows() -> None:
    rate = Rate(6, clock := Clock())
    for _ in range(6):
        assert rate.wait("a") == 0
        rate.spend("a")
    assert rate.wait("a") == 10
    assert rate.wait("b") == 0
    clock.now += 4
    assert rate.wait("a") == 6
    clock.now += 6
    assert rate.wait("a") == 0
    rate.spend("a")
    assert rate.wait("a") == 10


def test_a_rate_remembers_the_latest_clients_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access, "REMEMBERED", 3)
    rate = Rate(1, Clock())
    for client in "abcad":
        rate.spend(client)
    assert [client for client in "abcd" if rate.wait(client)] == ["a", "c", "d"]


@pytest.mark.parametrize(
    ("address", "client"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("testclient", "unknown"),
        (None, "unknown"),
    ],
)
def test_who_is_counted(address: str | None, client: str) -> None:
    assert client_of(address) == client


@pytest.mark.parametrize(
    ("token", "kind"),
    [(WRITE, Kind.WRITE), (READ, Kind.READ), ("", None), (WRITE[:-1], None), (WRITE + " ", None), ("\udcff", None)],
)
def test_tokens(token: str, kind: Kind | None) -> None:
    assert BOTH.kind(token) is kind


@pytest.mark.parametrize("token", ["short", " " * 20, "token-with-a space-in-it", "tökentökentökentöken", "a\n" * 10])
def test_tokens_that_protect_nothing_or_fit_no_header_are_refused(token: str) -> None:
    with pytest.raises(UsageError, match="at least 16 ASCII characters without spaces"):
        Access({Kind.READ: token})


def test_the_two_tokens_differ() -> None:
    with pytest.raises(UsageError, match="the same"):
        Access({Kind.WRITE: WRITE, Kind.READ: WRITE})


@pytest.mark.parametrize("kind", list(Kind))
def test_a_session_allows_what_its_token_allows_until_it_ends(kind: Kind, monkeypatch: pytest.MonkeyPatch) -> None:
    session = BOTH.session(kind)
    assert BOTH.session_kind(session) is kind
    assert WRITE not in session
    now = time.time()
    monkeypatch.setattr(access.time, "time", lambda: now + SESSION_SECONDS + 1)
    assert BOTH.session_kind(session) is None


def test_a_session_ends_when_its_token_is_changed() -> None:
    session = BOTH.session(Kind.READ)
    assert Access({Kind.READ: READ + "x", Kind.WRITE: WRITE}).session_kind(session) is None
    assert Access({Kind.WRITE: WRITE}).session_kind(session) is None


def forged() -> list[str]:
    kind, expires, signature = BOTH.session(Kind.READ).split(".")
    return [
        f"write.{expires}.{signature}",
        f"{kind}.{int(expires) + 1}.{signature}",
        f"{kind}.{expires}.{signature[:-1]}",
        f"{kind}.{expires}.",
        f"{kind}.{expires}",
        "read..",
        "read.x.y",
        ".",
        "",
        "\udcff.1.é",
    ]


@pytest.mark.parametrize("session", forged(), ids=range(len(forged())))
def test_forged_sessions_allow_nothing(session: str) -> None:
    assert BOTH.session_kind(session) is None
