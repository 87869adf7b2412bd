"""What the cells of a comparison share: its data, features and stages."""

import pathlib
from collections.abc import Sequence

from ml_collections import ConfigDict

from dsth_jax.comparison import places
from dsth_jax.pipeline import dsth, run_dsth
from dsth_jax.pipeline.data import Data
from dsth_jax.pipeline.inputs import Inputs
from dsth_jax.pipeline.workdir import Workdir


class Shared:
  """The working directories and what methods learn from.

  The features of one variant are in memory at a time: those of 60,000 images
  can take 600 MB. Cells with the same features should follow each other.

  Attributes:
    root: the comparison's directory.
    config: its configuration, whose variants differ from it.
    data: the images, and the queries that are asked.
  """

  def __init__(self, root: Workdir, config: ConfigDict, data: Data):
    self.root, self.config, self.data = root, config, data
    self._workdirs = {root.path: root}
    self._methods: dict[places.Folders, dict[str, None]] = {}
    self._latest: tuple[places.Folders, Inputs | Exception] | None = None

  def expect(self, config: ConfigDict, names: Sequence[str]) -> None:
    """Says that a variant's inputs are for these methods too."""
    known = self._methods.setdefault(self._folders(config), {})
    known.update(dict.fromkeys(names))

  def group(self, config: ConfigDict) -> int:
    """Returns a number that variants with the same inputs have in common."""
    return list(self._methods).index(self._folders(config))

  def inputs(self, config: ConfigDict) -> Inputs:
    """Returns what the methods of a variant learn from, made if need be.

    Raises:
      Exception: they cannot be made; the next call for the same inputs does not
        try again.
    """
    folders = self._folders(config)
    if self._latest is None or self._latest[0] != folders:
      self._latest = None  # Frees the features of another variant.
      self._latest = folders, self._made(config, folders)
    found = self._latest[1]
    if isinstance(found, Exception):
      raise found
    return found

  def features_workdir(self, config: ConfigDict) -> Workdir:
    """Returns the directory of what follows from a variant's features only."""
    return self._open(self._folders(config).features)

  def workdirs(self, config: ConfigDict, method: str) -> dsth.Workdirs:
    """Returns the directories of the stages of a kind of DSTH.

    Args:
      config: of a cell, with what its kind of DSTH changes.
      method: the kind.
    """
    base = self.config
    graph = places.of_graph(self._folders(config).features, base, config)
    embedding = places.of_embedding(graph, base, config)
    network = places.of_network(embedding, base, config, method)
    return dsth.Workdirs(*map(self._open, (graph, embedding, network)))

  def _folders(self, config: ConfigDict) -> places.Folders:
    return places.of_inputs(self.root.path, self.config, config)

  def _made(
    self, config: ConfigDict, folders: places.Folders
  ) -> Inputs | Exception:
    names = tuple(self._methods[folders])
    try:
      return run_dsth.make_inputs(
        self._open(folders.extraction),
        config,
        self.data,
        names,
        pixels=self._open(folders.pixels),
      )
    except Exception as error:
      return error

  def _open(self, path: pathlib.Path) -> Workdir:
    """Opens each directory once: a Workdir has the log of its stages."""
    if path not in self._workdirs:
      self._workdirs[path] = Workdir(path, self.root.check_gigabytes)
    return self._workdirs[path]
