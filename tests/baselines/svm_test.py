"""Linear support vector machines."""

import jax.numpy as jnp
import numpy as np
import pytest
import sklearn.svm
from support.points import correlated_features

from dsth_jax.baselines import svm


@pytest.mark.parametrize("penalty", [0.01, 1.0])
def test_svm_is_scikit_learns(penalty):
  rng = np.random.default_rng(0)
  features = correlated_features() - 3.0
  noisy = features @ rng.normal(size=(20, 4)) + rng.normal(size=(300, 4))
  codes = (noisy > [[0.0, 0.5, -0.5, 1.0]]).astype(np.uint8)
  found = svm.fit(
    jnp.asarray(features), jnp.asarray(codes), penalty=penalty, max_iters=1000
  )
  values = features @ found.weights + found.biases[None, :]
  for bit in range(4):
    expected = sklearn.svm.LinearSVC(
      C=penalty, dual=False, tol=1e-10, max_iter=10_000
    ).fit(features.astype(float), codes[:, bit])
    # Where L-BFGS stops on float32 values.
    np.testing.assert_allclose(
      values[:, bit], expected.decision_function(features), atol=1e-2
    )
