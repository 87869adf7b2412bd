"""Lists by name become rows, and unfit ones are refused."""

import numpy as np
import pytest

from dsth_jax.datasets import image_lists
from dsth_jax.datasets.image_lists import ImageList

NAMES = (*(f"{i}.jpg" for i in range(8)), "query/a", "query/b")
LISTS = [
  ImageList("query/a", ("0.jpg", "3.jpg"), ("5.jpg",)),
  ImageList("query/b", ("3.jpg", "query/a")),
]


@pytest.mark.parametrize("seed", range(3))
def test_rows_are_those_of_the_names(seed):
  order = np.random.default_rng(seed).permutation(len(NAMES))
  names = [NAMES[row] for row in order]
  truth = image_lists.ground_truth(LISTS, names)
  expected = {each.query: each for each in LISTS}
  for row, name in enumerate(names):
    relevant, ignored = (
      {names[column] for column in lists[[row]].nonzero()[1]}
      for lists in (truth.relevant, truth.ignored)
    )
    each = expected.get(name, ImageList(name, ()))
    assert relevant == set(each.relevant)
    assert ignored == {name, *each.ignored}


@pytest.mark.parametrize(
  ("changed", "message"),
  [
    ({"relevant": ()}, "query/b has no relevant image"),
    ({"query": "query/c"}, "name query/c, but there is no such image"),
    ({"relevant": ("8.jpg",)}, r"query/b name 8\.jpg, but"),
    ({"ignored": ("9.jpg",)}, r"query/b name 9\.jpg, but"),
    ({"ignored": ("3.jpg",)}, r"query/b name 3\.jpg as relevant and"),
  ],
)
def test_unfit_lists_are_refused(changed, message):
  lists = [LISTS[0], LISTS[1]._replace(**changed)]
  with pytest.raises(ValueError, match=message):
    image_lists.ground_truth(lists, NAMES)
