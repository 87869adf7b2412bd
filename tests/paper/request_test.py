"""The flags of the experiments."""

import pytest

from dsth_jax.paper import request


def test_two_backbones_stand_in_by_their_strength():
  assert request.stand_ins(["weak", "strong"]) == {
    "alexnet": "weak",
    "googlenet": "strong",
    "vgg16": "strong",
  }
  assert "alexnet" not in request.stand_ins(["only"])
  assert request.stand_ins([]) == {}


def test_weights_may_be_in_the_home_directory(monkeypatch, tmp_path):
  monkeypatch.setenv("HOME", str(tmp_path))
  found = request.parse("table3", weights=["alexnet=~/a.pth"])
  assert found.weights == {"alexnet": str(tmp_path / "a.pth")}


def test_flags_become_a_request():
  found = request.parse(
    "table3",
    weights=["alexnet=a=b.pth", "googlenet=g.pth"],
    labels="both",
    seeds=["0", "2", "0"],
    num_bits=["16"],
  )
  assert found.weights == {"alexnet": "a=b.pth", "googlenet": "g.pth"}
  assert found.labels == ("dsth", "dsth_diffusion")
  assert (found.seeds, found.num_bits) == ((0, 2), (16,))
  assert request.parse("table3").labels == ("dsth",)
  assert request.parse("table3", labels="diffusion").labels == (
    "dsth_diffusion",
  )


@pytest.mark.parametrize(
  ("flags", "match"),
  [
    ({"weights": ["alexnet"]}, "has 'alexnet': name a backbone and its file"),
    ({"weights": ["=a.pth"]}, "name a backbone and its file"),
    (
      {"weights": ["alexnet=a.pth", "alexnet=b.pth"]},
      "names two files for alexnet, a.pth and b.pth",
    ),
    ({"seeds": []}, "--seeds is empty: give one or more"),
    ({"seeds": ["one"]}, "--seeds is one: give whole numbers"),
    ({"num_bits": ["-16"]}, "--num_bits is -16: give whole numbers"),
    ({"backbones": ["a", "b", "c"]}, "--backbones names 3, but the paper"),
  ],
)
def test_flags_of_another_form_are_refused(flags, match):
  with pytest.raises(ValueError, match=match):
    request.parse("table3", **flags)
