"""Encodes shards of images: `python -m dsth_jax.encode_shards --run=FOLDER`.

Workers need not know of each other: each takes every n-th shard of n workers,
and what is finished is not done again.

>>> which_worker(None, None, {"SLURM_NTASKS": "8", "SLURM_PROCID": "3"})
(8, 3)
"""

import functools
import os
import pathlib
from collections.abc import Mapping, Sequence
from typing import NamedTuple, TypeVar

from absl import app, flags, logging

from dsth_jax.cli import errors, quiet
from dsth_jax.datasets import account, shards
from dsth_jax.encode import HashFunction
from dsth_jax.pipeline import (
  encoded_shards,
  load_hash_function,
  shard_encoding,
)
from dsth_jax.runtime import allocator, locks

_Value = TypeVar("_Value")
_LIMITS = shard_encoding.Limits()

flags.declare_key_flag("quiet")
_RUN = flags.DEFINE_string(
  "run", None, "Working directory of a finished run, or its hash_function/."
)
_SHARDS = flags.DEFINE_multi_string(
  "shards",
  None,
  "Paths of .tar (WebDataset), .parquet or .array_record files, or of folders of "
  "images; with * ? [...] or {000..099}. Repeat the flag, or put commas between "
  "the paths; a path that exists may have commas itself.",
)
_OUTPUT = flags.DEFINE_string("output", None, "Where the numbered codes go.")
_IMAGES = flags.DEFINE_integer(
  "images_per_shard",
  10_000,
  "Images of a folder that count as one shard.",
  lower_bound=1,
)
_FORMAT = flags.DEFINE_enum(
  "format",
  "npy",
  sorted(encoded_shards.FORMATS),
  "npy: codes, and names a line; parquet: both in one table.",
)
_MAX_PIXELS = flags.DEFINE_integer(
  "max_pixels",
  None,
  "An image with more is skipped; by default the limit of the run.",
  lower_bound=1,
)
_MAX_BYTES = flags.DEFINE_integer(
  "max_bytes",
  _LIMITS.max_bytes,
  "An image file with more is skipped.",
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
  patterns: str | Sequence[str],
  output: pathlib.Path,
  *,
  images_per_shard: int = 10_000,
  file_format: str = "npy",
  num_workers: int = 1,
  worker: int = 0,
  limits: shard_encoding.Limits = _LIMITS,
) -> int:
  """Encodes one worker's shards; returns how many it had to.

  Args:
    run: working directory of a finished run.
    patterns: see `shards.find`.
    output: for the files of `encoded_shards.write`; made if it is missing.
    images_per_shard: of a folder.
    file_format: a name in `encoded_shards.FORMATS`.
    num_workers: of all.
    worker: takes shard i where i mod `num_workers` is this.
    limits: which image files are read.

  Raises:
    ValueError: the run is not finished, there is no such worker, or a pattern
      names nothing.
    shards.ShardError: a shard is truncated or damaged; raised after all others
      are encoded.
    ImportError: parquet without pyarrow.
    stopping.Stopped: a signal has asked for it; finished shards are kept.
  """
  if not 0 <= worker < num_workers:
    raise ValueError(
      f"worker is {worker} of {num_workers}: workers count from 0."
    )
  if file_format == "parquet":
    shards.pyarrow_modules("--format=parquet")
  found = shards.find(patterns, images_per_shard=images_per_shard)
  hash_function = load_hash_function(run)
  fingerprints = [
    shard_encoding.fingerprint(shard, hash_function, file_format, limits)
    for shard in found
  ]
  with locks.held(output, f".{worker}"):
    return _encode_own(
      found,
      fingerprints,
      hash_function,
      output,
      file_format=file_format,
      num_workers=num_workers,
      worker=worker,
      limits=limits,
    )


def _encode_own(
  found: Sequence[shards.Shard],
  fingerprints: Sequence[str],
  hash_function: HashFunction,
  output: pathlib.Path,
  *,
  file_format: str,
  num_workers: int,
  worker: int,
  limits: shard_encoding.Limits,
) -> int:
  """Encodes the shards of one worker; returns how many it had to."""
  removed = encoded_shards.remove_outdated(output, fingerprints)
  if removed:
    logging.warning(
      "Removed %d shards that an earlier command has left in %s: it had other "
      "shards, or another hash function.",
      len(removed),
      output,
    )
  numbers = range(worker, len(found), num_workers)
  work = _Work(found, fingerprints, hash_function, output, file_format, limits)
  outcomes = [_encode(work, number) for number in numbers]
  unreadable = [one for one in outcomes if isinstance(one, shards.ShardError)]
  whole = encoded_shards.write_index(
    output, fingerprints, num_bits=hash_function.num_bits, worker=worker
  )
  if unreadable:
    raise shards.ShardError(
      f"worker {worker} of {num_workers} could not read {len(unreadable)} of "
      f"its shards, and has encoded the others; the first: {unreadable[0]}"
    )
  others = "all are finished" if whole else "other workers' are not finished"
  logging.info(
    "worker %d of %d has finished its shards; %s", worker, num_workers, others
  )
  return sum(one is True for one in outcomes)


