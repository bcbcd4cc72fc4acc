"""The review's recipe in a size for tests."""

from __future__ import annotations

from dataclasses import replace

from earshot.encoders.frame_encoder import FrameEncoderConfig
from earshot.layers.gumbel_quantizer import GumbelQuantizerConfig
from earshot.layers.span_mask import SpanMaskConfig
from earshot.models.audio_tower import AudioTower
from earshot.models.pretraining.contrastive import CpcConfig, Wav2Vec2Config
from earshot.models.pretraining.predictive import UnitsConfig
from earshot.models.pretraining.zoo import CAUSAL, ZooConfig
from earshot.recipes.ssl_speech_review import Config
from earshot.synth.phone_speech import PhoneSpeechConfig
from earshot.training.layer_probe import LayerProbeConfig
from earshot.training.speech_probes import SpeechProbeConfig


def tiny_config(objective: str = "hubert", steps: int = 4, **changes: object) -> Config:
    """A few utterances of a language of eight phones, two layers of 32."""
    config = Config.small()
    frames = FrameEncoderConfig(
        kind="gru" if objective in CAUSAL else "transformer", dim=32, depth=2, n_heads=2
    )
    zoo = ZooConfig(
        mask=SpanMaskConfig(start_probability=0.1, length=4),
        cpc=CpcConfig(n_horizons=3, n_negatives=16),
        wav2vec2=Wav2Vec2Config(quantizer=GumbelQuantizerConfig(8, 2, 16), n_distractors=10),
        units=UnitsConfig(n_units=16, unit_dim=16),
        best_rq_units=16,
        w2v_bert_tap_depth=1,
    )
    speech = PhoneSpeechConfig(
        shortest=4, longest=6, n_followers=2, n_speakers=3, noise_db=20.0, spread=0.05
    )
    probe = LayerProbeConfig(learning_rates=(1e-2,), steps=60, batch_size=128, hidden=32)
    tiny = replace(
        config,
        model=replace(config.model, audio=AudioTower(frames=frames)),
        objective=objective,
        labelling_layer=1,
        zoo=zoo,
        fit=replace(config.fit, steps=steps, checkpoint_every=2, warmup_steps=5),
        batch_size=8,
        probes=SpeechProbeConfig(n_frames=1_000, probe=probe),
        toy=replace(config.toy, speech=speech, n_phones=8, n_train=24, n_labelled=30, n_test=20),
    )
    return replace(tiny, **changes)
