"""A CLAP that tells how close captions are to a sound, beside a captioner: CLAP-Refine's scorer."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from earshot.audio import Audio
from earshot.core.checkpoint import read_checkpoint, save_checkpoint
from earshot.core.config import from_dict
from earshot.core.errors import EarShotError
from earshot.core.files import is_file, write_text
from earshot.decoders.reranking import cosines
from earshot.models.embedder import Embedder
from earshot.models.loading.foreign import read_foreign
from earshot.models.starting_weights import checkpoint_folder
from earshot.models.towers import TwoTowerConfig, build_two_tower
from earshot.models.two_tower import TwoTower
from earshot.text.combining import bare_caption

FACTS, OWN = "judge.json", "judge"  # beside a run's weights: who judges, and one taught in that run


@dataclass(frozen=True)
class _Saved:
    """What builds a judge again."""

    model: TwoTowerConfig


class CaptionJudge:
    """Cosines of sounds and captions by a two-tower model; nothing of it is trained.

    A sound is heard by itself, its first window alone: padding to batch-mates would move what is
    heard. `plain` reads captions in lower case without punctuation, as most CLAPs were taught.
    `source` is what `load_judge` finds it by; "" for one that was taught with the captioner, whose
    `config` builds it again. Source: arXiv:2410.09503, section 2.3.
    """

    def __init__(
        self,
        source: str,
        model: TwoTower,
        *,
        plain: bool = True,
        config: TwoTowerConfig | None = None,
    ) -> None:
        self.source, self.model, self.plain, self.config = source, model.eval(), plain, config
        self._embedder = Embedder(model, source or OWN, batch_size=1)

    def hear(self, sound: Audio) -> Tensor:
        """The unit row [dim] of a sound's first window, whatever its rate."""
        n_samples = round(self.model.window_s * sound.sample_rate)
        first = Audio(sound.waveform[..., :n_samples], sound.sample_rate)
        return torch.from_numpy(self._embedder.embed_audio(first).mean)

    def read(self, texts: Sequence[str]) -> Tensor:
        """Unit rows [texts, dim]."""
        said = [bare_caption(text) if self.plain else text for text in texts]
        return torch.from_numpy(self._embedder.embed_texts(said))

    def closeness(
        self, waveform: Tensor, n_samples: Tensor, sample_rate: int, texts: Sequence[Sequence[str]]
    ) -> list[Tensor]:
        """Cosines [texts of that sound] of each of waveform [batch, samples] with its own texts."""
        found = []
        for row, n, own in zip(waveform.cpu(), n_samples.tolist(), texts, strict=True):
            sound = Audio(row[:n].float().numpy(), sample_rate)
            found.append(cosines(self.hear(sound), self.read(own)))
        return found

    @property
    def facts(self) -> dict[str, Any]:
        """What its cosines depend on."""
        return {"judge": self._embedder.fingerprint, "plain": self.plain}

    def save_beside(self, folder: Path) -> None:
        """Write who judges, and the model itself where nothing else has it."""
        if not self.source:
            assert self.config is not None
            save_checkpoint(folder / OWN, OWN, _Saved(self.config), self.model)
        write_text(folder / FACTS, json.dumps({"source": self.source, "plain": self.plain}) + "\n")


def load_beside(folder: Path) -> CaptionJudge | None:
    """The judge that `save_beside` wrote down; None without one, or where the one named is away.

    Raises EarShotError where what was written is damaged.
    """
    if not is_file(folder / FACTS):
        return None
    try:
        facts = json.loads((folder / FACTS).read_text("utf-8"))
        source, plain = str(facts["source"]), bool(facts["plain"])
    except (OSError, ValueError, KeyError, TypeError) as fault:
        raise EarShotError(
            got=f"{folder / FACTS}, which cannot be read ({str(fault).partition(chr(10))[0]})",
            expected="who judges captions, as the run wrote it",
            mend="Copy the run's folder again, or remove that file to caption without a judge.",
        ) from fault
    if source and not _is_here(source):
        return None
    return load_judge(source or folder / OWN, plain=plain)


def _is_here(source: str) -> bool:
    return checkpoint_folder(source) is not None or Path(source).expanduser().exists()


def load_judge(source: str | Path, *, plain: bool = True) -> CaptionJudge:
    """The two-tower model under `source`: earshot-small, a run, a CLAP folder or a CLAP file.

    Nothing is downloaded. Raises EarShotError where there is none, or it has no words.
    """
    folder = checkpoint_folder(str(source))
    if folder is not None:
        checkpoint = read_checkpoint(folder)
        try:
            config = from_dict(TwoTowerConfig, checkpoint.config["model"], "model")
            with torch.random.fork_rng(devices=[]):
                own = build_two_tower(config)
            own.load_state_dict(checkpoint.weights())
        except (EarShotError, KeyError, RuntimeError, TypeError) as fault:
            raise _no_judge(source, str(fault).partition("\n")[0][:150]) from fault
        return CaptionJudge(str(source), own, plain=plain, config=config)
    if not Path(source).expanduser().exists():
        raise _no_judge(source, "not there")
    model, _ = read_foreign(Path(source).expanduser())
    if not isinstance(model, TwoTower):
        raise _no_judge(source, "it has no words")
    return CaptionJudge(str(source), model, plain=plain)


def _no_judge(source: str | Path, why: str) -> EarShotError:
    return EarShotError(
        got=f"{source} as a judge of captions ({why})",
        expected="a model of sound and words: earshot-small, a run such as of clap, a CLAP folder",
        mend="Pass another one, or leave CLAP-Refine out.",
    )
