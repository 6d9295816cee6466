from __future__ import annotations

import pytest

from loresmith_plugins.sources.text import NotText, decode, first_heading, unified


@pytest.mark.parametrize(
    ("text", "heading"),
    [
        ("# Fares\n\ntext", "Fares"),
        ("intro\n\n## Dogs ##\n# Later", "Dogs"),
        ("Fares and tickets\n===\n\ntext", "Fares and tickets"),
        ("```\n# a comment\n```\n\n# Real", "Real"),
        ("#hashtag\n\nno heading", ""),
        ("text\n\n===\n", ""),
        ("", ""),
    ],
)
def test_the_first_heading_outside_code_is_found(text: str, heading: str) -> None:
    assert first_heading(text) == heading


def test_a_byte_order_mark_is_no_part_of_the_text() -> None:
    assert decode("é".encode("utf-8-sig")) == "é"


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_bytes_that_are_not_utf8_are_named_with_their_place_in_the_file(mark: bytes) -> None:
    with pytest.raises(NotText, match=rf"byte 0xe9 at offset {len(mark) + 4}$"):
        decode(mark + b"caf \xe9 \n")


def test_a_nul_is_no_text() -> None:
    with pytest.raises(NotText, match="NUL character at offset 2"):
        decode(b"ab\x00c")


def test_line_ends_of_all_systems_become_one() -> None:
    assert unified("a\r\nb\rc\nd") == "a\nb\nc\nd"
