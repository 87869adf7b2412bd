"""Forward passes of hash network and backbone against PyTorch's.

python -m benchmarks.encoding
"""

from collections.abc import Iterator

import jax
import numpy as np
from absl import flags

from benchmarks import command, peers, timing
from dsth_jax.models import inference
from dsth_jax.models.backbones import BACKBONES
from dsth_jax.models.hash_models import simplenet, trunk

_HASH_NETWORK = flags.DEFINE_integer(
  "hash_network_batch", 256, "Images of a batch for the hash network."
)
_BACKBONE = flags.DEFINE_integer(
  "backbone_batch", 32, "Images of a batch for the backbone."
)
_BITS = flags.DEFINE_integer("num_bits", 48, "Bits of a code.")
_REPEATS = flags.DEFINE_integer("repeats", 10, "Repetitions.")


def measure() -> Iterator[timing.Row]:
  """Yields a row a network and engine."""
  model = simplenet.SimpleNet(_BITS.value)
  pixels = _images(_HASH_NETWORK.value, 32)
  variables = model.init(jax.random.key(0), pixels[:1].astype(np.float32))

  yield from _rows(
    "SimpleNet, 32 pixels",
    pixels,
    lambda x: model.apply(variables, trunk.preprocess(x)),
    peers.hash_networks(pixels, _BITS.value),
  )
  backbone = BACKBONES["efficientnet_lite0"]
  network = backbone.load("")
  pixels = _images(_BACKBONE.value, 224)
  yield from _rows(
    "EfficientNet-Lite0, 224 pixels",
    pixels,
    lambda x: network(backbone.preprocess(x)),
    peers.backbones(pixels),
  )


def _images(count: int, size: int) -> np.ndarray:
  rng = np.random.default_rng(0)
  return rng.integers(0, 256, (count, size, size, 3), dtype=np.uint8)


def _rows(
  network: str, pixels: np.ndarray, forward: inference.Forward, peer: dict
) -> Iterator[timing.Row]:
  batch_size, *item_shape = pixels.shape
  engines = {
    f"dsth_jax, {engine}": inference.compile_forward(
      forward,
      item_shape=tuple(item_shape),
      batch_size=batch_size,
      engine=engine,
    )
    for engine in ("auto", "jit")
  }
  outputs = [run(pixels) for run in engines.values()]
  error = np.max(np.abs(outputs[0] - outputs[1])) / np.max(np.abs(outputs[0]))
  calls = {name: lambda run=run: run(pixels) for name, run in engines.items()}
  times = timing.in_turn({**calls, **peer}, repeats=_REPEATS.value)
  for method, seconds in times.items():
    yield timing.Row(
      f"{network}, batch {batch_size}",
      method,
      seconds,
      rate=f"{batch_size / seconds.median:,.0f} images/s",
      quality=f"the two engines agree within {error:.0e}",
    )


if __name__ == "__main__":
  command.run(measure)
