"""Stage 3 of a run: its images become codes, and the hash function is kept."""

from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float
from ml_collections import ConfigDict

from dsth_jax import codes, encode
from dsth_jax.datasets import batches
from dsth_jax.models import inference
from dsth_jax.models import variables as variables_lib
from dsth_jax.pipeline.inputs import (
  Inputs,
  encoded_image_size,
  encoded_resized_size,
  network_inputs,
)
from dsth_jax.pipeline.workdir import Dependency, Workdir, settings
from dsth_jax.runtime import distributed, progress
from dsth_jax.runtime.artifacts import Artifact, Writer


def encode_images(
  workdir: Workdir,
  config: ConfigDict,
  inputs: Inputs,
  labels: Artifact,
  trained: Artifact,
) -> Artifact:
  """Encodes every image; returns `packed` [n w] and the `thresholds`."""

  def make(writer: Writer) -> None:
    values = _values(config, inputs, trained)
    if config.encode.threshold == "labels":
      thresholds = jnp.asarray(labels.arrays["thresholds"])
    else:
      of_training = values[inputs.data.splits.training]
      thresholds = encode.THRESHOLDS[config.encode.threshold](of_training)
    packed = codes.pack(codes.binarize(values, thresholds))
    writer.write(packed=packed, thresholds=thresholds)
    writer.write_text("names.txt", "\n".join(inputs.data.dataset.names) + "\n")
    writer.num_images = len(values)

  depends_on: list[Dependency] = [
    labels,
    trained,
    *inputs.depends_on(network_inputs(config)),
    settings(config, "encode.threshold"),
  ]
  return workdir.artifact("codes", depends_on, make)


def _values(
  config: ConfigDict, inputs: Inputs, trained: Artifact
) -> Float[np.ndarray, "n b"]:
  """Returns the network's values for all images, on every process."""
  seen = inputs.rows(network_inputs(config))
  batch_size, num_images = config.encode.batch_size, len(seen)
  forward_batch = compile_network(config, trained, seen.shape[1:])
  own = batches.Selection(
    seen, distributed.own_rows(num_images, batch_size=batch_size)
  )
  found = distributed.in_order(
    encode.batch_values(forward_batch, own, batch_size),
    num_rows=num_images,
    batch_size=batch_size,
    like=np.zeros(config.num_bits, np.float32),
  )
  return np.concatenate(
    list(progress.counted(found, total=num_images, name="codes", unit="images"))
  )


def compile_network(
  config: ConfigDict, trained: Artifact, item_shape: tuple[int, ...]
) -> inference.ForwardBatch:
  """Compiles the trained network for batches of what it sees."""
  variables = variables_lib.unflatten(trained.arrays)
  return inference.compile_forward(
    encode.network_forward(
      config.model.network, config.num_bits, config.model.to_dict(), variables
    ),
    item_shape=item_shape,
    batch_size=config.encode.batch_size,
    engine=config.encode.engine,
  )


def keep_hash_function(
  workdir: Workdir,
  config: ConfigDict,
  inputs: Inputs,
  trained: Artifact,
  encoded: Artifact,
) -> Artifact:
  """Keeps the trained network with all that encodes a new image."""
  sizes = {
    "image_size": encoded_image_size(config),
    "resized_size": encoded_resized_size(config),
  }

  def make(writer: Writer) -> None:
    hash_function = _hash_function(config, inputs, trained, encoded)
    writer.write(**hash_function.arrays())
    writer.write_json("hash_function", hash_function.record())

  depends_on: list[Dependency] = [
    trained,
    encoded,
    settings(config, "model", "num_bits", "encode", "features.batch_size"),
    settings(config, "data.max_pixels", "data.stored_size"),
    sizes,
    *inputs.features.tuned.values(),
    _settings_of_tuning(config),
  ]
  return workdir.artifact("hash_function", depends_on, make)


def _settings_of_tuning(config: ConfigDict) -> dict[str, Any]:
  """Returns the settings of fine-tuning that count: one where it is off."""
  if config.features.fine_tuning.num_epochs:
    return settings(config, "features.fine_tuning")
  return settings(config, "features.fine_tuning.num_epochs")


def _hash_function(
  config: ConfigDict,
  inputs: Inputs,
  trained: Artifact,
  encoded: Artifact,
) -> encode.HashFunction:
  described: dict[str, Any] = {}
  batch_size = config.encode.batch_size
  if network_inputs(config) == "features":
    batch_size = config.features.batch_size
    described["transform"] = inputs.features.transform
    if not config.features.file:
      described["backbones"] = config.features.backbone
      described["weights"] = config.features.weights
      described["tuned"] = inputs.features.tuned_variables()
  return encode.HashFunction(
    network=config.model.network,
    settings=config.model.to_dict(),
    num_bits=config.num_bits,
    image_size=encoded_image_size(config),
    resized_size=encoded_resized_size(config),
    batch_size=batch_size,
    variables=variables_lib.unflatten(trained.arrays),
    thresholds=encoded.arrays["thresholds"],
    fingerprint=encoded.fingerprint,
    max_pixels=config.data.max_pixels,
    stored_size=config.data.stored_size,
    engine=config.encode.engine,
    **described,
  )
