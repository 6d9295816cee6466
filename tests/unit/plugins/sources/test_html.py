from __future__ import annotations

from pathlib import Path

from loresmith_plugins.sources.files import FilesOptions, FilesSource
from loresmith_plugins.sources.html import read_page

PAGE = """<!doctype html><html><head><title>Fares &amp; tickets</title><style>p {}</style></head>
<body><nav><a href="/">Home</a></nav>
<h1>Fares</h1>
<p>A single costs <b>9.40</b>&nbsp;marks,
a return 15.20.</p>
<script>alert("# not a heading")</script>
<h2>Children</h2>
<ul><li>Under four: free</li><li>Under twelve: half</li></ul>
<table><tr><th>Route</th><th>Fare</th></tr><tr><td>Amber</td><td>4.70</td></tr></table>
<pre># a comment
  indented</pre>
</body></html>"""


def test_a_page_is_read_as_its_reader_sees_it() -> None:
    assert read_page(PAGE).text == (
        "# Fares\n\nA single costs 9.40\xa0marks, a return 15.20.\n\n## Children\n\n- Under four: free\n"
        "- Under twelve: half\n\nRoute | Fare\nAmber | 4.70\n\n# a comment\n  indented\n"
    )


def test_its_headings_are_those_of_the_markup_and_no_other_line() -> None:
    page = read_page(PAGE)
    assert [(page.text[start:].split("\n")[0], level) for start, level in page.headings] == [
        ("# Fares", 1),
        ("## Children", 2),
    ]


def test_its_title_is_its_first_heading_or_else_what_its_head_says() -> None:
    assert read_page(PAGE).title == "Fares"
    assert read_page("<title> Two\n words </title><p>text").title == "Two words"


def test_broken_markup_is_read_as_far_as_it_goes() -> None:
    page = read_page("<head><body><p>one<p>two <b>bold</i> 3 < 4 &amp; 5 &bogus; <h2>Late<div>after")
    assert page.text == "one\n\ntwo bold 3 < 4 & 5 &bogus;\n\n## Late\n\n## after\n"


def test_the_folder_gives_pages_beside_markdown(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text(PAGE)
    (tmp_path / "b.md").write_text("# Dogs\n")
    first, second = FilesSource(FilesOptions(path="."), tmp_path).read()
    assert (first.id, first.title, len(first.headings)) == ("a.html", "Fares", 2)
    assert (second.id, second.title, second.headings) == ("b.md", "Dogs", ())
