from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from decoders.tiny_writer import CAPTIONS, tiny_writer
from earshot.core.errors import EarShotError
from earshot.decoders.decoding import DecodingConfig
from earshot.decoders.language_model import LoraSettings
from earshot.decoders.prefix import PrefixDecoder

PROMPTS = ["dog", "a long prompt about cats and rain", "rain"]
N_PREFIX = torch.tensor([4, 1, 3])
WAYS = {
    "greedy": DecodingConfig(max_tokens=8),
    "beam": DecodingConfig("beam", n_beams=3, n_best=2, max_tokens=8),
    "nucleus": DecodingConfig("nucleus", n_samples=3, max_tokens=8, no_repeat_ngram=2),
}


def prefixes() -> Tensor:
    return torch.randn(3, 4, 32, generator=torch.Generator().manual_seed(3))


@pytest.mark.parametrize("kind", ["gpt2", "llama"])
def test_batch_mates_and_padding_change_no_score(kind: str) -> None:
    decoder, prefix = tiny_writer(kind), prefixes()
    whole = decoder.log_probability(prefix, N_PREFIX, PROMPTS, CAPTIONS)
    for i, n in enumerate(N_PREFIX.tolist()):
        alone = decoder.log_probability(prefix[i : i + 1, :n], N_PREFIX[i : i + 1],
                                        PROMPTS[i : i + 1], CAPTIONS[i : i + 1])  # fmt: skip
        assert torch.allclose(alone[0], whole[i], atol=1e-5)
    noisy = prefix + 100 * (torch.arange(4) >= N_PREFIX[:, None])[..., None]
    assert torch.equal(decoder.log_probability(noisy, N_PREFIX, PROMPTS, CAPTIONS), whole)


@pytest.mark.parametrize("kind", ["gpt2", "llama"])
@pytest.mark.parametrize("way", WAYS)
def test_batch_mates_and_padding_change_no_caption(kind: str, way: str) -> None:
    decoder, prefix, decoding = tiny_writer(kind), prefixes(), WAYS[way]
    whole = decoder.generate(prefix, N_PREFIX, PROMPTS, decoding)
    assert [len(row) for row in whole] == [decoding.rows] * 3
    assert decoder.generate(prefix, N_PREFIX, PROMPTS, decoding) == whole
    for i, n in enumerate(N_PREFIX.tolist()):
        [alone] = decoder.generate(prefix[i : i + 1, :n], N_PREFIX[i : i + 1],
                                   PROMPTS[i : i + 1], decoding)  # fmt: skip
        assert [each.text for each in alone] == [each.text for each in whole[i]]
        scores = [each.score for each in alone]
        assert scores == pytest.approx([each.score for each in whole[i]], abs=1e-5)
        assert scores == sorted(scores, reverse=True)


def test_the_loss_is_that_of_captions_and_ends_alone() -> None:
    decoder, prefix = tiny_writer(), prefixes()
    loss = decoder.loss(prefix, N_PREFIX, PROMPTS, CAPTIONS)
    assert decoder.tokenizer is not None
    total, count = 0.0, 0
    table = decoder.language_model.get_input_embeddings()  # type: ignore[operator]
    for row, n, prompt, caption in zip(prefix, N_PREFIX, PROMPTS, CAPTIONS, strict=True):
        asked = decoder.tokenizer.encode_prompts([prompt], max_tokens=64)[0]
        said = decoder.tokenizer.encode([caption], max_tokens=64)[0]
        embedded = torch.cat([row[: int(n)], table(torch.tensor(asked + said))])
        logits = decoder.language_model(inputs_embeds=embedded[None]).logits[0]
        before = logits[int(n) + len(asked) - 1 : -1]
        nats = F.cross_entropy(before, torch.tensor(said), reduction="sum")
        total += float(nats.detach())
        count += len(said)
    assert float(loss.detach()) == pytest.approx(total / count, abs=1e-5)
    per_caption = decoder.log_probability(prefix, N_PREFIX, PROMPTS, CAPTIONS)
    lengths = torch.tensor(
        [len(each) for each in decoder.tokenizer.encode(CAPTIONS, max_tokens=64)]
    )
    mean = -(per_caption * lengths).sum() / lengths.sum()
    assert float(mean.detach()) == pytest.approx(float(loss.detach()))


def test_prefix_and_prompt_are_heard_and_nothing_after_is() -> None:
    decoder = tiny_writer()
    prefix = prefixes().requires_grad_()
    decoder.loss(prefix, N_PREFIX, PROMPTS, CAPTIONS).backward()
    assert prefix.grad is not None
    heard = prefix.grad.abs().sum(-1) > 0
    assert torch.equal(heard, torch.arange(4) < N_PREFIX[:, None])


def test_a_score_is_that_of_the_text() -> None:
    decoder, prefix = tiny_writer(), prefixes()
    decoding = DecodingConfig("beam", n_beams=2, max_tokens=14)
    train(decoder, prefix)
    best = [row[0] for row in decoder.generate(prefix, N_PREFIX, PROMPTS, decoding)]
    again = decoder.log_probability(prefix, N_PREFIX, PROMPTS, [each.text for each in best])
    assert [each.text for each in best] == CAPTIONS
    assert [each.score for each in best] == pytest.approx(again.tolist(), abs=1e-5)


def train(decoder: PrefixDecoder, prefix: Tensor, steps: int = 120) -> float:
    optimizer = torch.optim.AdamW(
        [each for each in decoder.parameters() if each.requires_grad], lr=3e-3
    )
    loss = torch.zeros(())
    for _ in range(steps):
        loss = decoder.loss(prefix, N_PREFIX, PROMPTS, CAPTIONS)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return float(loss)


def test_lora_trains_and_leaves_the_model_alone() -> None:
    decoder, prefix = tiny_writer("llama", LoraSettings(r=4, dropout=0.0)), prefixes()
    before = {k: v.clone() for k, v in decoder.state_dict().items() if "lora" not in k}
    first = float(decoder.loss(prefix, N_PREFIX, PROMPTS, CAPTIONS))
    assert train(decoder, prefix, steps=20) < first - 0.02
    after = decoder.state_dict()
    assert all(torch.equal(value, after[name]) for name, value in before.items())
    assert decoder.generate(prefix, N_PREFIX, None, WAYS["greedy"])


def test_nothing_repeats_where_that_is_asked() -> None:
    decoder = tiny_writer()
    decoding = DecodingConfig(max_tokens=30, min_tokens=30, no_repeat_ngram=1)
    [[found], *_] = decoder.generate(prefixes(), N_PREFIX, None, decoding)
    assert decoder.tokenizer is not None
    ids = decoder.tokenizer.encode([found.text], max_tokens=99)[0]
    assert len(ids) >= 5


def test_faults_are_sentences() -> None:
    decoder, prefix = tiny_writer(), prefixes()
    with pytest.raises(EarShotError, match="without prefix and prompt"):
        decoder.loss(prefix, torch.zeros(3, dtype=torch.long), None, CAPTIONS)
    with pytest.raises(EarShotError, match="2 prompts"):
        decoder.loss(prefix, N_PREFIX, PROMPTS[:2], CAPTIONS)
    with pytest.raises(EarShotError, match="as wide as the language model"):
        decoder.loss(prefix[..., :3], N_PREFIX, PROMPTS, CAPTIONS)
    decoder.tokenizer = None
    with pytest.raises(EarShotError, match="without a tokenizer"):
        decoder.loss(prefix, N_PREFIX, PROMPTS, CAPTIONS)
