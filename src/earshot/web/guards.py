"""At the door, before any of the application: size, pace and number of bodies; host; headers."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Collection
from typing import TYPE_CHECKING

from starlette.datastructures import Headers, MutableHeaders

from earshot.web.faults import RETRY_S, answer
from earshot.web.limits import MAX_JSON, MAX_JSON_AUDIO, Limits

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

FORM_OVERHEAD = 200_000  # bytes of a form beside its file: boundaries, labels, a filter
SECURITY = {
    "Content-Security-Policy": "default-src 'self'; object-src 'none'; base-uri 'none'; "
    "frame-ancestors 'none'; form-action 'self'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "microphone=(self), camera=(), geolocation=()",
}


class _Refused(Exception):
    """A body that was too large, too slow, or broken off: the status and the sentence."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status, self.message = status, message


class SecurityHeaders:
    """Puts the security headers on every answer; a page elsewhere may not read or embed it."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in SECURITY.items():
                    headers.setdefault(name, value)
            await send(message)

        await self.app(scope, receive, with_headers if scope["type"] == "http" else send)


class KnownHosts:
    """Refuses requests for host names that are not this server's.

    A server on loopback is out of other machines' reach, but not out of that of a web page whose
    host name is made to point to 127.0.0.1 (DNS rebinding): the Host header tells.
    """

    def __init__(self, app: ASGIApp, hosts: Collection[str]) -> None:
        self.app, self.hosts = app, {host.lower() for host in hosts}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] == "http":
            given = Headers(scope=scope).get("host", "").lower()
            if re.sub(r":\d+$", "", given) not in self.hosts:
                message = "This server does not answer to that host name; see --allow-host."
                await answer(421, message)(scope, receive, send)
                return
        await self.app(scope, receive, send)


class BodyGuard:
    """Bounds every request body while it streams in: its bytes, its seconds, and how many at once.

    What a client says of its length is used to refuse early, never to trust.
    """

    def __init__(self, app: ASGIApp, limits: Limits) -> None:
        self.app, self.limits = app, limits
        self.n_uploads = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http" or scope["method"] in ("GET", "HEAD", "OPTIONS"):
            await self.app(scope, receive, send)
            return
        is_upload = Headers(scope=scope).get("content-type", "").lower().startswith("multipart/")
        if is_upload and self.n_uploads >= self.limits.max_uploads:
            message = f"{self.n_uploads} uploads are under way. Try again in {RETRY_S} seconds."
            await answer(503, message, {"Retry-After": str(RETRY_S)})(scope, receive, send)
            return
        self.n_uploads += is_upload
        try:
            await self._bounded(scope, receive, send, is_upload)
        finally:
            self.n_uploads -= is_upload

    async def _bounded(self, scope: Scope, receive: Receive, send: Send, is_upload: bool) -> None:
        """Serve one request whose body stays within the limits, or refuse it."""
        body = _Body(receive, self._max_bytes(scope, is_upload), self.limits.body_timeout_s)
        started = False

        async def send_unless_refused(message: Message) -> None:
            nonlocal started
            if body.refused is not None and not started:
                return  # the application answers a body it could not read; we know why it could not
            started = True
            await send(message)

        try:
            body.check_claim(Headers(scope=scope).get("content-length"))
            await self.app(scope, body.receive, send_unless_refused)
        except _Refused:
            if started:
                raise
        if body.refused is not None and not started:
            response = answer(body.refused.status, body.refused.message, {"Connection": "close"})
            await response(scope, receive, send)

    def _max_bytes(self, scope: Scope, is_upload: bool) -> int:
        if is_upload:
            return self.limits.max_upload_bytes + FORM_OVERHEAD
        return MAX_JSON_AUDIO if scope["path"] == "/v1/embeddings" else MAX_JSON


class _Body:
    """A request body that is counted and timed as it comes in."""

    def __init__(self, receive: Receive, max_bytes: int, timeout_s: float) -> None:
        self._receive, self.max_bytes, self.timeout_s = receive, max_bytes, timeout_s
        self.n_bytes = 0
        self.is_whole = False
        self.refused: _Refused | None = None
        self._deadline = asyncio.get_running_loop().time() + timeout_s

    def check_claim(self, content_length: str | None) -> None:
        """Refuse what says of itself that it is too long."""
        digits = content_length is not None and re.fullmatch(r"\d{1,18}", content_length)
        if digits and int(content_length or 0) > self.max_bytes:
            self._refuse_size()

    async def receive(self) -> Message:
        """The next piece."""
        if self.is_whole:
            return await self._receive()  # only a disconnect can follow, and may take its time
        left = self._deadline - asyncio.get_running_loop().time()
        try:
            message = await asyncio.wait_for(self._receive(), max(left, 0.0))
        except TimeoutError:
            text = f"The request took longer than {self.timeout_s:g} s to arrive."
            raise self._refuse(408, f"{text} Send less, or over a faster line.") from None
        if message["type"] == "http.request":
            self.n_bytes += len(message.get("body", b""))
            self.is_whole = not message.get("more_body", False)
            if self.n_bytes > self.max_bytes:
                self._refuse_size()
        return message

    def _refuse_size(self) -> None:
        size = f"at most {self.max_bytes / 1e6:.0f} MB are taken"
        raise self._refuse(413, f"The request is too large: {size}. Send a shorter sound.")

    def _refuse(self, status: int, message: str) -> _Refused:
        self.refused = _Refused(status, message)
        return self.refused
