from __future__ import annotations

import numpy as np
import pytest
import torch

from earshot.core.errors import EarShotError
from earshot.data.utterances import Utterance, UtteranceBatches, collate_utterances
from earshot.text.vocabulary import EOS, PAD, Vocabulary

MANY = [
    Utterance("a b c"[: 1 + 2 * (i % 3)], "x y", np.full((2, 3 + i), i, np.float32), str(i))
    for i in range(20)
]
WORDS = Vocabulary.learn(["a b c x y"], "words")


def test_a_batch_holds_each_utterance_and_nothing_else() -> None:
    batch = collate_utterances([MANY[0], MANY[5]], WORDS, WORDS)
    assert batch.frames.shape == (2, 2, 8)
    assert batch.n_frames.tolist() == [3, 8]
    assert not batch.frames[0, :, 3:].any()
    assert (batch.frames[1] == 5).all()
    assert batch.n_source.tolist() == [1, 3]
    assert batch.source[0, 1:].tolist() == [PAD, PAD]
    assert batch.source_end[0].tolist()[1:] == [EOS, PAD, PAD]
    assert batch.target[:, -1].tolist() == [EOS, EOS]
    texts = collate_utterances([Utterance("a", "x"), MANY[0]], WORDS, WORDS)
    assert texts.frames is None
    assert torch.equal(batch.to("cpu").source, batch.source)


def test_a_resumed_run_sees_what_it_would_have() -> None:
    batches = UtteranceBatches(MANY, WORDS, WORDS, batch_size=4, seed=3)
    whole, later = batches.batches(), batches.batches(7)
    seen = [next(whole).n_frames for _ in range(12)]
    for n_frames in seen[7:]:
        assert torch.equal(next(later).n_frames, n_frames)
    assert sorted(torch.cat(seen[:5]).tolist()) == sorted(3 + i for i in range(20))
    other = UtteranceBatches(MANY, WORDS, WORDS, batch_size=4, seed=4).batches()
    assert any(not torch.equal(next(other).n_frames, n_frames) for n_frames in seen[:5])


def test_processes_share_every_batch() -> None:
    whole = UtteranceBatches(MANY, WORDS, WORDS, batch_size=4, seed=0).batches()
    parts = [
        UtteranceBatches(MANY, WORDS, WORDS, batch_size=4, seed=0, rank=r, world=2).batches()
        for r in range(2)
    ]
    for _ in range(6):
        shared = torch.cat([next(part).n_frames for part in parts])
        assert sorted(shared.tolist()) == sorted(next(whole).n_frames.tolist())


def test_what_makes_no_batch_is_refused() -> None:
    with pytest.raises(EarShotError, match="0 utterances"):
        UtteranceBatches([], WORDS, WORDS, batch_size=4, seed=0)
    with pytest.raises(EarShotError, match="over 2 processes"):
        UtteranceBatches(MANY, WORDS, WORDS, batch_size=1, seed=0, world=2)
