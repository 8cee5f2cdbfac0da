"""Addresses that no webhook may go to: link-local ones, and those at which clouds tell machines their secrets.

Whoever can register a webhook could otherwise have this server ask them. A host is judged as it is written, in any way
that a resolver understands, and again by the addresses that its name turns out to have.
Source: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html,
https://cloud.google.com/compute/docs/metadata/querying-metadata,
https://learn.microsoft.com/azure/virtual-network/what-is-ip-address-168-63-129-16
"""

from __future__ import annotations

import socket
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

SETTING = "link_local_webhook_urls"
NETWORKS = tuple(
    map(
        ip_network,
        (
            "169.254.0.0/16",
            "fe80::/10",
            "fd00:ec2::/32",  # Amazon
            "fd20:ce::254/128",  # Google
            "168.63.129.16/32",  # Azure
            "100.100.100.200/32",  # Alibaba
            "192.0.0.192/32",  # Oracle
        ),
    )
)
NAMES = frozenset(
    (
        "metadata",
        "metadata.goog",
        "metadata.google.internal",
        "instance-data",
        "instance-data.ec2.internal",
        "metadata.tencentyun.com",
    )
)
TRANSLATED = (ip_network("64:ff9b::/96"), ip_network("::/96"))  # how IPv6 writes an address of IPv4


class OffLimits(Exception):
    """A webhook would have gone to an address that is off limits; in a sentence."""


def is_off_limits(host: str) -> bool:
    """Whether a host is off limits as it is written, by its name or as a number."""
    number = number_of(host)
    return host.rstrip(".").lower() in NAMES if number is None else is_forbidden(number)


def check_addresses(host: str, addresses: list[str]) -> None:
    """OffLimits where any of the addresses that a host has is off limits."""
    for address in addresses:
        if is_off_limits(address) or is_off_limits(host):
            raise OffLimits(f"{host} is at {address}: link-local or metadata, and the setting {SETTING} is off.")


def addresses_of(host: str) -> list[str]:
    """The addresses of a host, as the system resolves it. OSError."""
    return [str(found[4][0]) for found in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)]


def number_of(host: str) -> IPv4Address | IPv6Address | None:
    """The address that a host is as a number: also in hexadecimal, octal or one piece, as resolvers read it."""
    try:
        return ip_address(host.strip("[]"))
    except ValueError:
        pass
    try:
        return IPv4Address(socket.inet_aton(host.rstrip(".")))
    except (OSError, ValueError):
        return None


def is_forbidden(number: IPv4Address | IPv6Address) -> bool:
    """Whether an address lies in one of the networks, or stands for one that does."""
    meant = [number]
    if isinstance(number, IPv6Address):
        last = IPv4Address(int(number) & 0xFFFFFFFF)
        meant += [one for one in (number.ipv4_mapped, number.sixtofour) if one is not None]
        meant += [last for network in TRANSLATED if number in network]
    return any(one in network for one in meant for network in NETWORKS if one.version == network.version)
