"""Where no webhook may go: every way of writing such an address, and names that lead there."""

from __future__ import annotations

import pytest

from emulator.kernel.off_limits import OffLimits, check_addresses, is_off_limits

OFF_LIMITS = [
    "169.254.169.254", "169.254.0.1", "169.254.255.255", "169.254.170.2",
    "2852039166", "0xA9FEA9FE", "0xa9.0xfe.0xa9.0xfe", "0251.0376.0251.0376", "169.254.43518", "169.16689662",
    "fe80::1", "fe80::1%eth0", "febf::1", "[fe80::1]", "fd00:ec2::254", "FD00:EC2::254", "fd20:ce::254",
    "::ffff:169.254.169.254", "::ffff:a9fe:a9fe", "64:ff9b::a9fe:a9fe", "2002:a9fe:a9fe::1", "::169.254.169.254",
    "168.63.129.16", "100.100.100.200", "192.0.0.192",
    "metadata.google.internal", "Metadata.Google.Internal", "metadata.google.internal.", "metadata.goog", "metadata",
    "instance-data", "instance-data.ec2.internal", "metadata.tencentyun.com",
]  # fmt: skip
ALLOWED = [
    "localhost", "127.0.0.1", "::1", "10.0.0.1", "192.168.1.1", "172.17.0.1", "169.253.255.255", "169.255.0.0",
    "fec0::1", "fd00::1", "2001:db8::1", "::ffff:127.0.0.1", "0.0.0.0", "example.com", "metadata.example.com",
    "my-metadata", "host.docker.internal", "",
]  # fmt: skip


@pytest.mark.parametrize("host", OFF_LIMITS)
def test_link_local_and_metadata_addresses_are_off_limits_however_they_are_written(host):
    assert is_off_limits(host)


@pytest.mark.parametrize("host", ALLOWED)
def test_everything_else_is_allowed_this_machine_and_its_network_included(host):
    assert not is_off_limits(host)


def test_a_name_is_off_limits_for_any_of_its_addresses():
    with pytest.raises(OffLimits, match=r"hooks\.example is at fe80::2%3: link-local or metadata"):
        check_addresses("hooks.example", ["127.0.0.1", "fe80::2%3"])
    check_addresses("hooks.example", ["127.0.0.1", "10.1.2.3"])
