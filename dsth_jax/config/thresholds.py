"""Which thresholds cut the values of which activation."""

from typing import NamedTuple

from ml_collections import ConfigDict


class Cut(NamedTuple):
  """What turns an activation's values into bits.

  Attributes:
    thresholds: values of `encode.threshold` that go with the activation.
    reason: why no others do, said of its values.
  """

  thresholds: tuple[str, ...]
  reason: str


# By `model.activation`. All networks learn bits of 0 and 1 (Eq. 18).
CUTS = {
  # Section III-B: the mean, as the hash labels, "usually" with the labels' own
  # thresholds. An eigenvector's mean is near 0 too.
  "batchnorm": Cut(
    ("mean", "median", "labels"), "have mean 0, and few of them reach one half"
  ),
  # A rare bit has a small mean, which would make it 1 for half of the images.
  "sigmoid": Cut(("half",), "are the chances of a 1, cut at one half (Eq. 22)"),
  "identity": Cut(
    ("half", "mean", "median"), "approach the bits 0 and 1, not the embedding"
  ),
  # The paper does not say how it cut them (section IV-E).
  "relu": Cut(
    ("half", "mean"),
    "approach the bits 0 and 1 and are never negative, so that a threshold of "
    "0 makes every bit 1",
  ),
}


def check(config: ConfigDict) -> None:
  """Raises ValueError if the activation does not go with the threshold."""
  activation, threshold = config.model.activation, config.encode.threshold
  allowed, reason = CUTS[activation]
  if threshold not in allowed:
    others = ", ".join(name for name in CUTS if threshold in CUTS[name][0])
    raise ValueError(
      f"config.encode.threshold is {threshold!r}, but the values of "
      f"model.activation={activation} {reason}: set encode.threshold to "
      f"{' or '.join(allowed)}, or model.activation to one that goes with "
      f"{threshold} ({others})."
    )
