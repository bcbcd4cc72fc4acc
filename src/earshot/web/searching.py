"""/v1/search and /v1/tag: by words, by a sound of the index, by an uploaded sound."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated

import numpy as np
from fastapi import APIRouter, File, Form, UploadFile
from pydantic import Field

from earshot.audio import Audio, read_audio
from earshot.core.errors import EarShotError
from earshot.index.rows import file_id, shown
from earshot.index.words import query_words
from earshot.web.limits import MAX_HITS, MAX_LABELS, MAX_TEXT
from earshot.web.schemas import (
    HitOut,
    LabelOut,
    Like,
    ModelId,
    SearchAnswer,
    SearchRequest,
    TagAnswer,
    Where,
    faults,
)
from earshot.web.service import Service, sound_id
from earshot.web.uploads import held, spoken_of_as

if TYPE_CHECKING:
    from earshot.index.hybrid import Found, Hit
    from earshot.web.library import Library

UNCERTAIN = "Nothing stands out: these fit no better than other sounds do by chance."


def searching(service: Service) -> APIRouter:
    """The routes."""
    router = APIRouter(prefix="/v1", tags=["search"])

    @router.post("/search", responses=faults(400, 403, 404, 413, 422, 503))
    async def search(request: SearchRequest) -> SearchAnswer:
        """Find sounds by words, or like a sound of the index."""
        begin = time.perf_counter()
        library = service.library(request.model)
        if request.text is not None:
            query = _clean(request.text)
            vector = (await service.model(library).texts.rows([query]))[0]
            words, without = query_words(query), None
        else:
            assert request.like is not None  # the schema holds that one of both is there
            vector, without = await _vector_like(service, library, request.like)
            words = []
        found = await service.read(
            lambda: library.search(
                vector, words=words, k=request.k, where=request.where, without=without
            )
        )
        return await _answer(service, library, found, begin)

    @router.post("/search/file", responses=faults(400, 408, 413, 422, 503))
    async def search_by_file(
        file: Annotated[UploadFile, File(description="a sound in any usual format")],
        k: Annotated[int, Form(ge=1, le=MAX_HITS)] = 10,
        where: Annotated[Where | None, Form()] = None,
        model: Annotated[ModelId | None, Form()] = None,
    ) -> SearchAnswer:
        """Find sounds like an uploaded one."""
        begin = time.perf_counter()
        library = service.library(model)
        async with held(file, service.folder) as path:
            clip = await service.model(library).embed_sound(path, service.limits.max_sound_s)
        found = await service.read(lambda: library.search(clip.mean, k=k, where=where))
        return await _answer(service, library, found, begin)

    @router.post("/tag", responses=faults(400, 408, 413, 422, 503))
    async def tag(
        file: Annotated[UploadFile, File(description="a sound in any usual format")],
        labels: Annotated[
            list[Annotated[str, Field(max_length=MAX_TEXT)]] | None,
            Form(max_length=MAX_LABELS, description="everyday sounds if left out"),
        ] = None,
        model: Annotated[ModelId | None, Form()] = None,
    ) -> TagAnswer:
        """Say how well each label fits an uploaded sound."""
        from earshot.jobs.judging import score_labels
        from earshot.jobs.prompts import check_labels
        from earshot.jobs.tag import vocabulary

        begin = time.perf_counter()
        library = service.library(model)
        names = check_labels(_spoken(labels) if labels else vocabulary())
        shared = service.model(library)
        async with held(file, service.folder) as path:
            clip = await shared.embed_sound(path, service.limits.max_sound_s)
        vectors = await shared.label_vectors(names)
        scores = score_labels(names, vectors @ clip.mean, library.embedder.scale)
        return TagAnswer(
            model=library.name,
            duration_s=float(clip.end_s[-1]),
            labels=[LabelOut(label=s.label, score=s.score, cosine=s.cosine) for s in scores],
            took_ms=_since(begin),
        )

    return router


async def _vector_like(
    service: Service, library: Library, like: Like
) -> tuple[np.ndarray, str | None]:
    """The vector of a sound of any library in the space of this one, and the path to leave out."""
    home, its_id = service.holder(like.id)
    if home.place == library.place:
        vector = await service.read(library.vector_of, its_id, like.start_s)
        if vector is not None:
            return vector, (await service.read(library.known, its_id)).name
    sound, embedder = await service.sound(like.id), library.embedder

    def part() -> Audio:
        return read_audio(
            sound.path,
            sample_rate=embedder.sample_rate,
            start_s=like.start_s or 0.0,
            duration_s=embedder.window_s,
        )

    with spoken_of_as(sound.path, sound.shown):
        audio = await service.decode(part)
        clip = await service.model(library).embed_sound(audio, service.limits.max_sound_s)
    return clip.mean, None


async def _answer(service: Service, library: Library, found: Found, begin: float) -> SearchAnswer:
    """Hits as clients get them."""
    _, n_windows = await service.read(library.counts)
    return SearchAnswer(
        model=library.name,
        hits=[_hit(library, hit) for hit in found.hits],
        searched=n_windows,
        took_ms=_since(begin),
        stands_out=found.stands_out,
        note="" if found.stands_out or not found.hits else UNCERTAIN,
    )


def _hit(library: Library, hit: Hit) -> HitOut:
    name = hit.name
    return HitOut(
        rank=hit.rank,
        id=sound_id(library, file_id(name)),
        path=shown(name),
        start_s=hit.start_s,
        end_s=hit.end_s,
        duration_s=hit.duration_s,
        score=hit.score,
        z=hit.z,
        false_alarm=hit.false_alarm,
        words=list(hit.words),
        meaning=meaning(hit),
        tags=list(hit.tags),
        caption=hit.caption,
    )


def meaning(hit: Hit) -> str:
    """A hit's score in words: what it was found by, and how likely that is chance."""
    said = [f"named {', '.join(hit.words)}"] if hit.words else []
    if hit.false_alarm is not None:
        chance = hit.false_alarm
        if chance >= 0.2:
            said += [] if said else ["could be chance"]
        elif chance > 1e-6:
            said.append(f"1 in {_round(1 / chance):,} by chance")
        else:
            said.append("hardly by chance")
    return "; ".join(said)


def _round(value: float) -> int:
    """To one digit that counts."""
    scale = 10 ** (len(str(int(value))) - 1)
    return int(round(value / scale) * scale)


def _clean(text: str) -> str:
    """The query without control characters; EarShotError when nothing is left of it."""
    from earshot.jobs.search import clean_query

    return clean_query(text)


def _spoken(labels: list[str]) -> list[str]:
    """Labels from the form: one in a field, or several with commas or newlines between."""
    names = [part.strip() for label in labels for part in label.replace("\n", ",").split(",")]
    names = [name for name in names if name]
    if len(names) > MAX_LABELS:
        raise EarShotError(
            got=f"{len(names):,} labels", expected=f"at most {MAX_LABELS:,}", mend="Send fewer."
        )
    return names


def _since(begin: float) -> float:
    return round((time.perf_counter() - begin) * 1_000, 2)
