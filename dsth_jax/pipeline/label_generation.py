"""The embedding to hash labels."""

import numpy as np
from jaxtyping import UInt8
from ml_collections import ConfigDict

from dsth_jax import codes, spectral
from dsth_jax.pipeline import spectral_embedding
from dsth_jax.pipeline.seeds import stage_key
from dsth_jax.pipeline.workdir import Dependency, Workdir, settings
from dsth_jax.runtime.artifacts import Artifact, Writer


def make_labels(
  workdir: Workdir, config: ConfigDict, embedding: Artifact
) -> Artifact:
  """Cuts the embedding into bits; returns `codes` and `thresholds`."""
  labels = config.labels

  def make(writer: Writer) -> None:
    found = spectral_embedding.read_embedding(embedding)
    values = found.vectors
    if labels.method == "diffusion":
      values = codes.diffusion_rotation(
        found,
        diffusion_time=labels.diffusion_time,
        num_iters=labels.num_iters,
        key=stage_key(config.seed, "labels"),
      ).values
    thresholds = codes.THRESHOLDS[labels.threshold](values)
    writer.write(
      codes=codes.binarize(values, thresholds), thresholds=thresholds
    )

  depends_on: list[Dependency] = [embedding, settings(config, "labels", "seed")]
  return workdir.artifact("labels", depends_on, make)


def paper_labels(embedding: spectral.Embedding) -> UInt8[np.ndarray, "n b"]:
  """Returns the paper's hash labels: eigenvectors at their mean (Eq. 13)."""
  thresholds = codes.mean_thresholds(embedding.vectors)
  return np.asarray(codes.binarize(embedding.vectors, thresholds))
