"""Listen, serve until told to stop, and leave cleanly."""

from __future__ import annotations

import ipaddress
import signal
import socket
from typing import TYPE_CHECKING

import uvicorn

from earshot.core.errors import EarShotError

if TYPE_CHECKING:
    from starlette.types import ASGIApp

GRACE_S = 5  # for what is under way when told to stop
LOOPBACK_NAMES = ("localhost", "127.0.0.1", "[::1]")


def is_loopback(host: str) -> bool:
    """True when only this machine can reach `host`."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes a free one."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family, backlog=512)
    except (OSError, OverflowError) as fault:
        raise EarShotError(
            got=f"{host}:{port}, where one cannot listen ({fault})",
            expected="an address of this machine and a free port",
            mend="Try another, such as --port 0, which takes a free one.",
        ) from fault


def address_of(listening: socket.socket) -> str:
    """Where a browser finds it."""
    host, port = listening.getsockname()[:2]
    shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)
    return f"http://{shown}:{port}/"


def serve(app: ASGIApp, listening: socket.socket) -> None:
    """Serve until SIGINT or SIGTERM; requests under way get GRACE_S seconds to end.

    Logging is left as it is: uvicorn's faults go where the process's logging sends them.
    """
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=GRACE_S,
        limit_concurrency=1_024,
    )
    # uvicorn raises the signal again when it is done, for handlers that were there before:
    # these take it as dealt with, so that the process ends as one that did what it was told
    before = {each: signal.signal(each, _dealt_with) for each in (signal.SIGINT, signal.SIGTERM)}
    try:
        uvicorn.Server(config).run(sockets=[listening])
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
        listening.close()


def _dealt_with(number: int, frame: object) -> None:
    """The server has ended by the time this is called."""
