import importlib.util
import logging
import pathlib

import numpy as np
import pytest

from dsth_jax import config as config_lib
from dsth_jax import datasets
from dsth_jax.models.hash_models import HASH_MODELS
from dsth_jax.pipeline import small_sets

CONFIGS = pathlib.Path(__file__).parents[2] / "configs"


def photographs():
  path = CONFIGS / "image_folder.py"
  spec = importlib.util.spec_from_file_location("image_folder_config", path)
  module = importlib.util.module_from_spec(spec)
  spec.loader.exec_module(module)
  return module.get_config()


def a_set(num_train, num_test=0):
  parts = np.repeat(["train", "test"], [num_train, num_test])
  names = tuple(map(str, range(len(parts))))
  return datasets.Dataset([], None, (), parts, names, (), "")


def values(config):
  return (
    config.data.num_queries,
    config.num_bits,
    config.graph.num_neighbors,
    config.train.batch_size,
  )


@pytest.mark.parametrize("num_images", [17, 18, 40, 100, 163, 250, 399, 5000])
def test_what_few_images_get_works_and_is_no_more_than_before(num_images):
  before = photographs()
  config = small_sets.fit(before, a_set(num_images))
  num_queries, num_bits, num_neighbors, batch_size = values(config)
  num_training = num_images - num_queries
  assert all(1 <= a <= b for a, b in zip(values(config), values(before)))
  assert num_queries <= num_images / 4
  assert num_bits < num_training
  assert num_neighbors < num_training
  assert batch_size % 8 == 0  # The tests have 8 devices.
  assert batch_size <= num_training
  assert num_bits == 48 or num_bits + 8 >= num_training
  HASH_MODELS[config.model.network].check(num_bits, config.model.to_dict())


def test_enough_images_change_nothing(caplog):
  config = photographs()
  assert small_sets.fit(config, a_set(400)) == config
  assert not caplog.records


def test_one_warning_names_old_and_new_values(caplog):
  caplog.set_level(logging.WARNING)
  small_sets.fit(photographs(), a_set(40))
  (record,) = caplog.records
  text = record.getMessage()
  assert "There are few images (40): data.num_queries is 10 instead of" in text
  for part in (
    "num_bits is 24 instead of 48",
    "graph.num_neighbors is 10 inst",
  ):
    assert part in text


def test_what_a_flag_or_a_file_gave_stays_and_is_refused():
  config = photographs()
  config.data.given = ("num_bits",)
  with pytest.raises(
    ValueError, match=r"lower what was set .num_bits=48"
  ) as at:
    small_sets.fit(config, a_set(40))
  # 10 queries, and one training image more than bits.
  assert "There are 40 images, but these settings need at least 59" in str(
    at.value
  )
  config = config_lib.base_config()
  config.num_bits = 48  # As a file of the user's own does.
  with pytest.raises(ValueError, match=r"lower what was set .num_bits=48"):
    small_sets.fit(config, a_set(40))


def test_the_least_is_named_and_works(monkeypatch):
  monkeypatch.setattr(small_sets.jax, "device_count", lambda: 1)
  with pytest.raises(
    ValueError, match=r"There is 1 image, but .* at least 3: "
  ):
    small_sets.fit(photographs(), a_set(1))
  assert values(small_sets.fit(photographs(), a_set(3))) == (1, 1, 1, 2)


def test_a_head_of_groups_keeps_its_multiple():
  config = config_lib.base_config()
  assert small_sets.fit(config, a_set(30)).num_bits == 16
  # 16 bits need 17 training images, and one image queries.
  with pytest.raises(ValueError, match=r"There are 12 .* 17 for num_bits=16"):
    small_sets.fit(config, a_set(12))


def test_a_test_part_queries_as_a_whole():
  config = photographs()
  config.data.protocol = "official"
  fitted = small_sets.fit(config, a_set(60, num_test=20))
  assert values(fitted)[:2] == (20, 48)
  config.num_bits, config.data.given = 16, ("num_bits",)
  with pytest.raises(ValueError, match="6 images to query with and 5 to train"):
    small_sets.fit(config, a_set(5, num_test=6))
  # The protocol refuses a set without a test part.
  assert small_sets.fit(config, a_set(60)) == config


def test_only_the_fields_that_may_be_lowered_are():
  config = config_lib.base_config()
  fitted = small_sets.fit(config, a_set(40), fields=("data.num_queries",))
  assert values(fitted) == (10, *values(config)[1:])
