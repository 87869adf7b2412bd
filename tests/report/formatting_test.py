import pytest

from dsth_jax.report import formatting


@pytest.mark.parametrize(
  ("seconds", "text"),
  [
    (0.04, "40 milliseconds"),
    (1, "1 second"),
    (9.94, "9.9 seconds"),
    (64.9, "64.9 seconds"),
    (200, "3.3 minutes"),
    (5940, "99 minutes"),
    (6840, "1.9 hours"),
    (100_000, "27.8 hours"),
    (None, formatting.DASH),
    (float("nan"), formatting.DASH),
  ],
)
def test_durations_have_one_unit(seconds, text):
  assert formatting.duration(seconds) == text


def test_shares_are_0_or_100_percent_only_if_exact():
  space = "\N{NO-BREAK SPACE}"
  shares = (0, 0.0004, 0.124, 0.9996, 1)
  wanted = ["0 %", "0.04 %", "12 %", "99.96 %", "100 %"]
  found = [formatting.percent(share) for share in shares]
  assert found == [text.replace(" ", space) for text in wanted]


@pytest.mark.parametrize(
  ("seconds", "text"),
  [
    (0.00043, "0.00043"),
    (0.0996, "0.1"),
    (0.1784, "0.178"),
    (1.25, "1.2"),
    (43.04, "43.0"),
    (1234.5, "1,234"),
    (None, formatting.DASH),
  ],
)
def test_seconds_have_the_digits_that_count(seconds, text):
  assert formatting.seconds(seconds) == text


@pytest.mark.parametrize(
  ("value", "text"),
  [(0.25, "+0.250"), (-0.25, f"{formatting.MINUS}0.250"), (0, "+0.000")],
)
def test_differences_have_a_sign(value, text):
  assert formatting.signed(value, 3) == text


@pytest.mark.parametrize("value", [None, float("nan")])
def test_what_is_missing_is_a_dash(value):
  assert formatting.signed(value, 3) == formatting.DASH
  assert formatting.digits(value, 5) == formatting.DASH
