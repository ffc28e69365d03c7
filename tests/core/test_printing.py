"""Text that reaches a terminal or a CI log: no name in it moves the cursor or becomes a command of the runner."""

import io
import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from log_commands import obeyed

from lineage.core.printing import MARKUP, LogSafe, log_line, log_text, safe_document

COMMANDS = (
    "::error file=x::y",
    "::stop-commands::t",
    "##[error]x",
    "##vso[task.setvariable variable=a]b",
    "##teamcity[message text='x']",
    "##[group]",
)
HOSTILE = st.lists(st.sampled_from([*COMMANDS, " ", "\t", "\n", "\r", "\x1b[31m", "\x85", "\x9b2J", "\u202e", "\u2066", "#", "##", ":", "::", "[", "a", "\ud800", "\xa0", "\u2028"]), max_size=8).map("".join)  # fmt: skip


@given(HOSTILE)
def test_no_line_of_a_log_is_a_command_and_every_letter_can_be_printed(text):
    shown = log_text(text)
    assert not list(obeyed(shown))
    assert all(letter.isprintable() or letter in "\n\t" for letter in shown)
    assert "\n" not in log_line(text)


@given(HOSTILE)
def test_what_was_escaped_once_stays_as_it_is(text):
    assert log_text(log_text(text)) == log_text(text)


@given(st.text(st.characters(codec="ascii", min_codepoint=32, max_codepoint=126), max_size=40))
def test_a_text_without_a_command_stays_as_it_is(text):
    assert list(obeyed(text)) or log_line(text) == text


@given(st.dictionaries(HOSTILE, HOSTILE, max_size=4))
def test_a_json_document_means_the_same_and_holds_no_command(value):
    text = json.dumps(value, indent=2)
    safe = safe_document(text, "json")
    assert json.loads(safe) == value
    assert not list(obeyed(safe))


@given(HOSTILE, st.integers(1, 5))
def test_a_document_in_pieces_is_written_as_in_one(text, size):
    data = text.encode("utf-8", "surrogatepass")
    out = io.BytesIO()
    safe = LogSafe(out, b"\\u0023")
    for start in range(0, len(data), size):
        safe.write(data[start : start + size])
    safe.flush()
    assert out.getvalue().replace(b"\\u0023", b"#") == data
    assert not re.search(rb"##(vso|teamcity)?\[", out.getvalue(), re.IGNORECASE)


@pytest.mark.parametrize("name", ["html", "svg", "junit", "sarif", "turtle", "tsv", "dot", "mmd"])
def test_every_format_has_an_escape_for_the_mark(name):
    assert not list(obeyed(safe_document("a ##[error] b ##vso[x] c", name)))


@pytest.mark.parametrize("name", MARKUP)
def test_no_line_of_markup_begins_a_command(name):
    assert safe_document("<a>\n  ::x\n</a>", name) == "<a>\n  &#58;:x\n</a>"
