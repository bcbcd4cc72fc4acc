"""The application: libraries in, ASGI out."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager

from fastapi import FastAPI

import earshot
from earshot.web.about import STATIC, StaticPage, about
from earshot.web.embeddings import embeddings
from earshot.web.faults import OwnFaults, add_handlers
from earshot.web.guards import BodyGuard, KnownHosts, SecurityHeaders
from earshot.web.library import Library
from earshot.web.limits import Limits
from earshot.web.meter import Metered
from earshot.web.searching import searching
from earshot.web.service import Service
from earshot.web.sounds import sounds


def create_app(
    libraries: Sequence[Library],
    *,
    limits: Limits | None = None,
    hosts: Collection[str] | None = None,
) -> FastAPI:
    """The page and the JSON API over `libraries`, the first of which answers where none is named.

    hosts: host names that requests may carry; any when left out. Every answer that is no success
    is {"error": {"message": one sentence}}. Raises EarShotError without a library.
    """
    service = Service(libraries, limits or Limits())

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        yield
        service.close()

    app = FastAPI(
        title="EarShot",
        version=earshot.__version__,
        summary="Search, tag and embed sounds by words and by sound.",
        docs_url=None,  # its page loads scripts from elsewhere; /openapi.json has it all
        redoc_url=None,
        lifespan=lifespan,
    )
    app.state.service = service
    add_handlers(app)
    for router in (about(service), searching(service), sounds(service), embeddings(service)):
        app.include_router(router)
    app.mount("/static", StaticPage(directory=STATIC), name="static")
    # the last one added is the first to see a request
    app.add_middleware(BodyGuard, limits=service.limits)
    app.add_middleware(OwnFaults)
    if hosts is not None:
        app.add_middleware(KnownHosts, hosts=hosts)
    app.add_middleware(Metered, meter=service.meter)
    app.add_middleware(SecurityHeaders)
    return app
