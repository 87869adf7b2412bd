"""Upper bounds of cosines from points rounded to eight bits, for CPUs.

Products of bytes are three to four times as fast as those of floats where the
processor has instructions for them. `bounds` chooses candidates by them.
"""

import math
from typing import NamedTuple

import numpy as np
import scipy.fft
from jaxtyping import Float, Float32, Int8, Int32, UInt8

# Rounded values are -127 to 127; onnxruntime multiplies unsigned by signed
# bytes, and takes this off the unsigned ones.
_LARGEST, _ZERO = 127, 128
# Products of more features could leave 32 bits: with the errors beside them a
# product is at most 3 d 127^2.
MAX_FEATURES = 40_000
# Points by which the step is chosen.
_SAMPLE = 4096
# What float32 may add to the error of a cosine.
_SLACK = 4e-6


class Rounded(NamedTuple):
  """Points as bytes, whose products bound their cosines from above.

      scale^2 sum_e (left_ie - 128) right_ej >= cos(x_i, x_j)

  Attributes:
    left: a row a point.
    right: a column a point.
  """

  left: UInt8[np.ndarray, "t e"]
  right: Int8[np.ndarray, "e t"]


def is_fast() -> bool:
  """Says whether this processor multiplies bytes faster than floats (VNNI).

  Others may also round sums of two products to 16 bits, and so be wrong.
  """
  found = np.show_config(mode="dicts").get("SIMD Extensions", {})
  # NumPy's names for groups of instructions with these among them.
  groups = {"AVX512_CLX", "AVX512_ICL", "AVX512_SPR"}
  return not groups.isdisjoint(found.get("found", []))


def turn(points: Float32[np.ndarray, "t d"]) -> Float32[np.ndarray, "t d"]:
  """Writes points along other axes, the same for all: cosines stay.

  Along these no feature is much larger than the others, so that rounding loses
  least: signs drawn at random, then a cosine transform.
  """
  signs = np.random.default_rng(0).choice(
    np.array([-1, 1], np.float32), points.shape[1]
  )
  return scipy.fft.dct(points * signs, axis=1, norm="ortho", workers=-1)


def round_points(
  blocks: Float32[np.ndarray, "blocks t d"],
) -> tuple[list[Rounded], float]:
  """Rounds points of length 1 (or 0), and writes their errors beside them.

  With x = y + e, y the rounded x,

      x_i . x_j = y_i . y_j + e_i . x_j + y_i . e_j
               <= y_i . y_j + |e_i| + |e_j| + |e_i| |e_j|,

  so that some features more, 127 on one side and the error on the other, make
  the product of two points a bound.

  Returns:
    Each block rounded, and the value of a step of their products.
  """
  scale = step_of(blocks)
  steps, errors = zip(*(_round(turn(block), scale) for block in blocks))
  # |e_i| |e_j| is at most half of the largest error's share of |e_i| + |e_j|.
  factor = 1 + max(each.max(initial=0.0) for each in errors) / 2
  shares = [
    np.ceil((factor * each + _SLACK / 2) / (scale**2 * _LARGEST))
    for each in errors
  ]
  most = max(each.max(initial=0.0) for each in shares)
  width = math.ceil(most / _LARGEST)
  rounded = [
    _beside(block, _digits(share, width)) for block, share in zip(steps, shares)
  ]
  return rounded, scale**2


def step_of(blocks: Float32[np.ndarray, "blocks t d"]) -> float:
  """Returns the length of a rounded value's step, by a sample of the points.

  A point that exceeds the sample is clipped, which its error tells.
  """
  points = blocks.reshape(-1, blocks.shape[2])
  sample = turn(points[:: -(-len(points) // _SAMPLE)])
  # A point of length 1 has a feature of at least 1 / sqrt(d).
  least = points.shape[1] ** -0.5
  return float(np.abs(sample).max(initial=least)) / _LARGEST


def errors_of(
  points: Float32[np.ndarray, "n d"], step: float
) -> Float[np.ndarray, "n"]:
  """Returns how far points are from what they are rounded to."""
  return _round(turn(points), step)[1]


class Product:
  """Multiplies bytes exactly, on one thread for each caller."""

  def __init__(self) -> None:
    # Only those who multiply owe the time of these imports.
    import onnx
    import onnxruntime

    tensor, kinds = onnx.helper.make_tensor_value_info, onnx.TensorProto
    graph = onnx.helper.make_graph(
      [onnx.helper.make_node("MatMulInteger", ["a", "b", "zero"], ["c"])],
      "product",
      [
        tensor("a", kinds.UINT8, ["m", "e"]),
        tensor("b", kinds.INT8, ["e", "n"]),
      ],
      [tensor("c", kinds.INT32, ["m", "n"])],
      [onnx.helper.make_tensor("zero", kinds.UINT8, [], [_ZERO])],
    )
    model = onnx.helper.make_model(
      graph, opset_imports=[onnx.helper.make_opsetid("", 14)], ir_version=9
    )
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    self._session = onnxruntime.InferenceSession(
      model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )

  def __call__(
    self,
    left: UInt8[np.ndarray, "m e"],
    right: Int8[np.ndarray, "e n"],
    out: Int32[np.ndarray, "m n"],
  ) -> None:
    """Writes the product to `out`, a contiguous array."""
    binding = self._session.io_binding()
    binding.bind_cpu_input("a", left)
    binding.bind_cpu_input("b", right)
    binding.bind_output(
      "c", "cpu", 0, np.int32, list(out.shape), out.ctypes.data
    )
    self._session.run_with_iobinding(binding)


def _round(
  block: Float32[np.ndarray, "t d"], scale: float
) -> tuple[Int8[np.ndarray, "t d"], Float[np.ndarray, "t"]]:
  """Returns the points in steps, and how far each is from what they say."""
  steps = np.rint(block / scale).clip(-_LARGEST, _LARGEST)
  errors = np.linalg.norm(block - scale * steps, axis=1)
  return steps.astype(np.int8), errors


def _digits(
  shares: Float[np.ndarray, "t"], width: int
) -> Int8[np.ndarray, "t p"]:
  """Writes numbers as sums of so many bytes."""
  below = _LARGEST * np.arange(width)
  return np.clip(shares[:, None] - below, 0, _LARGEST).astype(np.int8)


def _beside(
  steps: Int8[np.ndarray, "t d"], errors: Int8[np.ndarray, "t p"]
) -> Rounded:
  full = np.full_like(errors, _LARGEST)
  left = np.concatenate([steps, full, errors], axis=1).astype(np.int16) + _ZERO
  right = np.concatenate([steps, errors, full], axis=1)
  return Rounded(left.astype(np.uint8), np.ascontiguousarray(right.T))
