"""A converted file loads to the same variables as the original."""

import flax.traverse_util
import numpy as np
import pytest
from support import random_weights

from dsth_jax.models import backbones
from dsth_jax.models.backbones import convert, load_network, weight_files

LAYOUT = random_weights.SMALL["alexnet"].layout


@pytest.fixture(autouse=True)
def _small(monkeypatch):
  """A narrow AlexNet in the table: the full one fills 230 MB."""
  narrow = backbones.BACKBONES["alexnet"]._replace(layout=LAYOUT)
  monkeypatch.setitem(backbones.BACKBONES, "alexnet", narrow)


@pytest.fixture
def tensors():
  classifier = {"classifier.6.weight": np.zeros((5, 64), np.float32)}
  return random_weights.random_tensors(LAYOUT) | classifier


@pytest.fixture
def original(tmp_path, tensors):
  path = tmp_path / "original.safetensors"
  weight_files.write(path, tensors)
  return path


def test_the_classifier_is_left_out_and_nothing_else(tmp_path, original):
  output = tmp_path / "alexnet.safetensors"
  report = convert.convert("alexnet", str(original), str(output))
  assert f"read {original}: 15 tensors" in report
  assert f"wrote {output}: 14 tensors" in report
  assert "left out: classifier.6.weight" in report
  found, expected = (
    flax.traverse_util.flatten_dict(load_network(LAYOUT, str(path)).variables)
    for path in (output, original)
  )
  assert found.keys() == expected.keys()
  for name, value in expected.items():
    np.testing.assert_array_equal(found[name], value)


def test_what_cannot_be_converted_is_refused(tmp_path, original, tensors):
  output = tmp_path / "alexnet.safetensors"
  with pytest.raises(ValueError, match="'resnet', but must be one of alexnet"):
    convert.convert("resnet", str(original), str(output))
  with pytest.raises(ValueError, match=r"missing\.pth is no file"):
    convert.convert("alexnet", "missing.pth", str(output))
  with pytest.raises(ValueError, match="not overwritten"):
    convert.convert("alexnet", str(original), str(original))
  bad = tmp_path / "bad.safetensors"
  tensors["features.3.bias"][2] = np.nan
  weight_files.write(bad, tensors)
  with pytest.raises(ValueError, match=r"features\.3\.bias holds NaN"):
    convert.convert("alexnet", str(bad), str(output))
  assert not output.exists()


def test_the_tensors_of_another_network_are_refused(tmp_path, original):
  output = tmp_path / "new.safetensors"
  with pytest.raises(ValueError, match=r"of AlexNet .*those of VGG16"):
    convert.convert("vgg16", str(original), str(output))


def test_the_command_converts_and_reports(
  monkeypatch, capsys, original, tmp_path
):
  output = tmp_path / "converted.safetensors"
  arguments = [
    "--backbone=alexnet",
    f"--weights={original}",
    f"--output={output}",
  ]
  monkeypatch.setattr("sys.argv", ["convert", *arguments])
  convert.main()
  assert f"wrote {output}" in capsys.readouterr().out
  with pytest.raises(SystemExit, match=r"converted\.safetensors"):
    convert.main()
