"""/v1/embeddings: OpenAI's shape for texts, and for sounds as an extension of it."""

from __future__ import annotations

import asyncio
import base64
import binascii
from collections.abc import Sequence
from typing import Annotated, Literal

import numpy as np
from fastapi import APIRouter, File, Form, UploadFile

from earshot.core.errors import EarShotError
from earshot.web.library import Library
from earshot.web.schemas import (
    EmbeddingAnswer,
    EmbeddingOut,
    EmbeddingRequest,
    ModelId,
    SoundEmbeddingAnswer,
    SoundEmbeddingOut,
    SoundPart,
    Usage,
    faults,
)
from earshot.web.service import Service
from earshot.web.uploads import held

Encoding = Literal["float", "base64"]


def embeddings(service: Service) -> APIRouter:
    """The routes."""
    router = APIRouter(prefix="/v1", tags=["embeddings"])

    @router.post("/embeddings", responses=faults(400, 408, 413, 422, 503))
    async def embed(request: EmbeddingRequest) -> EmbeddingAnswer:
        """Unit vectors of texts, and of sounds given as base64, in the order of the inputs."""
        library = service.library(request.model)
        _check_dimensions(request.dimensions, library)
        inputs = request.input if isinstance(request.input, list) else [request.input]
        rows = await _rows(service, library, inputs)
        n_words = sum(len(each.split()) for each in inputs if isinstance(each, str))
        return EmbeddingAnswer(
            data=[
                EmbeddingOut(index=i, embedding=encoded(row, request.encoding_format))
                for i, row in enumerate(rows)
            ],
            model=library.name,
            usage=Usage(prompt_tokens=n_words, total_tokens=n_words),
        )

    @router.post("/embeddings/file", responses=faults(400, 408, 413, 422, 503))
    async def embed_file(
        file: Annotated[UploadFile, File(description="a sound in any usual format")],
        model: Annotated[ModelId | None, Form()] = None,
        encoding_format: Annotated[Encoding, Form()] = "float",
        windows: Annotated[bool, Form(description="one vector a window, not their mean")] = False,
    ) -> SoundEmbeddingAnswer:
        """The unit vector of an uploaded sound, or those of its windows."""
        library = service.library(model)
        async with held(file, service.folder) as path:
            clip = await service.model(library).embed_sound(path, service.limits.max_sound_s)
        rows = clip.windows if windows else clip.mean[None]
        starts = clip.start_s if windows else clip.start_s[:1]
        ends = clip.end_s if windows else clip.end_s[-1:]
        return SoundEmbeddingAnswer(
            data=[
                SoundEmbeddingOut(
                    index=i,
                    embedding=encoded(row, encoding_format),
                    start_s=float(starts[i]),
                    end_s=float(ends[i]),
                )
                for i, row in enumerate(rows)
            ],
            model=library.name,
            usage=Usage(prompt_tokens=0, total_tokens=0),
        )

    return router


def encoded(row: np.ndarray, encoding: Encoding) -> list[float] | str:
    """A vector as JSON carries it."""
    if encoding == "base64":
        return base64.b64encode(row.astype("<f4").tobytes()).decode()
    return [float(value) for value in row]


async def _rows(
    service: Service, library: Library, inputs: Sequence[str | SoundPart]
) -> list[np.ndarray]:
    """One row an input: all texts together, sounds one after the other."""
    model = service.model(library)
    texts = [each for each in inputs if isinstance(each, str)]
    pending = asyncio.ensure_future(model.texts.rows(texts)) if texts else None
    try:
        rows: list[np.ndarray | None] = []
        for i, each in enumerate(inputs):
            if isinstance(each, str):
                rows.append(None)
                continue
            sound = _decoded(each, i)
            rows.append((await model.embed_sound(sound, service.limits.max_sound_s)).mean)
        of_texts = iter(await pending) if pending is not None else iter(())
    except BaseException:
        if pending is not None:
            pending.cancel()
        raise
    return [next(of_texts) if row is None else row for row in rows]


def _decoded(part: SoundPart, i: int) -> bytes:
    try:
        return base64.b64decode(part.input_audio.data, validate=True)
    except (binascii.Error, ValueError) as fault:
        raise EarShotError(
            got=f"input {i}, whose data is no base64",
            expected="the bytes of a sound file in base64",
            mend="Encode the file's bytes, without a data: prefix.",
        ) from fault


def _check_dimensions(dimensions: int | None, library: Library) -> None:
    if dimensions is not None and dimensions != library.embedder.dim:
        raise EarShotError(
            got=f"dimensions={dimensions}",
            expected=f"{library.embedder.dim}, which {library.name} has",
            mend="Leave dimensions out.",
        )
