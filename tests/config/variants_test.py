"""The variants of a comparison: their settings, and what is refused."""

import json

import pytest

from dsth_jax import config as config_lib


def _refused(variants, match):
  config = config_lib.base_config()
  config.compare.variants = variants
  with pytest.raises(ValueError, match=match):
    config_lib.validate(config)


def test_without_variants_there_is_the_configuration():
  config = config_lib.base_config()
  assert config_lib.variants(config) == {"": config}


def test_a_variant_changes_its_settings_and_no_others():
  config = config_lib.base_config()
  before = config.to_dict()
  config.compare.variants = {
    "b": {"model.head": "mlp", "train.stage_steps": (2, 1)},
    "a": {"baselines.itq.num_iters": 3},
  }
  found = config_lib.variants(config)
  assert list(found) == ["b", "a"]
  assert found["b"].model.head == "mlp"
  assert found["a"].baselines.itq.num_iters == 3
  expected = {**before, "model": {**before["model"], "head": "mlp"}}
  expected["train"] = {**before["train"], "stage_steps": (2, 1)}
  assert found["b"].to_dict() == expected


def test_variants_survive_the_file_of_a_run(tmp_path):
  config = config_lib.base_config()
  config.compare.variants = {"b": {"model.width": 2.0}, "a": {}}
  path = tmp_path / "config.json"
  path.write_text(config.to_json())
  found = config_lib.read(path)
  assert found.to_json() == json.dumps(json.loads(path.read_text()))
  assert list(config_lib.variants(found)) == ["b", "a"]


@pytest.mark.parametrize(
  ("settings", "match"),
  [
    ({"features.bakbone": "pixels"}, "'features.bakbone' does not exist"),
    ({"no.such.thing": 1}, "'no.such.thing' does not exist"),
    ({"seed.more": 1}, "changes seed.more, which all variants share"),
    ({"data.root": "x"}, "changes data.root, which all variants share"),
    ({"compare.variants": {}}, "which all variants share"),
    ({"graph.num_neighbors": "many"}, "give a value of the same type"),
    ({"labels": {}}, "is a section: set its fields, such as labels"),
    ("mlp", "give its settings by their full names"),
  ],
)
def test_settings_that_cannot_be_a_variants_are_refused(settings, match):
  _refused({"one": settings}, match)


@pytest.mark.parametrize("name", ["", "a/b", "..", "two words"])
def test_names_that_are_no_folder_are_refused(name):
  _refused({name: {}}, "also names a folder")
