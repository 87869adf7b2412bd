"""A training step of SimpleNet against PyTorch's.

python -m benchmarks.training --batch_sizes=64,128
"""

from collections.abc import Callable, Iterator

import jax
import numpy as np
from absl import flags

from benchmarks import command, limits, peers, timing
from dsth_jax import sharding, train
from dsth_jax.models import layers, simplenet

_BATCHES = flags.DEFINE_list("batch_sizes", ["64", "128"], "Images a step.")
_BITS = flags.DEFINE_integer("num_bits", 48, "Bits of a code.")
_REPEATS = flags.DEFINE_integer("repeats", 20, "Steps.")

# Table I at 32 pixels and the slice head: multiplications and additions of a
# forward pass; training takes three times as many but for the first layer's
# input.
_FORWARD = 2 * (75 * 32 * 1024 + 800 * 32 * 256 + 800 * 64 * 64 + 1024**2)
_STEP = 3 * _FORWARD - 2 * 75 * 32 * 1024


def measure() -> Iterator[timing.Row]:
  """Yields a row a method and batch size."""
  for batch_size in map(int, _BATCHES.value):
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (batch_size, 32, 32, 3), dtype=np.uint8)
    codes = rng.integers(0, 2, (batch_size, _BITS.value), dtype=np.uint8)
    calls = {
      "dsth_jax": _ours(pixels, codes),
      "dsth_jax, plain XLA layers": _ours(pixels, codes, plain=True),
      **peers.training_steps(pixels, codes),
    }
    times = timing.in_turn(calls, repeats=_REPEATS.value)
    for method, seconds in times.items():
      gflops = _STEP * batch_size / 1e9 / seconds.median
      yield timing.Row(
        f"step of {batch_size} images, {_BITS.value} bits",
        method,
        seconds,
        rate=f"{batch_size / seconds.median:,.0f} images/s",
        of_limit=f"{gflops / limits.gemm_gflops():.2f}",
        quality="layers equal in tests/layers_test.py",
      )


def _ours(
  pixels: np.ndarray, codes: np.ndarray, *, plain: bool = False
) -> Callable[[], None]:
  mesh = sharding.make_mesh()
  model = simplenet.SimpleNet(codes.shape[1])
  optimizer = train.adamw(
    train.one_cycle(num_steps=1000, peak_value=3e-3),
    momentum=0.9,
    weight_decay=0.01,
  )
  fresh = train.init(
    model, optimizer, image_size=32, mesh=mesh, key=jax.random.key(0)
  )
  state = [fresh]
  step = train.make_step(
    model,
    optimizer,
    augmentation=train.Augmentation(flip=False, shift=0),
    averaging=0.0,
    mesh=mesh,
  )

  def call() -> None:
    state[0], loss = step(state[0], pixels, codes, jax.random.key(0))
    loss.block_until_ready()

  if plain:
    # The first call traces the network: with the layers of GPUs and TPUs.
    chosen = layers.training_layers
    layers.training_layers = lambda: layers.PLAIN
    try:
      call()
    finally:
      layers.training_layers = chosen
  return call


if __name__ == "__main__":
  command.run(measure)
