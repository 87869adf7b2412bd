"""The templates of the pages, and the one environment that fills them in.

Every value is escaped where a template prints it; nothing is marked as safe.
"""

import functools

import jinja2

from dsth_jax.report import styles


def render(template: str, **values: object) -> str:
  """Returns a page.

  Args:
    template: a file of templates/.
    **values: what the template prints; one that is missing is an error.
  """
  return _environment().get_template(template).render(values)


def source(template: str) -> str:
  """Returns the text of a file of templates/."""
  environment = _environment()
  assert environment.loader is not None
  return environment.loader.get_source(environment, template)[0]


@functools.cache
def _environment() -> jinja2.Environment:
  environment = jinja2.Environment(
    loader=jinja2.PackageLoader("dsth_jax.report"),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
  )
  environment.filters["color"] = lambda method: styles.style(method).color
  return environment
