"""Whole numbers in texts from outside."""

import pytest

from zoo.utils.whole import whole_number


@pytest.mark.parametrize(
    "text",
    ["", " 1", "1 ", "+1", "-1", "1_0", "1.0", "0x1", "²", "٣", str(2**63), "9" * 20, "9" * 5000],
)
def test_what_is_no_number_of_plain_digits_in_64_bits_is_none(text):
    assert whole_number(text) is None


def test_the_largest_and_the_bounds_are_numbers():
    assert whole_number(str(2**63 - 1)) == 2**63 - 1
    assert [whole_number(str(n), least=1, most=2) for n in range(4)] == [None, 1, 2, None]
