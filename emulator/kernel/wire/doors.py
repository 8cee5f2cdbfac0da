"""Who is let in, before a key or a body is looked at: nobody by a page of somebody else's.

A browser sends what any page tells it to send, also to a server on its own machine. It says which name the page called
us by (`Host`: another name that leads here is an attack called DNS rebinding) and whose page it was (`Origin`, or
`Sec-Fetch-Site`, which a page cannot choose). Other clients say neither or the truth.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Collection, Mapping
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import urlsplit

from emulator.kernel.errors import ApiError, invalid

ANY = "*"
CORS = "Access-Control-"
ONLY_ONCE = frozenset({"authorization", "content-length", "host"})
HARMLESS = frozenset({"GET", "HEAD", "OPTIONS"})


class Doors(NamedTuple):
    """By which names we may be called, besides `localhost` and the loopback addresses; `*` for whatever it is."""

    names: Collection[str] = ()

    def knows(self, host: str) -> bool:
        """Whether a host, with its port or without, is one of ours."""
        return ANY in self.names or is_loopback(name_of(host)) or name_of(host) in self.names

    def check(self, method: str, headers: Mapping[str, str]) -> None:
        """421 for a `Host` that is none of ours; 403 for a request that would change something and is a stranger's.

        A page's own `Origin` decides where there is one, since a page of this machine may call us by another name.
        """
        host = headers.get("host", "localhost")
        if not self.knows(host):
            raise not_here(host)
        if method in HARMLESS:
            return
        if self.is_foreign(headers):
            raise stranger(f"a page of {headers['origin']}")
        if "origin" not in headers and headers.get("sec-fetch-site") == "cross-site":
            raise stranger("a page of another site")

    def shown_to(self, headers: Mapping[str, str], reply: list[tuple[str, str]]) -> list[tuple[str, str]]:
        """The headers of a reply, without those that would have a browser show it to a stranger's page."""
        return [one for one in reply if not one[0].startswith(CORS)] if self.is_foreign(headers) else reply

    def is_foreign(self, headers: Mapping[str, str]) -> bool:
        """Whether a page of another site asks: it may not change anything, nor read what it is answered."""
        origin = headers.get("origin")
        return origin is not None and not self.knows(host_of(origin))


@lru_cache(maxsize=1024)
def name_of(host: str) -> str:
    """A host without its port, in lower case; of an IPv6 address without its brackets."""
    if host.startswith("["):
        return host[1:].partition("]")[0].lower()
    return host.partition(":")[0].rstrip(".").lower()


@lru_cache(maxsize=1024)
def host_of(origin: str) -> str:
    """The host in an `Origin`; what is none, such as `null`, as it stands."""
    try:
        return urlsplit(origin).netloc or origin
    except ValueError:
        return origin


@lru_cache(maxsize=1024)
def is_loopback(name: str) -> bool:
    """Whether a name leads to this machine and nowhere else."""
    try:
        return name == "localhost" or name.endswith(".localhost") or ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def not_here(host: str) -> ApiError:
    """421: another name than ours."""
    return ApiError(
        421,
        f"This server is not called {host[:256]}. It is reached as localhost or by a loopback address; start it with "
        "--allow-host and the name if it should be reached by another.",
    )


def stranger(who: str) -> ApiError:
    """403 for what a page of another site would have its visitor's browser do here."""
    return ApiError(
        403,
        f"This request comes from {who[:256]}, and would change something. Pages of other sites may not; start the "
        "server with --allow-host and the page's host if this one may.",
    )


def twice(name: str) -> ApiError:
    """400 for a header that must not be there twice: nobody could say which of them counts."""
    return invalid(f"The header {name.title()} was sent twice.")
