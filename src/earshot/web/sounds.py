"""/v1/sounds, /v1/facets, /v1/map: hear, see and survey what the index holds."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query, Response
from fastapi.responses import FileResponse

from earshot.core.errors import EarShotError
from earshot.web import overview
from earshot.web.playback import media_type
from earshot.web.schemas import (
    SOUND_ID,
    FacetGroup,
    Facets,
    Map,
    ModelId,
    Picture,
    Point,
    Seconds,
    faults,
)
from earshot.web.service import Service, sound_id
from earshot.web.uploads import spoken_of_as

SoundIdInPath = Annotated[str, Path(alias="id", pattern=SOUND_ID)]


def sounds(service: Service) -> APIRouter:
    """The routes."""
    router = APIRouter(prefix="/v1", tags=["sounds"])

    @router.get(
        "/sounds/{id}/audio",
        response_class=FileResponse,
        responses=faults(400, 403, 404, 416, 422)
        | {200: {"content": {"audio/*": {}}}, 206: {"content": {"audio/*": {}}}},
    )
    async def audio(
        key: SoundIdInPath,
        start_s: Annotated[Seconds | None, Query()] = None,
        end_s: Annotated[Seconds | None, Query()] = None,
    ) -> FileResponse:
        """The sound as a browser plays it, by ranges; or the part between two times, as wav."""
        if (start_s is None) != (end_s is None):
            raise EarShotError(
                got="one of start_s and end_s", expected="both or none", mend="Give both."
            )
        sound = await service.sound(key)
        headers = {"Cache-Control": "private, no-cache"}
        with spoken_of_as(sound.path, sound.shown):
            kind = await service.decode(media_type, sound.path)
            if kind is not None and start_s is None:
                return FileResponse(sound.path, media_type=kind, headers=headers)
            wav = await service.decode(service.rewriter.wav, sound.path, start_s or 0.0, end_s)
        return FileResponse(wav, media_type="audio/wav", headers=headers)

    @router.get("/sounds/{id}/picture", responses=faults(400, 403, 404, 422))
    async def picture(
        key: SoundIdInPath,
        response: Response,
        start_s: Annotated[Seconds, Query()] = 0.0,
        end_s: Annotated[Seconds | None, Query()] = None,
    ) -> Picture:
        """The spectrogram and the outline of a stretch; of a minute at most."""
        sound = await service.sound(key)
        end = sound.duration_s if end_s is None else end_s
        with spoken_of_as(sound.path, sound.shown):
            drawn = await service.decode(service.pictures.draw, sound.path, start_s, end)
        response.headers["Cache-Control"] = "private, max-age=60"
        return Picture(**drawn)

    @router.get("/facets", responses=faults(400, 422))
    async def facets(model: Annotated[ModelId | None, Query()] = None) -> Facets:
        """What one can filter by; pass an entry's `where` to a search."""
        library = service.library(model)
        groups = await service.once(library, "facets", lambda: library.read(overview.facets))
        return Facets(groups=[FacetGroup(**group) for group in groups])

    @router.get("/map", responses=faults(400, 422))
    async def map_of_sounds(model: Annotated[ModelId | None, Query()] = None) -> Map:
        """Dots in the unit square, near ones sounding alike. The first request takes seconds."""
        library = service.library(model)
        gathered = await service.once(library, "gathered", lambda: library.read(overview.gather))
        dots = await service.once(library, "map", lambda: overview.points(*gathered))
        n_sounds, _ = await service.read(library.counts)
        shown = [Point(**dot | {"id": sound_id(library, dot["id"])}) for dot in dots]
        return Map(points=shown, n_sounds=n_sounds)

    return router
