"""Lists of networks (CIDR, IPv4 and IPv6): reading what somebody typed, and whether an address is in one."""

import re
from collections.abc import Collection
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from django.core.exceptions import ValidationError
from django.utils.translation import gettext

MOST_NETWORKS = 100
# Whoever has an IPv6 address has the whole network of it that a provider hands out to one household.
OF_ONE_SUBSCRIBER = 64
_MAPPED = IPv6Network("::ffff:0:0/96")


def plain_address(text: str) -> str:
    """An address in its one spelling, IPv4 also where IPv6 carries it; nothing where it is none."""
    try:
        address = ip_address(text.strip().partition("%")[0])
    except ValueError:
        return ""
    return str(_unmapped(address))


def network_of(address: str) -> str:
    """The network that stands for one subscriber: an IPv4 address, or the /64 of an IPv6 address."""
    plain = plain_address(address)
    if ":" not in plain:
        return plain
    return str(ip_network(f"{plain}/{OF_ONE_SUBSCRIBER}", strict=False))


def includes(networks: Collection[str], address: str) -> bool:
    """Whether an address is in a list. An empty list is no restriction; what is no address is in no list."""
    if not networks:
        return True
    plain = plain_address(address)
    return bool(plain) and any(ip_address(plain) in _network(text) for text in networks)


def parse_networks(text: str) -> list[str]:
    """The networks of a text, one a line or between commas, each once and in its one spelling.

    Raises
    ------
    ValidationError
        With every entry that is none, and how to mend it.
    """
    entries = [entry for entry in re.split(r"[\s,;]+", text) if entry]
    if len(entries) > MOST_NETWORKS:
        message = gettext(
            "There are {count} networks; at most {most} are kept. Join neighbours to larger ones."
        )
        raise ValidationError(message.format(count=len(entries), most=MOST_NETWORKS))
    networks, errors = [], []
    for number, entry in enumerate(entries, 1):
        try:
            networks.append(_normal(entry))
        except ValueError:
            errors.append(_error(number, entry))
    if errors:
        raise ValidationError(errors)
    return list(dict.fromkeys(networks))


def _normal(entry: str) -> str:
    network = ip_network(entry)
    if network.prefixlen == 0:
        raise ValueError(entry)
    if isinstance(network, IPv6Network) and network.subnet_of(_MAPPED):
        length = network.prefixlen - _MAPPED.prefixlen
        network = IPv4Network((_unmapped(network.network_address), length))
    return str(network)


def _error(number: int, entry: str) -> str:
    shown = ascii(entry[:60])[1:-1]
    try:
        network = ip_network(entry, strict=False)
    except ValueError:
        message = gettext(
            "Entry {number}, “{entry}”, is no network. Write it like 192.0.2.0/24 or 2001:db8::/48."
        )
        return message.format(number=number, entry=shown)
    if network.prefixlen == 0:
        message = gettext("Entry {number}, “{entry}”, is every address. Leave the list empty to mean that.")
        return message.format(number=number, entry=shown)
    message = gettext("Entry {number}, “{entry}”, starts inside of its network. Did you mean {network}?")
    return message.format(number=number, entry=shown, network=network)


def _unmapped(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    return getattr(address, "ipv4_mapped", None) or address


@lru_cache(maxsize=4_096)
def _network(text: str) -> IPv4Network | IPv6Network:
    return ip_network(text)