class _Work(NamedTuple):
  """What all workers have in common."""

  found: Sequence[shards.Shard]
  fingerprints: Sequence[str]
  hash_function: HashFunction
  output: pathlib.Path
  file_format: str
  limits: shard_encoding.Limits


def _encode(work: _Work, number: int) -> bool | shards.ShardError:
  """Encodes a shard unless it is finished; returns whether it had to."""
  fingerprint = work.fingerprints[number]
  if encoded_shards.is_finished(work.output, number, fingerprint):
    return False
  shard, count = work.found[number], len(work.found)
  try:
    encoded = shard_encoding.encode_shard(
      shard, work.hash_function, work.limits
    )
  except shards.ShardError as error:
    logging.error("shard %d of %d: %s", number, count, error)
    # What an earlier command has left of this number is of another shard.
    encoded_shards.remove(work.output, number)
    return error
  encoded_shards.write(
    work.output,
    number,
    encoded,
    file_format=work.file_format,
    fingerprint=fingerprint,
    shard=shard.name,
  )
  _log(number, count, encoded.account)
  return True


def _log(number: int, num_shards: int, found: account.Account) -> None:
  if found.num_read:
    logging.info("shard %d of %d: %s", number, num_shards, found.sentence())
  else:
    logging.warning(
      "shard %d of %d holds no image that can be read: %s",
      number,
      num_shards,
      found.sentence(),
    )


def which_worker(
  num_workers: int | None, worker: int | None, environment: Mapping[str, str]
) -> tuple[int, int]:
  """Returns how many workers there are, and which of them this is.

  Args:
    num_workers: as the flag says; None asks SLURM.
    worker: as the flag says; None asks SLURM, or an indexed Job of Kubernetes.
    environment: the variables that these set.

  Raises:
    ValueError: one of the two is known and the other is not: all workers would
      do the same shards, or some shards would have none.
  """
  task = environment.get("SLURM_PROCID")
  index = environment.get("JOB_COMPLETION_INDEX") if task is None else task
  if num_workers is None and task is not None:
    # sbatch leaves it out where one task was asked for.
    num_workers = int(environment.get("SLURM_NTASKS", 1))
  if worker is None and index is not None:
    worker = int(index)
  if num_workers is None and worker is not None:
    raise ValueError(
      f"this is worker {worker}, and nothing says of how many: pass "
      "--num_workers."
    )
  if worker is None and num_workers not in (None, 1):
    raise ValueError(
      f"there are {num_workers} workers, and nothing says which this is: pass "
      f"--worker, from 0 to {num_workers - 1}."
    )
  return num_workers or 1, worker or 0


def _given(flag: flags.FlagHolder[_Value | None]) -> _Value:
  if flag.value is None:
    raise ValueError(
      f"--{flag.name} is missing: pass --run=FOLDER --shards='PATTERN' "
      "--output=FOLDER; --help says what they are."
    )
  return flag.value


def _main(argv: list[str]) -> None:
  del argv
  errors.log_only_ours()
  quiet.apply()

  def encode() -> None:
    num_workers, worker = which_worker(
      _NUM_WORKERS.value, _WORKER.value, os.environ
    )
    encode_shards(
      pathlib.Path(_given(_RUN)),
      _given(_SHARDS),
      pathlib.Path(_given(_OUTPUT)),
      images_per_shard=_IMAGES.value,
      file_format=_FORMAT.value,
      num_workers=num_workers,
      worker=worker,
      limits=shard_encoding.Limits(_MAX_PIXELS.value, _MAX_BYTES.value),
    )

  errors.run(encode, _OUTPUT.value or ".")


if __name__ == "__main__":
  allocator.keep_freed_memory()
  hint = "every setting is a flag; keep patterns in quotes."
  app.run(_main, flags_parser=functools.partial(errors.parse_flags, hint=hint))
