"""What every page is: one file of HTML with its style, and nothing else."""

import functools
import html
import string
from importlib import resources


def render(title: str, body: str) -> str:
  """Returns a page.

  Args:
    title: of the page; escaped here.
    body: HTML.
  """
  return template(__package__, "document.html").substitute(
    title=html.escape(title), css=read(__package__, "page.css"), body=body
  )


def template(package: str, name: str) -> string.Template:
  """Returns a file of a package as a template."""
  return string.Template(read(package, name))


@functools.cache
def read(package: str, name: str) -> str:
  """Returns the text of a file of a package."""
  return resources.files(package).joinpath(name).read_text("utf-8")
