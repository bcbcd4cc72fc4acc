from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from earshot.core.config import from_dict, to_dict
from earshot.core.errors import EarShotError
from earshot.features import LogMelConfig
from earshot.layers.spec_augment import SpecAugmentConfig
from earshot.models.speech_to_text import SpeechToText, SpeechToTextConfig, s2t_fbank
from earshot.text.vocabulary import EOS, PAD

TINY = SpeechToTextConfig(
    vocab_size=30,
    n_ctc=11,
    n_features=12,
    dim=32,
    mlp_dim=64,
    n_heads=4,
    encoder_depth=2,
    decoder_depth=2,
    conv_dim=24,
    dropout=0.1,
    most_tokens=8,
)


def made(config: SpeechToTextConfig = TINY) -> SpeechToText:
    torch.manual_seed(0)
    return SpeechToText(config).eval()


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("kernels", [(5,), (5, 5), (3, 5, 7)])
def test_states_do_not_depend_on_padding_and_batch_mates(kernels: tuple[int, ...]) -> None:
    model = made(replace(TINY, conv_kernels=kernels))
    frames, n_frames = noise(6, 12, 41), torch.tensor([41, 40, 33, 17, 2, 1])
    frames[3, :, 17:] = 1e4  # what lies past an end is never looked at
    together = model.encode(frames, n_frames)
    for i, n in enumerate(n_frames.tolist()):
        alone = model.encode(frames[i : i + 1, :, :n], torch.tensor([n]))
        n_real = int(together.n_positions[i])
        assert n_real == int(alone.n_positions) == alone.hidden.shape[1]
        torch.testing.assert_close(together.hidden[i, :n_real], alone.hidden[0], atol=1e-5, rtol=0)
        assert not together.hidden[i, n_real:].any()


def test_what_is_written_and_scored_does_not_depend_on_batch_mates() -> None:
    model = made()
    frames, n_frames = noise(3, 12, 60), torch.tensor([60, 31, 13])
    tokens = torch.tensor([[5, 6, 7, EOS], [8, EOS, PAD, PAD], [9, 4, EOS, PAD]])
    together = model.encode(frames, n_frames)
    written, heard = model.write(together), model.read_ctc(together)
    logits = model.logits(together, tokens)
    for i, n in enumerate(n_frames.tolist()):
        alone = model.encode(frames[i : i + 1, :, :n], torch.tensor([n]))
        assert model.write(alone) == [written[i]]
        assert model.read_ctc(alone) == [heard[i]]
        n_real = int((tokens[i] != PAD).sum())
        one = model.logits(alone, tokens[i : i + 1, :n_real])[0]
        torch.testing.assert_close(logits[i, :n_real], one, atol=1e-5, rtol=0)


def test_a_whole_clip_s_states_are_those_of_transformers() -> None:
    model = made(replace(TINY, cmvn=False))
    frames = noise(2, 12, 37)
    ours = model.encode(frames, torch.tensor([37, 37]))
    theirs = model.model.model.encoder(
        frames.transpose(1, 2), attention_mask=torch.ones(2, 37, dtype=torch.int64)
    ).last_hidden_state
    torch.testing.assert_close(ours.hidden, theirs, atol=1e-6, rtol=0)
    tokens = torch.tensor([[5, 6, EOS], [9, 8, EOS]])
    whole = model.model(input_features=frames.transpose(1, 2), labels=tokens)
    torch.testing.assert_close(model.logits(ours, tokens), whole.logits, atol=1e-5, rtol=0)
    torch.testing.assert_close(
        model.loss(ours, tokens, label_smoothing=0.0), whole.loss, atol=1e-5, rtol=0
    )


def test_greedy_search_takes_the_likeliest_token_at_every_place() -> None:
    model = made()
    states = model.encode(noise(2, 12, 40), torch.tensor([40, 23]))
    for row, written in enumerate(model.write(states, n_beams=1)):
        tokens = torch.zeros(2, 0, dtype=torch.int64)
        for _ in range(TINY.most_tokens):
            padded = F.pad(tokens, (0, 1))
            best = model.logits(states, padded)[:, -1].argmax(-1)
            tokens = torch.cat([tokens, best[:, None]], 1)
        ids = tokens[row].tolist()
        ids = ids[: ids.index(EOS)] if EOS in ids else ids
        assert written == [each for each in ids if each > EOS]


def test_a_wider_beam_never_writes_what_is_less_likely() -> None:
    model = made()
    states = model.encode(noise(1, 12, 40), torch.tensor([40]))

    def log_probability(n_beams: int) -> float:
        ids = model.write(states, n_beams=n_beams, length_penalty=0.0)[0]
        tokens = torch.tensor([[*ids, EOS] if len(ids) < TINY.most_tokens else ids])
        n = tokens.shape[1]
        return -n * float(model.loss(states, tokens, label_smoothing=0.0))

    assert log_probability(30) >= log_probability(1) - 1e-4


