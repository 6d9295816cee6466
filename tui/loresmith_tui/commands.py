"""The command palette: every action of the screen and of the app, by its name."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

from textual.command import DiscoveryHit, Hit, Hits, Provider

from loresmith_tui.shown import plain
from loresmith_tui.widgets.keyed import Keyed, keyed

if TYPE_CHECKING:
    from loresmith_tui.app import LoresmithApp


class Actions(Provider):
    """Offers what can be pressed, so that nothing needs to be remembered."""

    async def discover(self) -> Hits:
        """Offer everything, the screen's own actions first."""
        for each in self._actions():
            yield DiscoveryHit(each.title, partial(self._run, each), help=each.help)

    async def search(self, query: str) -> Hits:
        """Offer what is like the query."""
        matcher = self.matcher(query)
        for each in self._actions():
            score = matcher.match(f"{each.title} {each.help}")
            if score > 0:
                yield Hit(score, matcher.highlight(each.title), partial(self._run, each), help=each.help)

    def _actions(self) -> Iterator[Keyed]:
        yield from keyed(self.screen)

    async def _run(self, each: Keyed) -> None:
        await self.app.run_action(each.action, each.node)


class PluginRooms(Provider):
    """Offers the rooms that plugins bring."""

    async def discover(self) -> Hits:
        """Offer all of them."""
        for name, summary in self._rooms():
            yield DiscoveryHit(self._title(name), partial(self._enter, name), help=summary)

    async def search(self, query: str) -> Hits:
        """Offer what is like the query."""
        matcher = self.matcher(query)
        for name, summary in self._rooms():
            score = matcher.match(f"{self._title(name)} {summary}")
            if score > 0:
                yield Hit(score, matcher.highlight(self._title(name)), partial(self._enter, name), help=summary)

    @property
    def _app(self) -> LoresmithApp:
        app: LoresmithApp = self.app  # type: ignore[assignment]
        return app

    def _rooms(self) -> list[tuple[str, str]]:
        from loresmith.specs import ScreenSpec

        return [(spec.name, plain(spec.summary)) for spec in self._app.session.host.registry.of(ScreenSpec)]

    def _title(self, name: str) -> str:
        return f"Room {name}"

    def _enter(self, name: str) -> None:
        self._app.foreign.enter(name)
