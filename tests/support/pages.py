"""HTML as the tests of pages look at it."""

import html.parser


class Page(html.parser.HTMLParser):
  """Collects what a browser would see, and checks that tags are balanced."""

  VOID = frozenset({"meta", "link", "img", "source", "wbr"})
  # SVG elements that close themselves are told apart by the parser.

  def __init__(self, text):
    super().__init__()
    self.tags, self.attributes, self.texts = [], [], []
    self.stack = []
    self.feed(text)
    self.close()
    assert not self.stack

  def handle_starttag(self, tag, attrs):
    self.tags.append(tag)
    self.attributes += [(tag, *pair) for pair in attrs]
    if tag not in self.VOID:
      self.stack.append(tag)

  def handle_startendtag(self, tag, attrs):
    self.tags.append(tag)
    self.attributes += [(tag, *pair) for pair in attrs]

  def handle_endtag(self, tag):
    assert self.stack.pop() == tag

  def handle_data(self, data):
    if not {"style", "pre"} & set(self.stack):
      self.texts.append(data)

  @property
  def text(self):
    return " ".join(" ".join(self.texts).split())

  def addresses(self):
    return [
      (tag, value)
      for tag, name, value in self.attributes
      if name in ("src", "href", "srcset", "action", "data", "poster")
    ]
