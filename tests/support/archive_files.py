"""Small archives in the formats of publishers, and their unpacked folders."""

import hashlib
import io
import tarfile
import zipfile

KINDS = ("tar.gz", "tar", "zip", "folder")


def pack(path, files):
  """Writes files, by name, to a .zip, a tar or a folder, and returns the path."""
  path.parent.mkdir(parents=True, exist_ok=True)
  if path.suffix == ".zip":
    with zipfile.ZipFile(path, "w") as archive:
      for name, content in files.items():
        archive.writestr(name, content)
  elif path.suffix in (".tar", ".gz", ".tgz"):
    with tarfile.open(path, "w" if path.suffix == ".tar" else "w:gz") as tar:
      for name, content in files.items():
        member = tarfile.TarInfo(name)
        member.size = len(content)
        tar.addfile(member, io.BytesIO(content))
  else:
    for name, content in files.items():
      (path / name).parent.mkdir(parents=True, exist_ok=True)
      (path / name).write_bytes(content)
  return path


def md5(path):
  return hashlib.md5(path.read_bytes()).hexdigest()
