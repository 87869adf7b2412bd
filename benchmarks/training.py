"""A training step of SimpleNet against PyTorch's, as a whole and by parts.

python -m benchmarks.training --batch_sizes=64,128
"""

from collections.abc import Callable, Iterator

import jax
import numpy as np
from absl import flags

from benchmarks import command, limits, peers, timing
from dsth_jax import train
from dsth_jax.models.hash_models import layers, simplenet, trunk
from dsth_jax.runtime import sharding

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
        quality="layers equal in tests/models/layers_test.py",
      )
  for name, *shapes in _PARTS:
    yield from _part(name, *shapes)


# The parts of a step without the head: input and kernel for 128 images.
_PARTS = (
  ("convolution 1, maximum pooling", (128, 32, 32, 3), (5, 5, 3, 32)),
  ("convolution 2, mean pooling", (128, 16, 16, 32), (5, 5, 32, 32)),
  ("convolution 3, mean pooling", (128, 8, 8, 32), (5, 5, 32, 64)),
)


def _part(
  name: str, image_shape: tuple[int, ...], kernel_shape: tuple[int, ...]
) -> Iterator[timing.Row]:
  """Yields a row a method for the forward pass and all gradients of a part."""
  rng = np.random.default_rng(0)
  images = rng.standard_normal(image_shape, np.float32)
  kernel = 0.1 * rng.standard_normal(kernel_shape, np.float32)
  is_first = image_shape[-1] == 3
  ops = layers.training_layers()

  def loss(images: jax.Array, kernel: jax.Array) -> jax.Array:
    if is_first:
      outputs = ops.conv_max_pool(images, kernel)
    else:
      outputs = ops.avg_pool(ops.conv(images, kernel))
    # Its gradient needs the outputs, as that of a network's loss does.
    return (outputs**2).sum()

  # The first layer's images need no gradient.
  gradient = jax.jit(
    jax.value_and_grad(loss, argnums=1 if is_first else (0, 1))
  )
  on_device = jax.device_put((images, kernel))
  calls = {
    "dsth_jax": lambda: jax.block_until_ready(gradient(*on_device)),
    **peers.part_steps(images, kernel),
  }
  operations = 6 * images.size * kernel.size // kernel.shape[2]
  if is_first:
    operations = operations * 2 // 3
  times = timing.in_turn(calls, repeats=_REPEATS.value)
  for method, seconds in times.items():
    gflops = operations / 1e9 / seconds.median
    yield timing.Row(
      f"{name}, forward and gradients of {len(images)} images",
      method,
      seconds,
      rate=f"{gflops:.0f} GFLOP/s",
      of_limit=f"{gflops / limits.gemm_gflops():.2f}",
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
    model, optimizer, item_shape=(32, 32, 3), mesh=mesh, key=jax.random.key(0)
  )
  state = [fresh]
  step = train.make_step(
    model,
    optimizer,
    preprocess=trunk.preprocess,
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
