"""What requests may hold and what answers do; OpenAPI is made from these."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from earshot.web.limits import MAX_HITS, MAX_TEXT, MAX_TEXTS, MAX_WHERE

SOUND_ID = r"^[0-9]{1,4}-[0-9a-f]{16}$"


def _has_words(text: str) -> str:
    if not text.strip():
        raise ValueError("write at least one word")
    return text


Text = Annotated[str, Field(min_length=1, max_length=MAX_TEXT), AfterValidator(_has_words)]
SoundId = Annotated[str, Field(pattern=SOUND_ID, examples=["0-2c26b46b68ffc68f"])]
Where = Annotated[str, Field(min_length=1, max_length=MAX_WHERE, examples=["duration_s > 3"])]
ModelId = Annotated[str, Field(min_length=1, max_length=300)]
Seconds = Annotated[float, Field(ge=0, le=1e7, allow_inf_nan=False)]


class Strict(BaseModel):
    """Unknown fields are refused: a misspelt one would be passed over in silence."""

    model_config = ConfigDict(extra="forbid")


class Like(Strict):
    """A sound of the index, or its window that begins at `start_s`."""

    id: SoundId
    start_s: Seconds | None = None


class SearchRequest(Strict):
    """Words, or a sound of the index."""

    text: Text | None = None
    like: Like | None = None
    k: Annotated[int, Field(ge=1, le=MAX_HITS)] = 10
    where: Where | None = None
    model: ModelId | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> SearchRequest:
        if (self.text is None) == (self.like is None):
            raise ValueError("give either text or like")
        return self


class HitOut(BaseModel):
    """One place in one sound. `score` is the cosine; sound and words together sort the hits."""

    rank: int
    id: str
    path: str
    start_s: float
    end_s: float
    duration_s: float
    score: float
    z: float | None
    false_alarm: float | None
    words: list[str]
    meaning: str
    tags: list[str]
    caption: str


class SearchAnswer(BaseModel):
    """Hits, best first; `note` says when none of them stands out of the index."""

    model: str
    hits: list[HitOut]
    searched: int
    took_ms: float
    stands_out: bool
    note: str


class ModelOut(BaseModel):
    """A library: one model over one index."""

    id: str
    object: Literal["model"] = "model"
    created: int = 0
    owned_by: str = "earshot"
    name: str
    fingerprint: str
    dim: int
    window_s: float
    sample_rate: int
    n_sounds: int
    n_windows: int


class Bounds(BaseModel):
    """What the server takes."""

    max_upload_mb: float
    max_sound_s: float


class Models(BaseModel):
    """All libraries, in the shape of OpenAI's list of models."""

    object: Literal["list"] = "list"
    data: list[ModelOut]
    n_sounds: int
    limits: Bounds


class FacetEntry(BaseModel):
    """One filter: pass `where` to a search."""

    name: str
    count: int
    where: str


class FacetGroup(BaseModel):
    """Filters of one kind."""

    title: str
    entries: list[FacetEntry]


class Facets(BaseModel):
    """What one can filter by."""

    groups: list[FacetGroup]


class Point(BaseModel):
    """A dot of the map, in the unit square."""

    id: str
    path: str
    x: float
    y: float
    group: str
    caption: str
    tags: list[str]
    duration_s: float


class Map(BaseModel):
    """The map of a library; `n_sounds` may be more than it shows."""

    points: list[Point]
    n_sounds: int


class Picture(BaseModel):
    """A spectrogram (base64 of bytes [mel_bins, frames], low bins first) and an outline, 0 to 1."""

    mel: str
    mel_bins: int
    peaks: list[float]


class LabelOut(BaseModel):
    """A label with its share among those given, and its cosine."""

    label: str
    score: float
    cosine: float


class TagAnswer(BaseModel):
    """Labels, best first."""

    model: str
    duration_s: float
    labels: list[LabelOut]
    took_ms: float


class SoundData(Strict):
    """A sound as base64 of the bytes of its file."""

    data: Annotated[str, Field(min_length=1)]
    format: str | None = None


class SoundPart(Strict):
    """A sound among the inputs: an extension, in the shape of OpenAI's content parts."""

    type: Literal["input_audio"]
    input_audio: SoundData


EmbeddingInput = Text | SoundPart


class EmbeddingRequest(BaseModel):
    """OpenAI's request for embeddings; inputs may be sounds too."""

    input: (
        EmbeddingInput | Annotated[list[EmbeddingInput], Field(min_length=1, max_length=MAX_TEXTS)]
    )
    model: ModelId | None = None
    encoding_format: Literal["float", "base64"] = "float"
    dimensions: Annotated[int, Field(ge=1, le=100_000)] | None = None
    user: str | None = None


class EmbeddingOut(BaseModel):
    """One unit vector, as numbers or as base64 of little-endian float32."""

    object: Literal["embedding"] = "embedding"
    index: int
    embedding: list[float] | str


class SoundEmbeddingOut(EmbeddingOut):
    """The unit vector of one window of a sound, or of all of it."""

    start_s: float
    end_s: float


class Usage(BaseModel):
    """Words of the texts; sounds count none."""

    prompt_tokens: int
    total_tokens: int


class EmbeddingAnswer(BaseModel):
    """OpenAI's answer with embeddings."""

    object: Literal["list"] = "list"
    data: list[EmbeddingOut]
    model: str
    usage: Usage


class SoundEmbeddingAnswer(BaseModel):
    """The windows of one sound."""

    object: Literal["list"] = "list"
    data: list[SoundEmbeddingOut]
    model: str
    usage: Usage


class Health(BaseModel):
    """The server is up."""

    status: Literal["ok"] = "ok"
    version: str
    models: list[str]
    n_sounds: int
    uptime_s: float


class Fault(BaseModel):
    """What was wrong, in a sentence."""

    message: str
    type: str
    code: int


class FaultBody(BaseModel):
    """Every answer that is no success."""

    error: Fault


def faults(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The `responses` of a route, for OpenAPI."""
    return {status: {"model": FaultBody} for status in statuses}
