"""Lists of networks: every spelling of an address is one address, and what is wrong is said at once."""

import pytest
from django.core.exceptions import ValidationError
from django.test import RequestFactory
from hypothesis import given
from hypothesis import strategies as st

from accounts.allow_lists import includes, network_of, parse_networks, plain_address
from accounts.network import client_address


@pytest.mark.parametrize(
    ("networks", "address", "expected"),
    [
        ([], "192.0.2.1", True),
        ([], "", True),
        (["192.0.2.0/24"], "192.0.2.255", True),
        (["192.0.2.0/24"], "192.0.3.0", False),
        (["192.0.2.0/24"], "::ffff:192.0.2.9", True),
        (["192.0.2.0/24"], "::ffff:c000:209", True),
        (["192.0.2.0/24"], "::192.0.2.9", False),
        (["2001:db8::/48"], "2001:DB8:0:ffff::1", True),
        (["2001:db8::/48"], "2001:db8:1::1", False),
        (["fe80::/64"], "fe80::1%eth0", True),
        (["192.0.2.0/24"], "", False),
        (["192.0.2.0/24"], "192.0.2.1, 203.0.113.5", False),
        (["192.0.2.0/24"], "192.0.2.01", False),
    ],
)
def test_an_address_is_in_a_list_in_whatever_way_it_is_written(networks, address, expected):
    assert includes(networks, address) == expected


def test_a_list_is_kept_in_one_spelling_and_without_repetition():
    text = "192.0.2.0/24, 192.0.2.0/255.255.255.0\n\n2001:DB8::/48;198.51.100.7 ::ffff:10.0.0.0/104"
    assert parse_networks(text) == ["192.0.2.0/24", "2001:db8::/48", "198.51.100.7/32", "10.0.0.0/8"]


def test_everything_that_is_wrong_with_a_list_is_said_at_once_and_how_to_mend_it():
    with pytest.raises(ValidationError) as refused:
        parse_networks("192.0.2.0/24\n10.1.2.3/8\n0.0.0.0/0\nlaboratory\n192.0.2.0/33\n\u0661.1.1.1")
    text = " ".join(refused.value.messages)
    assert len(refused.value.messages) == 5
    assert "Entry 2" in text
    assert "Did you mean 10.0.0.0/8?" in text
    assert "Entry 3, “0.0.0.0/0”, is every address" in text


def test_a_list_longer_than_any_is_refused_and_not_read():
    with pytest.raises(ValidationError, match="at most 100"):
        parse_networks("192.0.2.1 " * 101)


@given(st.text(max_size=200))
def test_no_text_is_more_than_refused(text):
    try:
        networks = parse_networks(text)
    except ValidationError:
        return
    assert parse_networks("\n".join(networks)) == networks
    assert not includes(networks, "nonsense") or networks == []


@given(st.ip_addresses(v=4))
def test_an_ipv4_address_within_ipv6_is_the_same_address(address):
    assert plain_address(f"::ffff:{address}") == str(address)
    assert network_of(f"::FFFF:{address}") == network_of(str(address)) == str(address)


def test_a_subscriber_with_a_whole_ipv6_network_is_counted_as_one():
    assert network_of("2001:db8::1") == network_of("2001:db8::ffff:ffff") != network_of("2001:db8:0:1::1")


@pytest.mark.parametrize(("proxies", "expected"), [(0, "192.0.2.1"), (1, "198.51.100.9")])
def test_an_address_within_ipv6_is_normal_from_wherever_it_is_read(settings, proxies, expected):
    settings.TRUSTED_PROXIES = proxies
    headers = {"X-Forwarded-For": "10.0.0.1, ::ffff:198.51.100.9"}
    request = RequestFactory().get("/", headers=headers, REMOTE_ADDR="::ffff:192.0.2.1")
    assert client_address(request) == expected
