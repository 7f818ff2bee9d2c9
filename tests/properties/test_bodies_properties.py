"""Bodies: one form for HTML whatever a server does to it, and a meeting's block that no edit can harm."""

from __future__ import annotations

import string

from hypothesis import given, settings
from hypothesis import strategies as st

from shared.bodies import forms, meeting_block, rich
from shared.bodies.visible import lines_of_html, normal
from tests.marks import rule

# --- HTML of any kind -----------------------------------------------------------------------------

TAGS = "div p b span a img font table td tr ul li pre br hr h1 center o:p script style iframe form input svg"
tags = st.sampled_from(TAGS.split())
attributes = st.sampled_from(
    [
        "",
        ' style="color:red; position:fixed"',
        ' style="background-color:url(javascript:x)"',
        ' href="javascript:alert(1)"',
        ' href="https://contoso.example/?a=1&b=2"',
        ' onclick="x()"',
        ' src="cid:image001@contoso"',
        ' class="ck-content" data-wrapper="true"',
        " checked",
        ' title="a > b"',
    ]
)
texts = st.text(max_size=12) | st.sampled_from(
    ["  ", "\r\n", "&nbsp;", "&lt;b&gt;", "AT&T", "\u00a0x", "\x00"]
)
pieces = st.one_of(
    texts,
    st.builds(lambda tag, more: f"<{tag}{more}>", tags, attributes),
    st.builds(lambda tag: f"</{tag}>", tags),
    st.sampled_from(["<!-- c -->", "<![endif]>", "<div", "<pre>\n\n", "<"]),
)
markups = st.lists(pieces, max_size=14).map("".join)


def exchange_document(fragment: str) -> str:
    """What Exchange makes of a fragment."""
    meta = '<meta http-equiv="Content-Type" content="text/html; charset=utf-8">'
    return f"<html><head>\r\n{meta}</head><body>\r\n{fragment}\r\n</body></html>"


@rule("APPT-8")
@given(markups)
def test_sanitised_html_is_sanitised_already_whatever_a_server_wraps_around_it(markup: str) -> None:
    once = rich.sanitised(markup)
    assert rich.sanitised(once) == once
    assert rich.sanitised(exchange_document(once)) == once
    assert rich.sanitised(f'<div class="ck-content" data-wrapper="true" dir="ltr">{once}</div>') == once


@rule("APPT-8")
@given(markups)
def test_nothing_active_is_left(markup: str) -> None:
    kept = rich.sanitised(markup).lower()
    for active in ("<script", "<style", "<iframe", "<form", "<input", "<svg", " onclick", "url("):
        assert active not in kept.replace("&lt;", "")
    assert 'href="javascript' not in kept


@given(markups)
def test_every_value_is_read_back_as_it_was_written(markup: str) -> None:
    value = forms.of_html(markup)
    assert forms.of_column(forms.to_column(value) or "") == value
    if forms.is_rich(value):
        assert forms.of_html(exchange_document(forms.markup_of(value))) == value


words = st.text(string.ascii_letters + string.digits + " .,<>&\"'é猫", max_size=20)
plain_texts = st.lists(words, max_size=5).map("\n".join).map(normal)


@given(plain_texts)
def test_a_text_shown_as_html_shows_the_same_text(text: str) -> None:
    value = forms.of_html(rich.from_text(text))
    assert normal(forms.plain(value)).strip("\n") == text.strip("\n")
    assert forms.same_words(value, text) or not forms.is_rich(value)


@given(markups, st.integers(40, 400))
def test_html_that_is_cut_is_html_and_fits(markup: str, limit: int) -> None:
    value = forms.of_html(markup)
    kept = forms.fitted_to_column(value, limit)
    assert forms.units(forms.to_column(kept) or "") <= limit
    if forms.is_rich(kept):
        assert forms.of_html(forms.markup_of(kept)) == kept


@given(st.text(), st.integers(1, 60))
def test_a_text_is_cut_between_characters(text: str, limit: int) -> None:
    kept = forms.cut_text(text, limit)
    assert forms.units(kept) <= limit
    assert text.startswith(kept)


@given(markups)
def test_every_line_knows_where_it_stands(markup: str) -> None:
    for line in lines_of_html(markup):
        if line.text.strip():
            assert 0 <= line.start <= line.end <= len(markup)


# --- the block of an online meeting ---------------------------------------------------------------

