from __future__ import annotations

import torch

from earshot.features import LogMelConfig
from earshot.models.speech_to_text import SpeechToTextConfig
from earshot.models.spoken_intent import SpokenIntent, SpokenIntentConfig
from earshot.text.vocabulary import EOS, PAD

WRITER = SpeechToTextConfig(
    vocab_size=20,
    log_mel=LogMelConfig(sample_rate=8_000, n_fft=256, hop_length=80, n_mels=16, f_max=4_000.0),
    n_features=16,
    dim=16,
    mlp_dim=32,
    n_heads=2,
    encoder_depth=1,
    decoder_depth=1,
    conv_dim=16,
    most_tokens=6,
)


def tiny() -> SpokenIntent:
    torch.manual_seed(0)
    return SpokenIntent(SpokenIntentConfig(WRITER, contrast_dim=8)).eval()


def test_vectors_ignore_padding_and_mates() -> None:
    model = tiny()
    waveform = torch.randn(3, 4_000, generator=torch.Generator().manual_seed(1)) * 0.1
    n_samples = torch.tensor([4_000, 2_300, 900])
    tokens = torch.tensor([[19, 5, 6, 7, EOS], [18, 5, EOS, PAD, PAD], [17, EOS, PAD, PAD, PAD]])
    with torch.inference_mode():
        states = model.hear(waveform, n_samples)
        audio, text = model.audio_embeddings(states), model.text_embeddings(tokens)
        first = model.first_ids(states)
        for row, n in enumerate(n_samples):
            alone = model.hear(waveform[row : row + 1, :n], n[None])
            torch.testing.assert_close(
                model.audio_embeddings(alone)[0], audio[row], atol=1e-5, rtol=0
            )
            length = int((tokens[row] != PAD).sum())
            torch.testing.assert_close(
                model.text_embeddings(tokens[row : row + 1, :length])[0], text[row],
                atol=1e-5, rtol=0,
            )  # fmt: skip
            assert model.first_ids(alone)[0] == first[row]
    torch.testing.assert_close(audio.norm(dim=1), torch.ones(3))
    torch.testing.assert_close(text.norm(dim=1), torch.ones(3))


def test_the_first_id_is_what_greedy_writing_begins_with() -> None:
    model = tiny()
    waveform = torch.randn(6, 3_000, generator=torch.Generator().manual_seed(3)) * 0.1
    with torch.inference_mode():
        states = model.hear(waveform, torch.full((6,), 3_000))
        first = model.first_ids(states).tolist()
        written = model.writer.write(states, n_beams=1)
    for id_, row in zip(first, written, strict=True):
        assert row[:1] == ([] if id_ == EOS else [id_])


def test_text_is_the_decoder_s_own_embedding() -> None:
    """The mean over intent and words of the scaled embedding with its position, projected."""
    model = tiny()
    tokens = torch.tensor([[19, 5, 6, EOS]])
    decoder = model.writer.decoder
    places = decoder.embed_positions(tokens)[0]
    rows = [decoder.embed_tokens.weight[t] * 16**0.5 + places[i] for i, t in enumerate((19, 5, 6))]
    expected = model.text_head(sum(rows) / 3)
    torch.testing.assert_close(
        model.text_embeddings(tokens)[0], expected / expected.norm(), atol=1e-6, rtol=0
    )
