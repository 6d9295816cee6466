from __future__ import annotations

from rich.text import Text
from textual.app import App, ComposeResult

from loresmith_tui.widgets.table import Table


class Shown(App[None]):
    def compose(self) -> ComposeResult:
        yield Table(("run", "verdict of it"))


async def test_columns_are_as_wide_as_what_stands_in_them_before_the_first_paint() -> None:
    async with Shown().run_test() as pilot:
        table = pilot.app.query_one(Table)
        for longest in ("20261122-1806-92f3", "r1"):
            table.fill([("a", (longest, "-")), ("b", (Text("\u6e2f\u53e3"), "-"))])
            widths = [column.get_render_width(table) - 2 * table.cell_padding for column in table.ordered_columns]
            assert widths == [max(len(longest), 4), len("verdict of it")]
        table.fill([])
        assert [str(column.label) for column in table.ordered_columns] == ["run", "verdict of it"]


async def test_the_chosen_row_stays_chosen_and_home_and_end_lead_to_the_ends() -> None:
    async with Shown().run_test() as pilot:
        table = pilot.app.query_one(Table)
        table.focus()
        table.fill((key, (key, "-")) for key in "abc")
        await pilot.press("end")
        assert table.chosen == "c"
        table.fill((key, (key, "-")) for key in "cba")
        assert table.chosen == "c"
        await pilot.press("end", "home")
        assert table.chosen == "c"
        table.fill([])
        assert table.chosen is None
