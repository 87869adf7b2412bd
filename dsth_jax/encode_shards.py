"""Encodes shards of images: `python -m dsth_jax.encode_shards --run=FOLDER`.

Workers need not know of each other: every one takes each so many-th shard, and
what is finished is not done again.
"""

import os
import pathlib
import sys
from collections.abc import Iterator

import numpy as np
from absl import app, flags, logging

from dsth_jax import allocator, checkpoint, datasets, mendable
from dsth_jax.datasets import shards
from dsth_jax.pipeline import numbered, trained

_RUN = flags.DEFINE_string(
  "run", None, "Working directory of a finished run, whose network encodes."
)
_SHARDS = flags.DEFINE_string(
  "shards",
  None,
  "Paths with commas between them: .tar (WebDataset), .parquet or .array_record "
  "files, or folders of images; with * ? [...] or {000..099}.",
)
_OUTPUT = flags.DEFINE_string("output", None, "Where the numbered codes go.")
_IMAGES = flags.DEFINE_integer(
  "images_per_shard",
  10_000,
  "Images of a folder that count as one shard.",
  lower_bound=1,
)
_NUM_WORKERS = flags.DEFINE_integer(
  "num_workers", None, "Of all; by default SLURM's tasks, or 1.", lower_bound=1
)
_WORKER = flags.DEFINE_integer(
  "worker",
  None,
  "Which this is, from 0; by default SLURM's or Kubernetes' number, or 0.",
  lower_bound=0,
)


def encode_shards(
  run: pathlib.Path,
  patterns: str,
  output: pathlib.Path,
  *,
  images_per_shard: int = 10_000,
  num_workers: int = 1,
  worker: int = 0,
) -> int:
  """Encodes one worker's shards; returns how many it had to.

  Args:
    run: working directory of a finished run.
    patterns: see `shards.find`.
    output: for the files of `numbered.write`; made if it is missing.
    images_per_shard: of a folder.
    num_workers: of all.
    worker: takes shard i where i mod `num_workers` is this.

  Raises:
    ValueError: the run is not finished, there is no such worker, or a shard is
      missing, truncated or damaged; earlier shards are kept.
  """
  if not 0 <= worker < num_workers:
    raise ValueError(
      f"worker is {worker} of {num_workers}: workers count from 0."
    )
  found = shards.find(patterns, images_per_shard=images_per_shard)
  hashing = trained.load_hash_function(run)
  output.mkdir(parents=True, exist_ok=True)
  num_done = 0
  for number in range(worker, len(found), num_workers):
    shard = found[number]
    fingerprint = checkpoint.fingerprint(shard.fingerprint, hashing.fingerprint)
    if numbered.is_finished(output, number, fingerprint):
      continue
    encoded = encode_shard(shard, hashing)
    numbered.write(
      output, number, encoded, fingerprint=fingerprint, shard=shard.name
    )
    num_done += 1
    logging.info(
      "shard %d of %d: %d images, %d skipped",
      number,
      len(found),
      len(encoded.names),
      len(encoded.skipped),
    )
  return num_done


def encode_shard(
  shard: shards.Shard, hashing: trained.Trained
) -> numbered.Encoded:
  """Encodes a shard; in memory are its codes and a few batches of images."""
  config = hashing.config
  names: list[str] = []
  skipped: list[datasets.Skipped] = []
  packed = [np.zeros((0, -(-config.num_bits // 8)), np.uint8)]
  items = shards.squares(
    shard,
    image_size=config.model.image_size,
    max_pixels=config.data.max_pixels,
    stored_size=config.data.stored_size,
  )
  for batch in _batches(items, config.encode.batch_size, skipped):
    names += [square.name for square in batch]
    pixels = np.stack([square.pixels for square in batch])
    packed.append(np.asarray(hashing.hash_function(pixels)))
  return numbered.Encoded(names, np.concatenate(packed), skipped)


def _batches(
  items: Iterator[shards.Square | datasets.Skipped],
  batch_size: int,
  skipped: list[datasets.Skipped],
) -> Iterator[list[shards.Square]]:
  """Yields the images by batches, and sets the others aside."""
  batch: list[shards.Square] = []
  for item in items:
    if isinstance(item, datasets.Skipped):
      skipped.append(item)
      continue
    batch.append(item)
    if len(batch) == batch_size:
      yield batch
      batch = []
  if batch:
    yield batch


def _given(flag: flags.FlagHolder[str | None]) -> str:
  if flag.value is None:
    raise ValueError(
      f"--{flag.name} is missing: pass --run=FOLDER --shards='PATTERN' "
      "--output=FOLDER; --help says what they are."
    )
  return flag.value


def _number(
  flag: flags.FlagHolder, variables: tuple[str, ...], else_: int
) -> int:
  """Returns what the flag says, or the cluster, or neither."""
  if flag.value is not None:
    return flag.value
  known = (os.environ[name] for name in variables if name in os.environ)
  return int(next(known, else_))


def _main(argv: list[str]) -> None:
  mendable.log_ours_alone()
  try:
    if len(argv) > 1:
      raise ValueError(
        f"stray argument {argv[1]!r}: every setting is a flag; keep patterns in "
        "quotes."
      )
    encode_shards(
      pathlib.Path(_given(_RUN)),
      _given(_SHARDS),
      pathlib.Path(_given(_OUTPUT)),
      images_per_shard=_IMAGES.value,
      num_workers=_number(_NUM_WORKERS, ("SLURM_NTASKS",), 1),
      worker=_number(_WORKER, ("SLURM_PROCID", "JOB_COMPLETION_INDEX"), 0),
    )
  except mendable.ERRORS as error:
    sys.exit(f"dsth_jax: {mendable.sentence(error, _OUTPUT.value or '.')}")


if __name__ == "__main__":
  allocator.keep_freed_memory()
  app.run(_main)
