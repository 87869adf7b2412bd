"""Forward passes of teacher and student against PyTorch's.

python -m benchmarks.encoding
"""

from collections.abc import Iterator

import jax
import numpy as np
from absl import flags

from benchmarks import command, peers, timing
from dsth_jax.models import BACKBONES, inference
from dsth_jax.models.hash_models import simplenet

_DSTH_METHODS = flags.DEFINE_integer(
  "student_batch", 256, "Images of a student."
)
_TEACHERS = flags.DEFINE_integer("teacher_batch", 32, "Images of a teacher.")
_BITS = flags.DEFINE_integer("num_bits", 48, "Bits of a code.")
_REPEATS = flags.DEFINE_integer("repeats", 10, "Repetitions.")


def measure() -> Iterator[timing.Row]:
  """Yields a row a network and engine."""
  model = simplenet.SimpleNet(_BITS.value)
  pixels = _images(_DSTH_METHODS.value, 32)
  variables = model.init(jax.random.key(0), pixels[:1].astype(np.float32))

  def student(x):
    return model.apply(variables, simplenet.preprocess(x))

  yield from _rows(
    "SimpleNet, 32 pixels",
    pixels,
    student,
    peers.encoders(pixels, _BITS.value),
  )
  network, _ = BACKBONES["efficientnet_lite0"]
  pixels = _images(_TEACHERS.value, 224)
  yield from _rows(
    "EfficientNet-Lite0, 224 pixels", pixels, network(), peers.teachers(pixels)
  )


def _images(count: int, size: int) -> np.ndarray:
  rng = np.random.default_rng(0)
  return rng.integers(0, 256, (count, size, size, 3), dtype=np.uint8)


def _rows(
  network: str, pixels: np.ndarray, forward: inference.Forward, peer: dict
) -> Iterator[timing.Row]:
  batch_size, image_size = pixels.shape[:2]
  engines = {
    f"dsth_jax, {engine}": inference.compile_forward(
      forward, image_size=image_size, batch_size=batch_size, engine=engine
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
      quality=f"our engines agree within {error:.0e}",
    )


if __name__ == "__main__":
  command.run(measure)
