"""Writers of the same small images as a shard of each kind."""

import io
import tarfile

import numpy as np
from PIL import Image


def jpeg(number):
  pixels = np.random.default_rng(number).integers(0, 256, (20, 24, 3), np.uint8)
  encoded = io.BytesIO()
  Image.fromarray(pixels).save(encoded, "JPEG")
  return encoded.getvalue()


FILES = {f"{number:04d}": jpeg(number) for number in range(40)}


def write_tar(directory, files=FILES):
  path = directory / "photos.tar"
  with tarfile.open(path, "w") as tar:
    for name, data in files.items():
      for suffix, content in (("jpg", data), ("cls", b"3")):
        member = tarfile.TarInfo(f"{name}.{suffix}")
        member.size = len(content)
        tar.addfile(member, io.BytesIO(content))
  return path


def write_parquet(directory, files=FILES):
  import pyarrow
  from pyarrow import parquet

  path = directory / "photos.parquet"
  images = [{"bytes": data, "path": name} for name, data in files.items()]
  parquet.write_table(pyarrow.table({"image": images}), path)
  return path


def write_array_record(directory, files=FILES):
  from array_record.python import array_record_module

  path = directory / "photos.array_record"
  writer = array_record_module.ArrayRecordWriter(str(path), "group_size:1")
  for data in files.values():
    writer.write(data)
  writer.close()
  return path


def write_folder(directory, files=FILES):
  path = directory / "photos"
  path.mkdir()
  for name, data in files.items():
    (path / f"{name}.jpg").write_bytes(data)
  return path


WRITERS = {
  "tar": write_tar,
  "parquet": write_parquet,
  "array_record": write_array_record,
  "folder": write_folder,
}
