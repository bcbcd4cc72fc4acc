from __future__ import annotations

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from decoders.tiny_writer import CAPTIONS, tiny_tokenizer
from earshot.core.errors import EarShotError
from earshot.decoders.cross_attention import OFFSET, CrossDecoder, CrossDecoderConfig
from earshot.decoders.decoding import DecodingConfig

TINY = CrossDecoderConfig(
    vocab_size=280, dim=32, depth=2, n_heads=4, mlp_dim=48, most_tokens=16, most_positions=8,
    dropout=0.0,
)  # fmt: skip
N = torch.tensor([5, 1, 3])
WAYS = {
    "greedy": DecodingConfig(max_tokens=8),
    "beam": DecodingConfig("beam", n_beams=3, n_best=2, max_tokens=8),
    "nucleus": DecodingConfig("nucleus", n_samples=3, max_tokens=8, no_repeat_ngram=2),
}


def writer(scale: float = 4.0) -> CrossDecoder:
    torch.manual_seed(0)
    decoder = CrossDecoder(TINY, tiny_tokenizer())
    for value in decoder.parameters():
        value.data.mul_(scale if value.ndim > 1 else 1.0)
    return decoder.eval()


def memories() -> Tensor:
    return torch.randn(3, 5, 32, generator=torch.Generator().manual_seed(3))


def test_batch_mates_and_padding_change_no_score() -> None:
    decoder, memory = writer(), memories()
    whole = decoder.log_probability(memory, N, CAPTIONS)
    assert len(set(whole.tolist())) == 3
    for i, n in enumerate(N.tolist()):
        alone = decoder.log_probability(memory[i : i + 1, :n], N[i : i + 1], CAPTIONS[i : i + 1])
        assert torch.allclose(alone[0], whole[i], atol=1e-5)
    noisy = memory + 100 * (torch.arange(5) >= N[:, None])[..., None]
    assert torch.allclose(decoder.log_probability(noisy, N, CAPTIONS), whole, atol=1e-6)


@pytest.mark.parametrize("way", WAYS)
def test_batch_mates_and_padding_change_no_caption(way: str) -> None:
    decoder, memory, decoding = writer(), memories(), WAYS[way]
    whole = decoder.generate(memory, N, decoding)
    assert [len(row) for row in whole] == [decoding.rows] * 3
    assert decoder.generate(memory, N, decoding) == whole
    for i, n in enumerate(N.tolist()):
        [alone] = decoder.generate(memory[i : i + 1, :n], N[i : i + 1], decoding)
        assert [each.text for each in alone] == [each.text for each in whole[i]]
        scores = [each.score for each in alone]
        assert scores == pytest.approx([each.score for each in whole[i]], abs=1e-5)
        assert scores == sorted(scores, reverse=True)


def test_greedy_writes_what_the_loss_finds_likeliest_step_by_step() -> None:
    """So keys and values that are kept are those of words and sound, each in its place."""
    decoder, memory = writer(), memories()
    words = decoder.tokenizer
    assert words is not None
    for row, n in zip(memory, N.tolist(), strict=True):
        ids: list[int] = []
        placed = row[None, :n] + decoder.cross_embed_positions.weight[OFFSET : OFFSET + n]
        for _ in range(8):
            logits = decoder.language_model(
                input_ids=torch.tensor([[words.eos_id, *ids]]),
                encoder_hidden_states=placed,
                use_cache=False,
            ).logits[0, -1]
            logits[[words.pad_id, words.bos_id]] = -torch.inf
            if not ids:
                logits[words.eos_id] = -torch.inf  # at least one token
            ids.append(int(logits.argmax()))
            if ids[-1] == words.eos_id:
                break
        [[found]] = decoder.generate(row[None, :n], torch.tensor([n]), WAYS["greedy"])
        assert found.text == words.decode(ids)


def test_the_loss_is_the_mean_over_words_and_ends() -> None:
    decoder, memory = writer(), memories()
    assert decoder.tokenizer is not None
    rows = decoder.tokenizer.encode(CAPTIONS, max_tokens=16)
    lengths = torch.tensor([len(row) for row in rows])
    per_caption = decoder.log_probability(memory, N, CAPTIONS)
    loss = decoder.loss(memory, N, CAPTIONS)
    mean = -(per_caption * lengths).sum() / lengths.sum()
    assert mean.item() == pytest.approx(loss.item())
    smooth = decoder.loss(memory, N, CAPTIONS, label_smoothing=0.1)
    assert float(smooth) != pytest.approx(float(loss), abs=1e-3)


def test_only_what_is_real_and_came_before_is_seen() -> None:
    decoder, memory = writer(), memories().requires_grad_()
    decoder.loss(memory, N, CAPTIONS).backward()
    assert memory.grad is not None
    seen = memory.grad.abs().sum(-1) > 0
    assert torch.equal(seen, torch.arange(5) < N[:, None])
    table = decoder.cross_embed_positions.weight.grad
    assert table is not None
    rows = table.abs().sum(1) > 0
    assert rows.tolist() == [False] * OFFSET + [True] * 5 + [False] * 3


def test_the_head_is_tied_and_the_positions_matter() -> None:
    decoder = writer()
    model = decoder.language_model
    assert model.lm_head.weight is model.get_input_embeddings().weight
    assert len(decoder.cross_embed_positions.weight) == TINY.most_positions + OFFSET
    memory, turned = memories()[:1], memories()[:1].flip(1)
    n, caption = torch.tensor([5]), CAPTIONS[:1]
    one, other = (decoder.log_probability(each, n, caption) for each in (memory, turned))
    assert not torch.allclose(one, other, atol=1e-4)


def test_it_learns_to_tell_three_sounds_apart() -> None:
    decoder, memory = writer(1.0).train(), memories()
    optimizer = torch.optim.Adam(decoder.parameters(), lr=3e-3)
    for _ in range(60):
        optimizer.zero_grad()
        decoder.loss(memory, N, CAPTIONS).backward()
        optimizer.step()
    decoding = DecodingConfig("beam", max_tokens=16)
    found = decoder.eval().generate(memory, N, decoding)
    assert [row[0].text for row in found] == CAPTIONS
    assert F.softmax(torch.tensor([found[0][0].score, -1.0]), 0)[0] > 0.5


def test_what_cannot_be_written_is_refused() -> None:
    decoder, memory = writer(), memories()
    with pytest.raises(EarShotError, match="Set decoder.tokenizer"):
        CrossDecoder(TINY).loss(memory, N, CAPTIONS)
    with pytest.raises(EarShotError, match="shorter windows"):
        decoder.loss(memory.repeat(1, 2, 1), N, CAPTIONS)
    with pytest.raises(EarShotError, match="Lower max_tokens"):
        decoder.generate(memory, N, DecodingConfig(max_tokens=17))
    with pytest.raises(EarShotError, match="for each of its captions"):
        decoder.loss(memory, N, CAPTIONS[:2])
    with pytest.raises(EarShotError, match="as wide as the decoder"):
        decoder.loss(memory[..., :8], N, CAPTIONS)
    with pytest.raises(EarShotError, match="768, 16, 50265"):
        replace(TINY, n_heads=5)
    assert decoder.generate(memory[:0], N[:0], DecodingConfig()) == []
