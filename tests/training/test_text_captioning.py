from __future__ import annotations

from itertools import islice
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F

from earshot.core.errors import EarShotError
from earshot.models.gap_bridge import GapBridgeConfig, training_bridge
from earshot.models.hard_prompts import HardPromptConfig, TextBank
from earshot.training.text_captioning import PromptLookup, TextBatches, event_names


def bank(n: int, seed: int = 0) -> TextBank:
    noise = torch.randn(n, 6, generator=torch.Generator().manual_seed(seed))
    return TextBank(tuple(f"text {i}" for i in range(n)), F.normalize(noise))


def batches(rank: int = 0, world: int = 1) -> TextBatches:
    corpus = bank(20)
    bridge = training_bridge(GapBridgeConfig(noise=0.01), corpus.embeddings, None)
    lookup = PromptLookup(corpus, bank(5, 1), HardPromptConfig(n_events=2, n_similar=1))
    return TextBatches(corpus, bridge, lookup, batch_size=8, seed=3, rank=rank, world=world)


def test_batches_from_the_nth_on_are_the_same() -> None:
    whole = list(islice(batches().batches(), 6))
    later = next(batches().batches(4))
    assert later.captions == whole[4].captions
    assert later.prompts == whole[4].prompts
    assert torch.equal(later.embeddings, whole[4].embeddings)
    first_epoch = [text for batch in whole[:2] for text in batch.captions]
    assert len(set(first_epoch)) == 16
    assert not torch.equal(whole[0].embeddings, whole[2].embeddings)


def test_processes_share_a_batch() -> None:
    whole = next(batches().batches())
    parts = [next(batches(rank, 2).batches()) for rank in (0, 1)]
    assert [part.captions for part in parts] == [whole.captions[::2], whole.captions[1::2]]
    assert torch.equal(parts[1].embeddings, whole.embeddings[1::2])
    assert whole.prompts is not None
    assert parts[1].prompts == whole.prompts[1::2]


def test_prompts_name_what_is_closest() -> None:
    corpus, events = bank(4), bank(5, 1)
    lookup = PromptLookup(corpus, events, HardPromptConfig(n_events=1, error_rate=0.0))
    [prompt] = lookup.prompts([2], seed=0, step=0) or [""]
    best = int((events.embeddings @ corpus.embeddings[2]).argmax())
    assert prompt == f"There are text {best} in the audio."
    assert PromptLookup(corpus, None, HardPromptConfig.none()).prompts([0], 0, 0) is None


def test_names_of_sounds(tmp_path: Path) -> None:
    assert len(event_names(None)) > 500
    assert all("," not in name for name in event_names(None))
    file = tmp_path / "names.txt"
    file.write_text("Dog, domestic\n\nRain\ndog\n")
    assert event_names(str(file)) == ("dog", "rain")
    with pytest.raises(EarShotError, match="the name of a sound a line"):
        event_names(str(tmp_path / "none.txt"))
