"""In a browser: from this machine, for this machine's pages, and with nothing from elsewhere."""

from __future__ import annotations

import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
from aiohttp.test_utils import TestServer

from loresmith_tui.serving import HOST, LoopbackServer


@asynccontextmanager
async def served() -> AsyncIterator[tuple[TestServer, aiohttp.ClientSession]]:
    """Serve a command that ends at once; the pages are the real ones."""
    server = TestServer(await LoopbackServer(f"{sys.executable} -c ''", 0)._make_app(), host=HOST)
    async with server, aiohttp.ClientSession() as session:
        yield server, session


async def test_the_page_and_all_that_it_loads_come_from_the_same_server() -> None:
    async with served() as (server, session):
        async with session.get(server.make_url("/")) as answer:
            page, policy = await answer.text(), answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        wanted = re.findall(r"(?:src|href)=\"([^\"]+)\"|url\(\"([^\"]+)\"\)", page)
        places = [first or second for first, second in wanted]
        assert len(places) == 5
        for place in places:
            assert "//" not in place, place
            if not place.startswith("data:"):
                async with session.get(server.make_url("/" + place)) as answer:
                    assert answer.status == 200, place
        async with session.get(server.make_url("/static/js/textual.js")) as answer:
            assert not re.findall(r"https?://", await answer.text())
        async with session.get(server.make_url("/static/css/xterm.css")) as answer:
            assert not re.findall(r"@import|url\(", await answer.text())


async def test_pages_of_other_sites_get_neither_the_page_nor_the_socket() -> None:
    async with served() as (server, session):
        url = server.make_url("/ws")
        for headers in ({"Origin": "http://example.org"}, {"Host": f"example.org:{url.port}"}):
            async with session.get(url, headers=headers) as answer:
                assert answer.status == 403
        own = {"Origin": f"http://{HOST}:{url.port}"}
        async with session.get(server.make_url("/"), headers=own) as answer:
            assert answer.status == 200
