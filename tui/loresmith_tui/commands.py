"""The command palette: every action of the screen and of the app, by its name."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from textual.command import DiscoveryHit, Hit, Hits, Provider

from loresmith_tui.widgets.keyed import Keyed, keyed


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
