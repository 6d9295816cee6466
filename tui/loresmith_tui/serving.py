"""The app in a browser of this machine: on the loopback address, and for no other site's pages."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from urllib.parse import urlsplit

from aiohttp import web
from textual_serve.server import Server

HOST = "127.0.0.1"
NAMES = (HOST, "localhost")
"""How a browser may name this machine; a name that leads here by another site's doing is none of them."""
POLICY = (
    "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; font-src 'self'; "
    "img-src 'self' data:; connect-src 'self' ws://127.0.0.1:* ws://localhost:*; frame-ancestors 'none'"
)
"""What the browser may load: nothing from elsewhere."""

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class LoopbackServer(Server):
    """Serves the app to browsers of this machine.

    Args:
        command: The command that opens the app.
        port: The port.
    """

    def __init__(self, command: str, port: int) -> None:
        super().__init__(
            command, host=HOST, port=port, title="Loresmith", templates_path=Path(__file__).parent / "page"
        )

    async def _make_app(self) -> web.Application:
        app = await super()._make_app()
        app.middlewares.append(_own_pages_alone)
        app.on_response_prepare.append(_with_policy)
        return app


@web.middleware
async def _own_pages_alone(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse what another site's page asks for: a browser opens a socket to this machine for any page it shows."""
    origin = request.headers.get("Origin")
    if _name(f"//{request.host}") not in NAMES or (origin and urlsplit(origin).netloc != request.host):
        raise web.HTTPForbidden(text="The app is for browsers of this machine: http://127.0.0.1\n")
    return await handler(request)


async def _with_policy(_: web.Request, response: web.StreamResponse) -> None:
    response.headers["Content-Security-Policy"] = POLICY
    response.headers["Referrer-Policy"] = "no-referrer"


def _name(place: str) -> str:
    return urlsplit(place).hostname or ""
