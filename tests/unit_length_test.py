"""Rows of unit length."""

import jax.numpy as jnp
import numpy as np
import pytest
import sklearn.preprocessing

from dsth_jax import unit_length


@pytest.mark.parametrize("xp", [np, jnp])
def test_rows_are_those_of_scikit_learn(xp):
  rows = np.random.default_rng(0).normal(size=(20, 7)).astype(np.float32)
  rows[3] = 0
  found = unit_length.unit_rows(xp.asarray(rows))
  assert type(found) is type(xp.asarray(rows))
  assert found.dtype == np.float32
  # Float32 norms, added up in another order.
  np.testing.assert_allclose(
    found, sklearn.preprocessing.normalize(rows), atol=1e-7
  )
