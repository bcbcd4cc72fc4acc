"""What a recipe says about the paper it implements."""

from __future__ import annotations

from dataclasses import dataclass, field

FAMILIES = (
    "alignment",
    "representation",
    "captioning",
    "modalities",
    "audio_llm",
    "generation",
    "speech_separation",
)


@dataclass(frozen=True)
class Paper:
    """One published system: the key names its recipe, test, docs page, command and results."""

    key: str
    title: str
    arxiv: tuple[str, ...]
    family: str  # one of FAMILIES
    year: int
    claims: dict[str, str] = field(default_factory=dict)  # claim name -> one sentence

    def __post_init__(self) -> None:
        if self.family not in FAMILIES:
            from earshot.core.errors import unknown_name

            raise unknown_name("family", self.family, FAMILIES)
