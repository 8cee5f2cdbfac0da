import pytest

from emulator.issuing.phone_numbers import COUNTRY_CODES, e164
from emulator.kernel.errors import ApiError


@pytest.mark.parametrize(
    "written, country, number",
    [
        ("+14155550123", "US", "+14155550123"),
        ("+1 (415) 555-0123", "DE", "+14155550123"),
        ("(415) 555-0123", "US", "+14155550123"),
        ("1-415-555-0123", "US", "+14155550123"),
        ("415.555.0123", "CA", "+14155550123"),
        ("020 7946 0958", "GB", "+442079460958"),
        ("0044 20 7946 0958", "US", "+442079460958"),
        ("030 123456", "DE", "+4930123456"),
        ("06 12345678", "IT", "+390612345678"),
        ("612 345 678", "ES", "+34612345678"),
    ],
)
def test_a_number_is_written_in_e164(written, country, number):
    assert e164(written, country) == number


@pytest.mark.parametrize(
    "written, country",
    [("hello", "US"), ("555-0123", "US"), ("+1555", "DE"), ("+0123456789", "DE"), ("030 123456", "JP"), ("+", "US")],
)
def test_what_is_no_number_is_refused(written, country):
    with pytest.raises(ApiError) as refusal:
        e164(written, country)

    assert (refusal.value.status, refusal.value.param) == (400, "phone_number")


def test_every_country_code_is_a_number_of_at_most_three_digits():
    assert all(code.isdigit() and 1 <= len(code) <= 3 for code, _ in COUNTRY_CODES.values())
