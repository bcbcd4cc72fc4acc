"""What is said in a clip: intent and words, by a model that `earshot run coconut` trained."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from earshot.core.checkpoint import read_checkpoint
from earshot.core.config import from_dict
from earshot.core.errors import EarShotError
from earshot.models.restoring import own_config, restore
from earshot.text.intent_vocabulary import IntentVocabulary, Understood

if TYPE_CHECKING:
    from earshot.audio import Audio
    from earshot.models.spoken_intent import SpokenIntent

RECIPE = "coconut"


@dataclass(frozen=True)
class Understanding:
    """A trained model with its vocabulary."""

    model: SpokenIntent
    vocabulary: IntentVocabulary

    def understand(
        self, sources: Sequence[str | Path | Audio], *, n_beams: int = 1
    ) -> list[Understood]:
        """What is said in each sound; it does not depend on the others. Greedy with one beam.

        Raises AudioError, with the reason, for a sound that cannot be used.
        """
        import torch

        from earshot.audio import read_audio

        heard = []
        for source in sources:
            waveform = torch.from_numpy(
                read_audio(source, sample_rate=self.model.sample_rate).waveform
            )
            with torch.inference_mode():
                states = self.model.hear(waveform[None], torch.tensor([len(waveform)]))
                rows = self.model.writer.write(states, n_beams=n_beams)
            heard.append(self.vocabulary.read(rows[0]))
        return heard


def load_understanding(folder: Path) -> Understanding:
    """The model in a run's folder. Raises EarShotError for a folder of another recipe's model."""
    from earshot.recipes import find_recipe

    checkpoint = read_checkpoint(folder)
    if checkpoint.recipe != RECIPE or "vocabulary" not in checkpoint.extra:
        raise EarShotError(
            got=f"{folder}, a model of recipe {checkpoint.recipe!r}",
            expected="a model that writes intents",
            mend="Train one: earshot run coconut.",
        )
    recipe = find_recipe(RECIPE)
    config = from_dict(recipe.Config, own_config(checkpoint))
    model: SpokenIntent = restore(checkpoint, lambda: recipe.build(config))
    return Understanding(model.eval(), IntentVocabulary.from_dict(checkpoint.extra["vocabulary"]))
