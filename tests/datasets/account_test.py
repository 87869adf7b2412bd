"""The sum of everything that was found."""

import pytest

from dsth_jax.datasets import Skipped, account

SKIPPED = [
  Skipped("a.jpg", "has too many pixels: 9 x 9, more than 10"),
  Skipped("b.jpg", "has too many pixels: 8 x 9, more than 10"),
  Skipped("c.jpg", "is empty"),
]


def test_reasons_are_counted_up_to_their_colon():
  found = account.count(9, 4, SKIPPED, {".txt": 2})
  assert found.skipped == {"has too many pixels": 2, "is empty": 1}
  assert found.sentence() == (
    "9 files found: 4 images read, 3 skipped (has too many pixels: 2, "
    "is empty: 1), 2 not images (.txt: 2)"
  )


@pytest.mark.parametrize("found", [8, 10])
def test_a_sum_that_is_not_what_was_found_raises(found):
  with pytest.raises(
    AssertionError, match=f"{found} files were found, but .*9"
  ):
    account.count(found, 4, SKIPPED, {".txt": 2})


def test_the_total_of_accounts_is_an_account():
  one = account.count(4, 3, SKIPPED[:1], {})
  two = account.count(5, 1, SKIPPED[1:], {".txt": 2})
  assert account.total([one, two]) == account.count(9, 4, SKIPPED, {".txt": 2})


def test_a_sentence_names_the_most_frequent_kinds():
  kinds = {f".a{i}": i for i in range(1, 10)}
  text = account.count(46, 1, [], kinds).sentence()
  assert ".a9: 9, .a8: 8" in text
  assert ".a3" not in text
  assert text.endswith("3 more)")
