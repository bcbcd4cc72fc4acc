"""Parts for clips that lie in memory and for writers that are functions: experiments, examples."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from earshot.audio import Audio
from earshot.core.errors import EarShotError
from earshot.data.clip import Clip
from earshot.factories.extract import PROBE_RATE, RuleExtractor
from earshot.factories.item import Item
from earshot.factories.rule_write import RuleWriter
from earshot.factories.write import Draft, fault_of
from earshot.models.embedder import Embedder


@dataclass(frozen=True)
class FunctionWriter:
    """A writer that is a function of item and take; `identity` names all that it depends on."""

    write: Callable[[Item, int], str]
    identity: str

    def drafts(self, items: Sequence[Item], take: int) -> Iterator[Draft]:
        """A draft for each item, in order."""
        for item in items:
            text = self.write(item, take)
            yield Draft(text, fault_of(text, ()))


class MemoryScorer:
    """A gate's ears for clips whose sound is in memory, known by their ids; each is heard once."""

    def __init__(self, embedder: Embedder, clips: Sequence[Clip]) -> None:
        self.embedder = embedder
        stored = [clip.id for clip in clips if not isinstance(clip.audio, Audio)]
        if stored:
            raise EarShotError(
                got=f"the clip {stored[0]!r}, which is not in memory",
                expected="clips with waveforms",
                mend="Use ClapScorer, which reads files.",
            )
        rate = embedder.sample_rate
        self._rows = {
            clip.id: embedder.embed_audio(clip.read(sample_rate=rate)).mean for clip in clips
        }

    @property
    def identity(self) -> str:
        """The model's fingerprint."""
        return self.embedder.fingerprint

    def hear(self, item: Item) -> NDArray[np.float32]:
        """The vector of the clip of that id. Raises EarShotError for one that is not there."""
        if item.id not in self._rows:
            raise EarShotError(
                got=f"the clip {item.id!r}",
                expected=f"one of {len(self._rows)} clips in memory",
                mend="Hand it in.",
            )
        return np.asarray(self._rows[item.id], np.float32)

    def read(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Texts as unit rows [texts, dim]."""
        return np.asarray(self.embedder.embed_texts(texts), np.float32)


def rule_captions(clip: Clip, n: int = 4, seed: int = 0) -> tuple[str, ...]:
    """Up to `n` different captions of a clip by its labels and what probes are sure of.

    The labels themselves for a silent clip. Raises AudioError for a sound that cannot be read.
    """
    sound = clip.read(sample_rate=PROBE_RATE)
    noted = RuleExtractor().noted(Item(clip.id, labels=clip.labels), sound)
    drafts = (RuleWriter(seed=seed).caption(noted, take) for take in range(n))
    return tuple(dict.fromkeys(text for text in drafts if text)) or (", ".join(clip.labels),)
