"""Who counts as one client."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address


def network_of(address: str) -> str:
    """Returns what counts as one client: an IPv4 address, or the /64 that an IPv6 host can choose from."""
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    match found:
        case IPv6Address(ipv4_mapped=IPv4Address() as mapped):
            return str(mapped)
        case IPv6Address():
            return str(IPv6Address(int(found) >> 64 << 64)) + "/64"
        case _:
            return str(found)
