"""The tags and the visible text of HTML."""

import html.parser


class Page(html.parser.HTMLParser):
  """Collects tags, attributes and texts, and checks that tags are balanced.

  Attributes:
    tags: in order.
    attributes: (tag, name, value).
    texts: outside of style and pre.
    rows: the text of each cell of each table row, without whitespace.
  """

  VOID = frozenset({"meta", "link", "img", "source", "wbr"})
  # The parser recognizes SVG elements that close themselves.

  def __init__(self, text):
    super().__init__()
    self.tags, self.attributes, self.texts, self.rows = [], [], [], []
    self.stack = []
    self.feed(text)
    self.close()
    assert not self.stack

  def handle_starttag(self, tag, attrs):
    self.tags.append(tag)
    self.attributes += [(tag, *pair) for pair in attrs]
    if tag not in self.VOID:
      self.stack.append(tag)
    if tag == "tr":
      self.rows.append([])
    elif tag in ("td", "th"):
      self.rows[-1].append("")

  def handle_startendtag(self, tag, attrs):
    self.tags.append(tag)
    self.attributes += [(tag, *pair) for pair in attrs]

  def handle_endtag(self, tag):
    assert self.stack.pop() == tag

  def handle_data(self, data):
    if not {"style", "pre"} & set(self.stack):
      self.texts.append(data)
    if {"td", "th"} & set(self.stack):
      self.rows[-1][-1] += "".join(data.split())

  @property
  def text(self):
    return " ".join(" ".join(self.texts).split())

  def addresses(self):
    return [
      (tag, value)
      for tag, name, value in self.attributes
      if name in ("src", "href", "srcset", "action", "data", "poster")
    ]

  def loads_nothing(self):
    """Tells whether the page is complete without other files or scripts."""
    active = {"script", "iframe", "object", "embed", "form"}
    inline = (value.startswith("data:") for _, value in self.addresses())
    return not active & set(self.tags) and all(inline)


def shown_rows(table):
  """Returns the rows of a table as `Page.rows` has them."""
  return [
    ["".join(f"{c.text}{c.note}".split()) for c in (row.head, *row.cells)]
    for row in table.rows
  ]
