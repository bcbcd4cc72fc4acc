"""/v1/models, /v1/health, /metrics and the page itself."""

from __future__ import annotations

import time
from importlib import resources
from pathlib import Path

from fastapi import APIRouter, Response
from fastapi.responses import FileResponse
from starlette.staticfiles import StaticFiles

import earshot
from earshot.web.library import Library
from earshot.web.schemas import Bounds, Health, ModelOut, Models, faults
from earshot.web.service import Service

STATIC = Path(str(resources.files("earshot.web"))) / "static"
FRESH = {"Cache-Control": "no-cache"}  # ask each time whether the file changed


class StaticPage(StaticFiles):
    """The page's files; browsers ask each time, so that an update shows at once."""

    def file_response(self, *args: object, **kwargs: object) -> Response:
        """A file, or 304."""
        response = super().file_response(*args, **kwargs)  # type: ignore[arg-type]
        response.headers.update(FRESH)
        return response


def about(service: Service) -> APIRouter:
    """The routes."""
    router = APIRouter(tags=["about"])

    @router.get("/", include_in_schema=False)
    async def page() -> FileResponse:
        return FileResponse(STATIC / "index.html", headers=FRESH)

    @router.get("/v1/models", responses=faults(503))
    async def models() -> Models:
        """The models that searches may name, each over its index."""
        data = [await service.read(_describe, each) for each in service.libraries.values()]
        return Models(
            data=data,
            n_sounds=_n_sounds(service, data),
            limits=Bounds(
                max_upload_mb=service.limits.max_upload_mb, max_sound_s=service.limits.max_sound_s
            ),
        )

    @router.get("/v1/health", responses=faults(503))
    async def health() -> Health:
        """Whether the server is up and its index can be read."""
        data = [await service.read(_describe, each) for each in service.libraries.values()]
        return Health(
            version=earshot.__version__,
            models=[each.id for each in data],
            n_sounds=_n_sounds(service, data),
            uptime_s=round(time.monotonic() - service.started, 3),
        )

    @router.get(
        "/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}}
    )
    async def metrics() -> Response:
        """Figures for Prometheus."""
        for library in service.libraries.values():
            n_files, _ = await service.read(library.counts)
            service.meter.sounds.labels(library.name).set(n_files)
        return Response(service.meter.text(), media_type="text/plain; version=0.0.4")

    return router


def _describe(library: Library) -> ModelOut:
    embedder = library.embedder
    n_files, n_rows = library.counts()
    return ModelOut(
        id=library.name,
        name=library.name,
        fingerprint=embedder.fingerprint,
        dim=embedder.dim,
        window_s=embedder.window_s,
        sample_rate=embedder.sample_rate,
        n_sounds=n_files,
        n_windows=n_rows,
    )


def _n_sounds(service: Service, data: list[ModelOut]) -> int:
    """Sounds served; those of a folder that several models indexed count once."""
    by_place: dict[int, int] = {}
    for library, each in zip(service.libraries.values(), data, strict=True):
        by_place[library.place] = max(by_place.get(library.place, 0), each.n_sounds)
    return sum(by_place.values())
