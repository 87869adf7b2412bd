"""The measured limits of this machine: products and memory."""

import functools

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks import timing


@functools.cache
def products() -> dict[str, float]:
  """GFLOP/s of matrix products, by engine and type."""
  side = 4096
  a = np.random.default_rng(0).standard_normal((side, side), np.float32)
  out = np.empty_like(a)
  single, half = jnp.asarray(a), jnp.asarray(a, jnp.bfloat16)
  product = jax.jit(
    lambda x: jnp.matmul(x, x, preferred_element_type=jnp.float32)
  )
  found = timing.in_turn(
    {
      "NumPy float32": lambda: np.matmul(a, a, out=out),
      "XLA float32": lambda: product(single).block_until_ready(),
      "XLA bfloat16": lambda: product(half).block_until_ready(),
    },
    repeats=3,
  )
  return {
    name: 2 * side**3 / 1e9 / times.lowest for name, times in found.items()
  }


def gemm_gflops() -> float:
  """GFLOP/s of the fastest float32 product."""
  return max(
    rate for name, rate in products().items() if name.endswith("float32")
  )


@functools.cache
def memory_gbytes() -> float:
  """GB/s of reading and writing arrays far larger than the cache."""
  x = jnp.zeros((1 << 26,), jnp.float32)
  add = jax.jit(lambda x: x + 1)
  found = timing.in_turn({"add": lambda: add(x).block_until_ready()}, repeats=5)
  return 2 * x.nbytes / 1e9 / found["add"].lowest


def describe() -> str:
  """One line for the head of a table."""
  rates = ", ".join(f"{rate:.0f} {name}" for name, rate in products().items())
  return (
    f"Limits: products of 4,096 x 4,096 at {rates} GFLOP/s; "
    f"{memory_gbytes():.1f} GB/s read and written; {jax.device_count()} "
    f"{jax.default_backend()} device(s)."
  )
