"""Event bodies: kept as they came, shown as HTML or as text the way Exchange converts them."""

from __future__ import annotations

import html
import re
from functools import lru_cache
from html.parser import HTMLParser

PREVIEW_LENGTH = 255
_META = '<meta http-equiv="Content-Type" content="text/html; charset=utf-8">'
_FROM_TEXT = (
    f'<html>\r\n<head>\r\n{_META}\r\n<meta name="Generator" content="Microsoft Exchange Server">\r\n'
    "<!-- converted from text -->\r\n"
    "<style><!-- .EmailQuote { margin-left: 1pt; padding-left: 4pt; border-left: #800000 2px solid; } -->"
    "</style></head>\r\n<body>\r\n"
    '<font size="2"><span style="font-size:11pt;"><div class="PlainText">{text}</div></span></font>\r\n'
    "</body>\r\n</html>\r\n"
)
_BLOB_EDGE = "_" * 80
_EDGE_STYLE = "margin-bottom:24px; overflow:hidden; white-space:nowrap"
_JOIN_BLOB = (
    '<div class="me-email-text" lang="en-US" style="max-width:1024px; color:#242424">\r\n'
    f'<div aria-hidden="true" style="{_EDGE_STYLE}">\r\n{_BLOB_EDGE}</div>\r\n'
    '<div style="margin-bottom:12px"><span class="me-email-text">Microsoft Teams</span>\r\n'
    '<a href="https://aka.ms/JoinTeamsMeeting?omkt=en-US" id="meet_invite_block.action.help">\r\n'
    "Need help?</a> </div>\r\n"
    '<div style="margin-bottom:6px"><a href="{url}" id="meet_invite_block.action.join_link" '
    'class="me-email-headline">Join\r\n the meeting now</a> </div>\r\n'
    '<div style="margin-bottom:32px"><span>Passcode:\r\n</span><span>Qx4Zr2</span>\r\n</div>\r\n'
    '<div style="margin-bottom:12px">\r\n<hr style="border:0; height:1px">\r\n</div>\r\n'
    '<div><span>For organizers:\r\n</span><a href="https://teams.microsoft.com/meetingOptions/?lang=en" '
    'id="meet_invite_block.action.organizer_meet_options">Meeting\r\n options</a> </div>\r\n'
    '<div style="margin-top:24px; margin-bottom:6px"></div>\r\n'
    f'<div aria-hidden="true" style="{_EDGE_STYLE}">\r\n{_BLOB_EDGE}</div>\r\n'
    "</div>\r\n"
)
_RULE = "_" * 32
_BLOCKS = {"p", "div", "br", "tr", "li", "ul", "ol", "table", "h1", "h2", "h3", "h4", "h5", "h6", "hr"}
_UNSEEN = {"head", "style", "script", "title"}

Body = dict[str, str]


def stored(content_type: str, content: str) -> Body:
    """What Exchange keeps: an HTML fragment becomes a whole document."""
    if content_type == "html" and content:
        content = _document(content)
    return {"contentType": content_type, "content": content}


def _document(content: str) -> str:
    if "<html" not in content.lower():
        return f"<html><head>\r\n{_META}</head><body>{content}</body></html>"
    if "http-equiv" in content.lower():
        return content
    if re.search(r"<head\s*>", content, re.IGNORECASE):
        return re.sub(r"(<head\s*>)", rf"\1\r\n{_META}", content, count=1, flags=re.IGNORECASE)
    return re.sub(r"(<html[^>]*>)", rf"\1<head>\r\n{_META}</head>", content, count=1, flags=re.IGNORECASE)


def shown(body: Body, *, as_text: bool) -> Body:
    """The body in the form asked for."""
    if not body["content"]:
        return {"contentType": "text" if as_text else "html", "content": ""}
    if as_text:
        return {"contentType": "text", "content": text_of(body) + "\r\n"}
    if body["contentType"] == "html":
        return body
    return {"contentType": "html", "content": _text_document(body["content"])}


def _text_document(text: str) -> str:
    lines = _lines(text)
    return _FROM_TEXT.replace("{text}", "<br>\r\n".join(html.escape(line, quote=False) for line in lines))


def text_of(body: Body) -> str:
    """Plain text with CRLF line ends and none at the end."""
    return _text(body["contentType"], body["content"])


@lru_cache(maxsize=4096)
def _text(content_type: str, content: str) -> str:
    if content_type == "text":
        return "\r\n".join(_lines(content)).rstrip()
    parser = _Text()
    parser.feed(content)
    parser.close()
    return parser.text()


def preview(body: Body) -> str:
    return text_of(body)[:PREVIEW_LENGTH]


def with_join_blob(body: Body, join_url: str) -> Body:
    """The organizer's text followed by the block that Teams puts into every online meeting, in its present
    layout."""
    document = shown(stored(body["contentType"], body["content"]), as_text=False)["content"]
    document = document or _document("<div></div>")
    blob = _JOIN_BLOB.replace("{url}", html.escape(join_url))
    at = document.lower().rfind("</body>")
    at = len(document) if at < 0 else at
    return {"contentType": "html", "content": f"{document[:at]}{blob}{document[at:]}"}


def has_join_blob(body: Body, join_url: str) -> bool:
    """Whole: the link as a link, in Teams' own element, between its two lines. A text never holds it."""
    found = re.search(r'<div class="me-email-text".*', body["content"], re.DOTALL)
    if body["contentType"] != "html" or found is None:
        return False
    head, link, tail = found[0].partition(f'href="{html.escape(join_url)}"')
    return bool(link) and _BLOB_EDGE in head and _BLOB_EDGE in tail


def _lines(text: str) -> list[str]:
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


class _Text(HTMLParser):
    """Collects the visible text; a block element begins a new line."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._parts: list[str] = []
        self._unseen = 0
        self._target = ""
        self._label_from = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _UNSEEN:
            self._unseen += 1
        elif tag == "br":
            self._parts.append("\n")
        elif tag in _BLOCKS:
            self._break()
        if tag == "hr":
            self._parts.append(f"{_RULE}\n")
        elif tag == "a":
            self._target, self._label_from = dict(attrs).get("href") or "", len(self._parts)

    def handle_endtag(self, tag: str) -> None:
        if tag in _UNSEEN:
            self._unseen = max(0, self._unseen - 1)
        elif tag == "a":
            self._show_target()
        elif tag == "p":
            self._parts.append("\n\n")
        elif tag in _BLOCKS and tag != "br":
            self._break()

    def _show_target(self) -> None:
        """Where a link leads stands behind its label, unless the label says it."""
        label = "".join(self._parts[self._label_from :]).strip()
        if label and self._target and self._target not in (label, f"mailto:{label}"):
            self._parts.append(f"<{self._target}>")
        self._target = ""

    def handle_data(self, data: str) -> None:
        if not self._unseen:
            self._parts.append(re.sub(r"[ \t\r\n]+", " ", data))

    def _break(self) -> None:
        if self._parts and not self._parts[-1].endswith("\n"):
            self._parts.append("\n")

    def text(self) -> str:
        lines = [line.strip(" ") for line in "".join(self._parts).split("\n")]
        return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip().replace("\n", "\r\n")
