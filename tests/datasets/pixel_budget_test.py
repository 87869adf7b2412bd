"""The pixels that threads decode at the same time."""

import random
import threading
import time

import pytest

from dsth_jax.datasets import pixel_budget


def test_images_in_memory_fit_the_budget():
  budget = pixel_budget.PixelBudget(100)
  sizes = random.Random(0).choices((10, 30, 60, 100, 500), k=60)
  inside, sums, counts = [], [], []
  guard = threading.Lock()

  def decode(size):
    with budget.taken(size):
      with guard:
        inside.append(size)
        sums.append(sum(min(one, 100) for one in inside))
        counts.append(len(inside))
      time.sleep(0.001)
      with guard:
        inside.remove(size)

  threads = [threading.Thread(target=decode, args=[size]) for size in sizes]
  for thread in threads:
    thread.start()
  for thread in threads:
    thread.join(10)
  assert len(sums) == 60
  assert max(sums) <= 100
  assert max(counts) > 1


def test_the_room_of_a_broken_image_is_given_back():
  budget = pixel_budget.PixelBudget(1)
  for _ in range(2):
    with pytest.raises(ValueError, match="broken"), budget.taken(5):
      raise ValueError("broken")
