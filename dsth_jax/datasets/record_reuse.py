"""A builder that prepares only what has changed since an earlier copy.

An earlier copy of the same folder lends its files: those without a change get
a second name in the new copy, and in others only the new images are read. The
new copy is complete by itself; then the old ones are removed, except those that
a process has open.
"""

import abc
import bisect
import itertools
import pathlib
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import tensorflow_datasets as tfds

from dsth_jax.datasets import earlier_copies, record_files, tfds_builder
from dsth_jax.datasets.dataset import Skipped
from dsth_jax.datasets.record_files import RecordFile, Source

# Of a file with so few new images, it is first found out whether any is read:
# images that cannot be read are tried again on each change of a folder.
_FEW = 64


class ReusingBuilder(tfds_builder.OrderedBuilder):
  """An `OrderedBuilder` whose sources have a state.

  Attributes:
    origin: equal for copies of the same images with the same settings.
  """

  origin: str

  @abc.abstractmethod
  def source(self, source: Any) -> Source:
    """Returns what the record of one of the `sources` is made from.

    Names ascend within a part.
    """

  def _write_parts(self, dl_manager: Any, download_config: Any) -> None:
    del dl_manager, download_config
    copies = earlier_copies.copies_folder(pathlib.Path(self.data_dir))
    directory = pathlib.Path(
      tempfile.mkdtemp(prefix=earlier_copies.UNFINISHED, dir=copies)
    )
    lock = earlier_copies.mark(directory, self.origin)
    try:
      with earlier_copies.EarlierRecords(
        copies, self.origin, directory
      ) as earlier:
        infos = [
          self._write_part(part, sources, directory, earlier)
          for part, sources in self.sources().items()
        ]
      self.info.set_splits(tfds.core.SplitDict(infos))
      earlier_copies.mark(pathlib.Path(self.data_dir), self.origin)
      shutil.rmtree(directory)
    finally:
      # What is finished is of use to the next try.
      if not any(directory.glob("*.json")):
        shutil.rmtree(directory, ignore_errors=True)
      if lock is not None:
        lock.close()

  def _write_part(
    self,
    part: str,
    sources: Sequence[Any],
    directory: pathlib.Path,
    earlier: earlier_copies.EarlierRecords,
  ) -> tfds.core.SplitInfo:
    """Writes the files of a part, and moves them to the copy."""
    earlier.open(part)
    self._records.setdefault(part, [])
    known = [self.source(source) for source in sources]
    names = [source.name for source in known]
    files: list[RecordFile] = []
    for first, end in ranges(names, *earlier.bounds()):
      path = directory / f"{part}-{len(files):05d}"
      work = list(zip(sources[first:end], known[first:end]))
      files.append(self._write_file(path, work, earlier))
      record_files.write_list(files[-1], part)
    template = self._get_filename_template(split_name=part)
    for number, file in enumerate(files):
      target = template.sharded_filepath(
        shard_index=number, num_shards=len(files)
      )
      files[number] = record_files.move(file, pathlib.Path(target))
      self._records[part] += [(s.name, s.label) for s in file.sources]
    return tfds.core.SplitInfo(
      name=part,
      shard_lengths=[len(file.sources) for file in files],
      num_bytes=sum(file.path.stat().st_size for file in files),
      filename_template=template,
    )

  def _write_file(
    self,
    path: pathlib.Path,
    work: Sequence[tuple[Any, Source]],
    earlier: earlier_copies.EarlierRecords,
  ) -> RecordFile:
    """Writes a file, or gives the earlier one a second name."""
    new = [given for given, source in work if not earlier.has(source)]
    read: Iterable[tfds_builder.Record | Skipped] = self._read_new(new)
    if len(new) < _FEW:
      read = list(read)
      if not any(isinstance(one, tfds_builder.Record) for one in read):
        kept = [source for _, source in work if earlier.has(source)]
        same = earlier.same_file(kept)
        if same is not None:
          self._bar.update(len(kept))
          return record_files.link(same, path)
    written = []
    results = iter(read)
    with record_files.writer(path) as writer:
      for _, source in work:
        record = earlier.take(source)
        if record is None:
          made = next(results)
          if isinstance(made, Skipped):
            continue
          record = record_files.serialize(made.name, made.image, made.label)
        else:
          self._bar.update()
        writer.write(record)
        written.append(source)
    return RecordFile(path, written)

  def _read_new(
    self, sources: Sequence[Any]
  ) -> Iterator[tfds_builder.Record | Skipped]:
    """Reads, and notes what was skipped."""
    for result in self.read(sources):
      self._bar.update()
      if isinstance(result, Skipped):
        self._skipped.append(result)
      yield result


def ranges(
  names: Sequence[str], starts: Sequence[str], last: str
) -> list[tuple[int, int]]:
  """Divides images into files, at the bounds of earlier files if possible.

  Args:
    names: of the images, ascending.
    starts: first names of the earlier files; may be empty.
    last: the last name in the earlier files.

  Returns:
    The first image of every file, and the end.
  """
  size = tfds_builder.records_a_file(len(names))
  cuts = [0]
  if starts:
    cuts += [bisect.bisect_left(names, start) for start in starts[1:]]
    end = bisect.bisect_right(names, last)
    # A few images at the end get no file for themselves.
    if len(names) - end >= size:
      cuts.append(end)
  cuts.append(len(names))
  found: list[tuple[int, int]] = []
  for first, end in itertools.pairwise(cuts):
    step = size if end - first > 2 * size else max(1, end - first)
    found += [(i, min(i + step, end)) for i in range(first, end, step)]
  if len(found) > 2 * tfds_builder.MAX_FILES_A_PART:
    return ranges(names, (), "")
  return found
