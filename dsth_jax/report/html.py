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
  return template("document.html").substitute(
    title=html.escape(title), css=read("page.css"), body=body
  )


def template(name: str) -> string.Template:
  """Returns a file of templates/ as a template."""
  return string.Template(read(name))


@functools.cache
def read(name: str) -> str:
  """Returns the text of a file of templates/."""
  templates = resources.files("dsth_jax.report").joinpath("templates")
  return templates.joinpath(name).read_text("utf-8")