JOIN = (
    "https://teams.microsoft.com/l/meetup-join/19%3ameeting_X%40thread.v2/0?context=%7b%22Tid%22%3a%22T%22%7d"
)
EDGE = "_" * 80
PRESENT = f"""<div class="me-email-text" lang="en-US" style="max-width:1024px; color:#242424">
<div aria-hidden="true" style="overflow:hidden">
{EDGE}</div>
<div><span class="me-email-text">Microsoft Teams</span>
<a href="https://aka.ms/JoinTeamsMeeting?omkt=en-US">Need help?</a> </div>
<div><a href="{JOIN}" class="me-email-headline">Join
 the meeting now</a> </div>
<div><span>Meeting ID:
</span><span>123 456 789</span></div>
<div><hr style="border:0"></div>
<div><span>For organizers: </span><a href="https://teams.microsoft.com/meetingOptions/?a=1&amp;b=2">Meeting
 options</a> </div>
<div style="margin-top:24px"></div>
<div aria-hidden="true">
{EDGE}</div>
</div>"""
FORMER = f"""<div style="width:100%; height:20px"><span style="white-space:nowrap">{EDGE}</span> </div>
<div class="me-email-text"><div><span>Microsoft Teams meeting</span></div>
<div><a class="me-email-headline" href="{JOIN}">Click here to join the meeting</a></div>
<a href="https://teams.microsoft.com/meetingOptions/?x">Meeting options</a></div>
<div style="font-size:12px"></div><div></div>
<div style="width:100%"><span>{EDGE}</span></div>"""
AS_TEXT = (
    f'<div class="PlainText">{EDGE}<br>\r\nMicrosoft Teams meeting<br>\r\nJoin: {JOIN}<br>\r\n{EDGE}</div>'
)

blocks = st.sampled_from([PRESENT, FORMER])
wraps = st.sampled_from(
    ["{}", '<div class="WordSection1">{}</div>', "<div>\r\n<p>Hi</p>{}<p>Bye</p></div>", "<br>{}"]
)
own_lines = st.lists(
    st.sampled_from(["Bring coffee", "two", "", "  x", "_____", "a < b & c", EDGE, "Join us"]), max_size=4
)


def kept_once(document: str, block: str) -> None:
    assert document.count(block) == 1
    assert document.count("l/meetup-join/") == 1
    assert document.count("meetingOptions") == 1
    assert document.lower().count("<body") == document.lower().count("</body") == 1


@st.composite
def text_edits(draw: st.DrawFn, shown: str) -> str:
    """What somebody may make of the text in a row: lines deleted anywhere, own ones put in anywhere."""
    lines = [line for line in shown.split("\n") if not draw(st.booleans()) or draw(st.booleans())]
    at = draw(st.integers(0, len(lines)))
    return normal("\n".join([*draw(own_lines), *lines[:at], *draw(own_lines), *lines[at:], *draw(own_lines)]))


@rule("APPT-8")
@settings(max_examples=200)
@given(blocks, wraps, st.booleans(), st.data())
def test_edits_from_dynamics_never_lose_double_or_change_the_block(
    block: str, wrap: str, as_html: bool, data: st.DataObject
) -> None:
    document = exchange_document(wrap.format(block))
    for _ in range(3):
        shown = forms.plain(forms.of_html(document))
        value = data.draw(text_edits(shown))
        wanted = forms.enriched(value) if as_html else value
        document = meeting_block.spliced(document, JOIN, wanted)
        kept_once(document, block)


@rule("APPT-8")
@settings(max_examples=100)
@given(blocks, wraps, st.lists(st.sampled_from(["Bring coffee", "Agenda: a < b"]), min_size=1, max_size=3))
def test_what_was_written_around_the_block_is_what_is_read(block: str, wrap: str, lines: list[str]) -> None:
    document = exchange_document(wrap.format(block))
    shown = forms.of_html(document)
    sign = meeting_block.signature(shown, JOIN)
    value = "\n".join([*lines, forms.plain(shown)])
    after = forms.of_html(meeting_block.spliced(document, JOIN, value))
    before = forms.plain(meeting_block.without(shown, sign))
    said = forms.plain(meeting_block.without(after, sign))
    assert [line for line in said.split("\n") if line] == [*lines, *[x for x in before.split("\n") if x]]
    assert meeting_block.spliced(document, JOIN, forms.plain(after)) == meeting_block.spliced(
        meeting_block.spliced(document, JOIN, value), JOIN, forms.plain(after)
    )


@rule("APPT-8")
@given(blocks, st.sets(st.integers(0, 30)))
def test_html_from_dynamics_with_parts_of_its_copy_deleted_does_not_double_the_block(
    block: str, deleted: set[int]
) -> None:
    document = exchange_document(f"<p>Hi</p>{block}")
    copy = forms.markup_of(forms.of_html(document))
    places = [line for line in lines_of_html(copy) if line.text.strip()]
    for number in sorted(deleted, reverse=True):
        if number < len(places):
            copy = copy[: places[number].start] + copy[places[number].end :]
    spliced = meeting_block.spliced(document, JOIN, forms.of_html(f"<p><b>New</b></p>{copy}"))
    kept_once(spliced, block)
    assert "<b>New</b>" in spliced


def test_a_block_that_is_mere_text_is_kept_too() -> None:
    document = exchange_document(f'<font size="2">{AS_TEXT}</font>')
    spliced = meeting_block.spliced(document, JOIN, "New")
    assert spliced.count(JOIN) == 1
    assert spliced.count(EDGE) == 2
    assert "<div>New</div>" in spliced
