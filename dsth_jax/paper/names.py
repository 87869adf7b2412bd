"""Names of data sets, networks and configurations, as tables show them."""

from dsth_jax.paper.results import Key
from dsth_jax.report import descriptions

DATASETS = {
  "cifar10": "CIFAR-10",
  "stl10": "STL-10",
  "cifar100_coarse": "CIFAR-100 coarse",
  "cifar100_fine": "CIFAR-100 fine",
  "oxford5k": "Oxford 5K",
  "oxford105k": "Oxford 105K",
  "holidays": "INRIA Holidays",
  "holidays1m": "INRIA Holidays+1M",
  "flickr_logos32": "FlickrLogos-32",
}
_HEADS = {"mlp": "MLP", "slice": "Slice"}
_ACTIVATIONS = {"batchnorm": "BatchNorm", "sigmoid": "Sigmoid", "relu": "ReLU"}
_METHODS = {"dsth": "DSTH", "dsth_diffusion": "DSTH, diffusion labels"}


def dataset(key: str) -> str:
  """Returns the name of a data set; unknown ones keep the key."""
  return DATASETS.get(key, key)


def configuration(head: str, activation: str) -> str:
  """Returns the paper's name of a hash network, "" of a method without one."""
  parts = (_HEADS.get(head, head), _ACTIVATIONS.get(activation, activation))
  return "+".join(filter(None, parts))


def method(key: str) -> str:
  """Returns the name of a method."""
  return _METHODS.get(key) or descriptions.method(key).name


def backbone(key: str) -> str:
  """Returns the name of a backbone."""
  return descriptions.backbone_name(key)


def stand_in(measured: str, published: str) -> str:
  """Says which of the paper's backbones another one stands in for."""
  if measured == published:
    return ""
  return f"in place of {backbone(published)}"


def network(measured: str, published: str) -> str:
  """Returns the name of a backbone, and which of the paper's it stands in for."""
  return f"{backbone(measured)} {stand_in(measured, published)}".strip()


def labels(with_labels: bool) -> str:
  """Says whether class labels were used."""
  return "with labels" if with_labels else "without labels"


def cell(key: Key) -> str:
  """Names a cell in a sentence."""
  parts = (
    dataset(key.dataset),
    method(key.method),
    backbone(key.backbone),
    configuration(key.head, key.activation),
    "with labels" if key.labels else "",
    f"{key.num_bits} bits" if key.num_bits else "",
  )
  return ", ".join(filter(None, parts))
