"""Other ways to binary codes, behind one interface.

A method is a file with a function

    fit(inputs, labels=None, *, num_bits, key) -> encoder
    encoder.encode(inputs) -> UInt8[n b]

and an entry in `BASELINES`, see `Baseline`. A deep method has two, made by
`two_modes`: a head on the backbone's features, and SimpleNet from pixels.

>>> import jax
>>> import numpy as np
>>> features = np.random.default_rng(0).normal(size=(100, 8))
>>> encoder = BASELINES["itq"].fit(features, num_bits=4, key=jax.random.key(0))
>>> encoder.encode(features).shape
(100, 4)
"""

from dsth_jax.baselines import (
  agh,
  aibc,
  bihalf,
  bre,
  cca_itq,
  cibhash,
  cnnh,
  deep_dsh,
  deepbit,
  density_dsh,
  dlbh,
  greedyhash,
  itq,
  ksh,
  lsh,
  pca_sign,
  sh,
  sklsh,
  sph,
  sth,
  structure_ssdh,
  supervised_ssdh,
  views,
)
from dsth_jax.baselines.interface import Baseline, Encoder, two_modes
from dsth_jax.baselines.recipe import Recipe

BASELINES: dict[str, Baseline] = {
  "lsh": Baseline(
    lsh.fit,
    name="LSH",
    description="Locality-sensitive hashing: the signs of random projections.",
  ),
  "itq": Baseline(
    itq.fit,
    name="ITQ",
    description=(
      "Iterative quantization: principal components, rotated toward the "
      "corners of a hypercube."
    ),
  ),
  "pca_sign": Baseline(
    pca_sign.fit,
    name="PCAH",
    description="PCA hashing: the signs of the principal components.",
  ),
  "sklsh": Baseline(
    sklsh.fit,
    name="SKLSH",
    description=(
      "Shift-invariant kernel LSH: the signs of random Fourier features."
    ),
  ),
  "sh": Baseline(
    sh.fit,
    name="SH",
    description=(
      "Spectral hashing: the signs of sinusoids along the principal components."
    ),
  ),
  "sth": Baseline(
    sth.fit,
    name="STH",
    description=(
      "Self-taught hashing: codes from a neighbor graph, learned by one linear "
      "SVM per bit."
    ),
  ),
  "sph": Baseline(
    sph.fit,
    name="SpH",
    description=(
      "Spherical hashing: each bit tells whether a point is inside a ball."
    ),
  ),
  "density_dsh": Baseline(
    density_dsh.fit,
    name="Density DSH",
    description=(
      "Density sensitive hashing: planes between neighboring groups of "
      "features."
    ),
  ),
  "agh": Baseline(
    agh.fit,
    name="AGH",
    description=(
      "Anchor graph hashing: eigenvectors of a graph over a few anchors."
    ),
  ),
  "aibc": Baseline(
    aibc.fit,
    name="AIBC",
    description=(
      "Asymmetric inner-product binary coding: codes whose inner products "
      "approximate those of the features."
    ),
  ),
  **two_modes(
    "deepbit",
    deepbit.fit,
    needs_features=True,
    views=deepbit.rotated,
    name="DeepBit",
    description=(
      "DeepBit: a network trained for bits that are clear, even and invariant "
      "to rotation of the image"
    ),
  ),
  **two_modes(
    "structure_ssdh",
    structure_ssdh.fit,
    needs_features=True,
    name="SSDH (unsupervised)",
    description=(
      "Semantic structure-based unsupervised deep hashing: a network trained "
      "on pairs that the features mark as similar or dissimilar"
    ),
  ),
  **two_modes(
    "greedyhash",
    greedyhash.fit,
    needs_features=True,
    name="GreedyHash",
    description=(
      "Greedy hash, unsupervised: a network trained through the sign function "
      "to keep the cosines of the features"
    ),
  ),
  **two_modes(
    "bihalf",
    bihalf.fit,
    needs_features=True,
    name="Bi-half",
    description=(
      "Bi-half hashing: a network in which each bit splits each batch into two "
      "halves"
    ),
  ),
  **two_modes(
    "cibhash",
    cibhash.fit,
    views=views.random_view,
    name="CIBHash",
    description=(
      "Contrastive information bottleneck hashing: a network trained to give "
      "views of one image the same code"
    ),
  ),
  "ksh": Baseline(
    ksh.fit,
    supervised=True,
    name="KSH",
    description=(
      "Supervised hashing with kernels: kernel functions trained on class "
      "labels."
    ),
  ),
  "bre": Baseline(
    bre.fit,
    supervised=True,
    name="BRE",
    description=(
      "Binary reconstructive embeddings, supervised: Hamming distances fitted "
      "to class labels."
    ),
  ),
  "cca_itq": Baseline(
    cca_itq.fit,
    supervised=True,
    name="CCA-ITQ",
    description=(
      "Iterative quantization of the canonical directions of features and "
      "class labels."
    ),
  ),
  **two_modes(
    "cnnh",
    cnnh.fit,
    supervised=True,
    name="CNNH",
    description=(
      "Convolutional neural network hashing: codes from class labels first, "
      "then a network that learns them"
    ),
  ),
  **two_modes(
    "dlbh",
    dlbh.fit,
    supervised=True,
    name="DLBH",
    description=(
      "Deep learning of binary hash codes: a latent layer of a classifier"
    ),
  ),
  **two_modes(
    "deep_dsh",
    deep_dsh.fit,
    supervised=True,
    name="Deep DSH",
    description=(
      "Deep supervised hashing: a network trained with a contrastive loss on "
      "pairs of images"
    ),
  ),
  **two_modes(
    "supervised_ssdh",
    supervised_ssdh.fit,
    supervised=True,
    name="SSDH (supervised)",
    description=(
      "Supervised semantics-preserving deep hashing: a latent layer of a "
      "classifier, pushed to clear bits and even codes"
    ),
  ),
}

__all__ = ["BASELINES", "Baseline", "Encoder", "Recipe", "two_modes"]
