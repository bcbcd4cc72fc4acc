"""Every fault as {"error": {"message": one sentence}}, in the one place of the web room."""

from __future__ import annotations

import logging
import uuid
from typing import TYPE_CHECKING

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from earshot.core.errors import EarShotError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

log = logging.getLogger("earshot.web")
RETRY_S = 2


class Busy(Exception):
    """The server has enough to do; the client may come back in RETRY_S seconds."""


class NotHere(EarShotError):
    """A sound that is not in the index, or no longer on the disk: 404."""


class NotAllowed(EarShotError):
    """A sound that the server does not hand out: 403."""


def fault_body(message: str, status: int) -> dict[str, dict[str, str | int]]:
    """The JSON of a fault, in the shape that clients of the OpenAI API read too."""
    kind = "invalid_request_error" if status < 500 else "server_error"
    return {"error": {"message": message, "type": kind, "code": status}}


def answer(status: int, message: str, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """The response that carries a fault."""
    printable = message.encode("utf-8", "backslashreplace").decode()
    return JSONResponse(fault_body(printable, status), status, dict(headers or {}))


def add_handlers(app: FastAPI) -> None:
    """Let `app` answer every fault with a sentence."""

    @app.exception_handler(EarShotError)
    async def mendable(request: Request, fault: EarShotError) -> JSONResponse:
        status = {NotHere: 404, NotAllowed: 403}.get(type(fault), 400)
        return answer(status, str(fault))

    @app.exception_handler(Busy)
    async def busy(request: Request, fault: Busy) -> JSONResponse:
        message = f"Busy: {fault}. Try again in {RETRY_S} seconds."
        return answer(503, message, {"Retry-After": str(RETRY_S)})

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, fault: RequestValidationError) -> JSONResponse:
        return answer(422, _sentence(fault))

    @app.exception_handler(HTTPException)
    async def http(request: Request, fault: HTTPException) -> JSONResponse:
        message = {
            404: f"There is nothing at {request.url.path}; /openapi.json lists what there is.",
            405: f"{request.method} is not how {request.url.path} is asked; see /openapi.json.",
        }.get(fault.status_code, str(fault.detail))
        return answer(fault.status_code, message, fault.headers)


class OwnFaults:
    """Answers what nobody expected: the traceback goes to the log `earshot.web`, not to clients."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        started = False

        async def watched(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self.app(scope, receive, watched)
        except Exception:
            mark = uuid.uuid4().hex[:8]
            log.exception("fault %s at %s", mark, scope.get("path"))
            if started or scope["type"] != "http":
                raise
            message = f"This is a fault of EarShot, not yours; the server's log has {mark}."
            await answer(500, message)(scope, receive, send)


def _sentence(fault: RequestValidationError) -> str:
    """The first thing that is wrong with a request, and how many more there are."""
    errors = fault.errors()
    first = errors[0]
    place = ".".join(str(part) for part in first["loc"][1:]) or "the body"
    more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    said = first["msg"].removeprefix("Value error, ")
    return f"The request does not fit at {place}: {said}{more}."
