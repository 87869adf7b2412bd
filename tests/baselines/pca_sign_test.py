"""Signs of principal components."""

import numpy as np
import pytest
import sklearn.decomposition
from support.points import correlated_features

from dsth_jax.baselines import pca_sign


def test_pca_sign_has_the_signs_of_scikit_learns_components(key):
  features = correlated_features()
  expected = sklearn.decomposition.PCA(9, svd_solver="full").fit_transform(
    features.astype(np.float64)
  )
  found = np.asarray(
    pca_sign.fit(features, num_bits=9, key=key).encode(features)
  )
  # A component has no sign of its own, and float32 none near the mean.
  agrees = (found == 1) == (expected > 0)
  agrees = np.where(agrees.mean(0) > 0.5, agrees, ~agrees)
  clear = np.abs(expected) > 1e-3
  assert agrees[clear].all()
  assert clear.mean() > 0.98


def test_pca_sign_is_cut_at_the_mean(key):
  features = correlated_features()
  encoder = pca_sign.fit(features, num_bits=9, key=key)
  mirrored = 2 * np.asarray(encoder.mean)[None, :] - features
  found = encoder.encode(features) + encoder.encode(mirrored)
  assert (np.asarray(found) == 1).all()


@pytest.mark.parametrize("num_varying", [1, 5])
def test_pca_sign_refuses_more_bits_than_directions_of_variance(
  num_varying, key
):
  features = correlated_features()
  features[:, num_varying:] = features[:1, num_varying:]
  message = f"pca_sign was asked for num_bits=6, .* have {num_varying} "
  with pytest.raises(ValueError, match=message):
    pca_sign.fit(features, num_bits=6, key=key)
