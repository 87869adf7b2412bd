"""Which thresholds go with which activation."""

import itertools

import pytest

from dsth_jax import config as config_lib
from dsth_jax import encode
from dsth_jax.config import thresholds
from dsth_jax.models.hash_models import heads

ALLOWED = {
  ("batchnorm", "labels"),
  ("batchnorm", "mean"),
  ("batchnorm", "median"),
  ("identity", "half"),
  ("identity", "mean"),
  ("identity", "median"),
  ("relu", "half"),
  ("relu", "mean"),
  ("sigmoid", "half"),
}


@pytest.mark.parametrize(
  ("activation", "threshold"),
  [*itertools.product(heads.ACTIVATIONS, ("labels", *encode.THRESHOLDS))],
)
def test_an_activation_takes_only_thresholds_that_cut_its_values(
  activation, threshold
):
  config = config_lib.base_config()
  config.model.activation = activation
  config.encode.threshold = threshold
  if (activation, threshold) in ALLOWED:
    config_lib.validate(config)
    return
  message = (
    f"encode.threshold is '{threshold}', .*model.activation={activation}"
  )
  with pytest.raises(ValueError, match=message) as raised:
    config_lib.validate(config)
  sentence = str(raised.value)
  # What it proposes is accepted.
  proposed, others = sentence.partition("set encode.threshold to ")[2].split(
    ", or model.activation"
  )
  for name in proposed.split(" or "):
    assert (activation, name) in ALLOWED
  for name in others[others.index("(") + 1 : others.index(")")].split(", "):
    assert (name, threshold) in ALLOWED


def test_every_activation_has_its_thresholds():
  assert set(thresholds.CUTS) == set(heads.ACTIVATIONS)