def test_padding_of_tokens_does_not_count_in_the_loss() -> None:
    model = made()
    states = model.encode(noise(1, 12, 40), torch.tensor([40]))
    tokens = torch.tensor([[5, 6, EOS]])
    padded = F.pad(tokens, (0, 4), value=PAD)
    torch.testing.assert_close(model.loss(states, padded), model.loss(states, tokens))


def test_it_learns_eight_clips_by_both_heads() -> None:
    from earshot.objectives.ctc import ctc_loss

    model = made(replace(TINY, dropout=0.0)).train()
    frames, n_frames = noise(8, 12, 40), torch.full((8,), 40)
    words = torch.randint(4, 11, (8, 3), generator=torch.Generator().manual_seed(1))
    tokens = torch.cat([words, torch.full((8, 1), EOS)], 1)
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    for _ in range(120):
        states = model.encode(frames, n_frames)
        ctc = ctc_loss(
            model.ctc_logits(states), states.n_positions, words, torch.full((8,), 3)
        ).mean()
        optimizer.zero_grad()
        (model.loss(states, tokens, label_smoothing=0.0) + 0.3 * ctc).backward()
        optimizer.step()
    states = model.eval().encode(frames, n_frames)
    assert model.write(states) == words.tolist()
    assert model.read_ctc(states) == words.tolist()


def test_sound_goes_through_the_front_end() -> None:
    mel = LogMelConfig(sample_rate=8_000, n_fft=256, hop_length=80, n_mels=12, f_max=4_000.0)
    model = made(replace(TINY, log_mel=mel))
    sound = noise(2, 4_000) * 0.1
    states = model.hear(sound, torch.tensor([4_000, 1_700]))
    alone = model.hear(sound[1:, :1_700], torch.tensor([1_700]))
    n = int(alone.n_positions)
    torch.testing.assert_close(states.hidden[1, :n], alone.hidden[0], atol=1e-5, rtol=0)
    louder = model.hear(sound * 3, torch.tensor([4_000, 1_700]))  # an offset in dB: CMVN drops it
    torch.testing.assert_close(louder.hidden, states.hidden, atol=1e-3, rtol=0)
    assert (model.sample_rate, made().sample_rate) == (8_000, None)
    with pytest.raises(EarShotError, match="a waveform for a model of frames"):
        made().hear(sound, torch.tensor([4_000, 4_000]))


def test_speech_is_heard_as_transformers_hears_it() -> None:
    from transformers import Speech2TextFeatureExtractor

    model = made(replace(TINY, n_features=80, fbank=s2t_fbank()))
    sound = noise(16_000).numpy() * 0.05 + np.sin(np.arange(16_000) / 5).astype(np.float32) * 0.3
    theirs = Speech2TextFeatureExtractor()(sound, sampling_rate=16_000, return_tensors="pt")
    given = {}
    hook = model.encoder.conv.conv_layers[0].register_forward_pre_hook(
        lambda part, inputs: given.setdefault("frames", inputs[0])
    )
    model.hear(torch.from_numpy(sound)[None], torch.tensor([16_000]))
    hook.remove()
    torch.testing.assert_close(
        given["frames"].transpose(1, 2), theirs.input_features, atol=2e-3, rtol=0
    )


def test_spec_augment_is_heard_in_training_alone() -> None:
    plain = made()
    masked = made(replace(TINY, spec_augment=SpecAugmentConfig(time_width=20, fill="zero")))
    given = noise(4, 12, 40), torch.full((4,), 40)
    assert torch.equal(plain.encode(*given).hidden, masked.encode(*given).hidden)
    masked.spec_augment.train()  # alone: dropout stays off
    assert not torch.equal(plain.encode(*given).hidden, masked.encode(*given).hidden)


@pytest.mark.parametrize(
    ("preset", "size"), [("small", 29.5e6), ("medium", 71.2e6), ("large", 267.8e6)]
)
def test_presets_have_their_published_sizes(preset: str, size: float) -> None:
    config = getattr(SpeechToTextConfig, preset)()
    assert from_dict(SpeechToTextConfig, json.loads(json.dumps(to_dict(config)))) == config
    with torch.device("meta"):
        model = SpeechToText(config)
    assert sum(value.numel() for value in model.parameters()) == pytest.approx(size, rel=0.002)


def test_configs_that_cannot_be_are_refused() -> None:
    with pytest.raises(EarShotError, match="one front end"):
        SpeechToTextConfig(fbank=s2t_fbank(), n_features=40)
    with pytest.raises(EarShotError, match="an even dim"):
        SpeechToTextConfig(dim=30, n_heads=4)
    with pytest.raises(EarShotError, match="odd kernels"):
        SpeechToTextConfig(conv_kernels=(4,))
    model = made(replace(TINY, n_ctc=None))
    states = model.encode(noise(1, 12, 9), torch.tensor([9]))
    with pytest.raises(EarShotError, match="CTC head"):
        model.read_ctc(states)
    with pytest.raises(EarShotError, match="frames of shape"):
        made().encode(noise(1, 13, 9), torch.tensor([9]))
