"""HTML that may cross over: sanitised, and brought to one form, so that a server's rewriting is no edit.

Scripts, handlers, forms, embedded and other active content go; text, structure, plain styling, links and
images by ``http``, ``https`` and ``cid`` stay. Sanitising what is sanitised changes nothing.
"""

from __future__ import annotations

import html
import re

import nh3


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


_TAGS = _names(
    "a abbr b bdi bdo big blockquote br caption center cite code col colgroup dd del dfn div dl dt em font "
    "h1 h2 h3 h4 h5 h6 hr i img ins kbd li mark ol p pre q s samp small span strike strong sub sup table "
    "tbody td tfoot th thead tr tt u ul var"
)
# What these hold is not text for a reader.
_DROPPED_WHOLE = _names(
    "script style title textarea select option iframe frame frameset object embed applet audio video "
    "noscript template svg math xml"
)
_SIZES = frozenset({"align", "valign", "width", "height", "bgcolor"})
_ATTRIBUTES = {
    "*": frozenset({"style", "class", "dir", "lang", "title"}),
    "a": frozenset({"href"}),
    "img": frozenset({"src", "alt", "width", "height", "border"}),
    "font": frozenset({"color", "face", "size"}),
    "table": _SIZES | {"border", "cellpadding", "cellspacing"},
    "td": _SIZES | {"colspan", "rowspan", "nowrap"},
    "th": _SIZES | {"colspan", "rowspan", "nowrap", "scope"},
    "tr": _SIZES,
    "col": _SIZES | {"span"},
    "colgroup": _SIZES | {"span"},
    "div": frozenset({"align"}),
    "p": frozenset({"align"}),
    "hr": frozenset({"width", "size", "align"}),
    "ol": frozenset({"start", "type"}),
    "ul": frozenset({"type"}),
    "li": frozenset({"value"}),
}
_SCHEMES = frozenset({"http", "https", "mailto", "tel", "cid"})
_EDGES = ("top", "right", "bottom", "left")
_STYLES = _names(
    "background-color border border-collapse border-color border-spacing border-style border-width color "
    "direction font font-family font-size font-style font-variant font-weight height letter-spacing "
    "line-height list-style-type margin max-width min-width padding text-align text-decoration text-indent "
    "text-transform vertical-align white-space width word-wrap"
) | {f"{name}-{edge}" for name in ("border", "margin", "padding") for edge in _EDGES}
# A style that fetches or computes is active; an escape would hide it.
_ACTIVE_STYLE = re.compile(r"url\s*\(|expression\s*\(|image\s*\(|@import|\\|/\*", re.IGNORECASE)

_BLOCK = (
    "blockquote|br|caption|center|col|colgroup|dd|div|dl|dt|h[1-6]|hr|li|ol|p|pre|table|tbody|td|tfoot|th|"
    "thead|tr|ul"
)
_PRE = re.compile(r"(<pre\b.*?</pre>)", re.DOTALL)
_SPACES = re.compile(r"[ \t\r\n\f]+")
_AROUND_BLOCK = re.compile(rf" ?(</?(?:{_BLOCK})(?: [^>]*)?>) ?")
_EMPTY_ATTRIBUTE = re.compile(r' (?:style|class|title|dir|lang)=""')
# Nothing to see: an image without its source, a link without a label.
_HOLLOW = re.compile(r"<img(?![^>]* src=)[^>]*>|<a(?: [^>]*)?> ?</a>")
_LAST_BREAKS = re.compile(r"(?:<br>)+$")
_WRAPPER = re.compile(r'<div(?: class="ck-content"| dir="ltr")*>')
_DIV = re.compile(r"<(/?)div\b")
_TAG = re.compile(rf"</?(?:{'|'.join(sorted(_TAGS))}|html|body|head)(?:\s[^<>]*)?/?>", re.IGNORECASE)
_ENVELOPE = re.compile(
    r"\s*<(?:!doctype|html|body|div|p|table|ul|ol|h[1-6]|blockquote)\b[^<>]*>.*>\s*",
    re.DOTALL | re.IGNORECASE,
)
_TAG_OR_BLANK = re.compile(r"<[^>]*>|&nbsp;|\s")
_ROUNDS = 8


def _attribute(tag: str, name: str, value: str) -> str | None:  # noqa: ARG001
    return None if name == "style" and _ACTIVE_STYLE.search(value) else value


_CLEANER = nh3.Cleaner(
    tags=_TAGS,
    clean_content_tags=_DROPPED_WHOLE,
    attributes=_ATTRIBUTES,
    attribute_filter=_attribute,
    link_rel=None,
    url_schemes=_SCHEMES,
    filter_style_properties=_STYLES,
    # A relative address leads somewhere in the sender's own system; on the other side it means nothing.
    url_relative="deny",
)


def sanitised(markup: str) -> str:
    """The fragment that may cross over, in its one form: without document, wrapper and needless blanks."""
    for _ in range(_ROUNDS):
        cleaned = _unwrapped(_tidy(_CLEANER.clean(markup)))
        if cleaned == markup:
            break
        markup = cleaned
    return markup


def _tidy(markup: str) -> str:
    parts = _PRE.split(markup)
    shown = (part if number % 2 else _SPACES.sub(" ", part) for number, part in enumerate(parts))
    tidy = _EMPTY_ATTRIBUTE.sub("", _HOLLOW.sub("", "".join(shown)))
    parts = _PRE.split(tidy)
    tidy = "".join(
        part if number % 2 else _AROUND_BLOCK.sub(r"\1", part) for number, part in enumerate(parts)
    )
    return _LAST_BREAKS.sub("", tidy.strip(" \n"))


def _unwrapped(markup: str) -> str:
    """Without divisions around everything that say nothing: each side's editor puts one."""
    while (opening := _WRAPPER.match(markup)) and markup.endswith("</div>") and _is_one_division(markup):
        markup = markup[opening.end() : -len("</div>")]
    return markup


def _is_one_division(markup: str) -> bool:
    depth = 0
    for tag in _DIV.finditer(markup):
        depth += -1 if tag[1] else 1
        if depth == 0:
            return tag.start() == len(markup) - len("</div>")
    return False


def has_tags(text: str) -> bool:
    return _TAG.search(text) is not None


def is_enveloped(text: str) -> bool:
    """Markup from its first character to its last, as editors of rich text leave it."""
    return _ENVELOPE.fullmatch(text) is not None


def shows_something(markup: str) -> bool:
    """Of sanitised markup, in which every ``>`` that is no tag's end is escaped."""
    return "<img" in markup or bool(_TAG_OR_BLANK.sub("", markup))


def from_text(text: str) -> str:
    """HTML that shows a plain text: escaped, its lines and its blanks kept."""
    return "<br>".join(_spaced(html.escape(line, quote=False)) for line in text.split("\n"))


def _spaced(line: str) -> str:
    line = line.replace("\t", "    ").replace("  ", " &nbsp;")
    return f"&nbsp;{line[1:]}" if line.startswith(" ") else line
