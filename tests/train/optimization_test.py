"""Learning rates and weight decay."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from dsth_jax import train


def test_piecewise_schedule_is_the_papers():
  schedule = train.piecewise(
    values=(0.01, 0.001, 0.0001), stage_steps=(60_000, 5_000, 5_000)
  )
  steps = [0, 59_999, 60_000, 64_999, 65_000, 69_999]
  expected = [0.01, 0.01, 0.001, 0.001, 0.0001, 0.0001]
  np.testing.assert_allclose([schedule(s) for s in steps], expected, rtol=1e-6)


def test_one_cycle_rises_to_its_peak_and_ends_near_zero():
  schedule = train.one_cycle(num_steps=100, peak_value=0.5)
  rates = [float(schedule(step)) for step in range(101)]
  assert max(rates) == pytest.approx(0.5)
  assert int(np.argmax(rates)) == 20
  assert rates[-1] < 1e-4


@pytest.mark.parametrize("name", train.OPTIMIZERS)
def test_weight_decay_shrinks_only_kernels(name):
  optimizer = train.OPTIMIZERS[name](
    optax.constant_schedule(0.1), momentum=0.9, weight_decay=0.5
  )
  params = {"kernel": jnp.ones((2, 2)), "bias": jnp.ones(2)}
  gradient = jax.tree.map(jnp.zeros_like, params)
  updates, _ = optimizer.update(gradient, optimizer.init(params), params)
  np.testing.assert_allclose(updates["kernel"], -0.05, rtol=1e-6)
  np.testing.assert_array_equal(updates["bias"], np.zeros(2))
