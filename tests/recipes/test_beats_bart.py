from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from earshot.audio import write_audio
from earshot.core.checkpoint import read_checkpoint
from earshot.core.config import from_dict, to_dict
from earshot.core.errors import EarShotError
from earshot.data import ClipSet, open_clips
from earshot.jobs.caption import caption, load_captioner
from earshot.jobs.starting import EARS, find_ears
from earshot.layers.spec_augment import SpecAugmentConfig
from earshot.models.audio_tower import build_sound_encoder
from earshot.recipes import beats_bart
from earshot.training.fit import fit
from recipes.power_cut import check_it_ends_the_same
from recipes.tiny_beats_bart import tiny_config


@pytest.fixture(scope="module")
def taught(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, float], Path]:
    """One short run that several tests look at."""
    out = tmp_path_factory.mktemp("taught") / "run"
    return beats_bart.run(tiny_config(), None, out).values, out


@pytest.mark.claim("beats_bart/sentences")
@pytest.mark.claim("beats_bart/mixups")
@pytest.mark.claim("beats_bart/reranking")
def test_sounds_are_captioned_and_the_head_knows_whose_caption_it_is(
    taught: tuple[dict[str, float], Path], tmp_path: Path
) -> None:
    """The controls: a head that was taught nothing, and sounds with other sounds' captions."""
    values, _ = taught
    base = replace(tiny_config(20), nce_weight=0.0, mixups=None, shuffle_captions=True)
    shuffled = beats_bart.run(base, None, tmp_path / "shuffled").values
    assert values["encoder_auc"] > 0.7  # 0.87 as it stands
    assert abs(shuffled["encoder_auc"] - 0.5) < 0.15
    assert values["hybrid_event_f1"] > shuffled["hybrid_event_f1"] + 0.1
    ways = ("beam", "decoder", "encoder", "hybrid", "oracle")
    assert {f"{way}_two_event_f1" for way in ways} <= values.keys()
    assert values["oracle_event_f1"] >= max(values[f"{way}_event_f1"] for way in ways[1:])


def test_the_folder_captions_sounds(taught: tuple[dict[str, float], Path], tmp_path: Path) -> None:
    values, out = taught
    checkpoint = read_checkpoint(out)
    assert checkpoint.recipe == "beats_bart"
    assert checkpoint.extra["figures"] == values
    model = load_captioner(out)
    assert model.sentences is not None  # type: ignore[attr-defined]
    _, test = beats_bart.split_clips(None, tiny_config())
    for i, clip in enumerate(test[:3]):
        write_audio(tmp_path / f"{i}.wav", clip.read().waveform, 16_000)
    write_audio(tmp_path / "long.wav", np.tile(test[0].read().waveform, 3), 16_000)
    answers = caption(tmp_path, model=out)
    assert not answers.failures
    assert [len(each.windows) for each in answers] == [1, 1, 1, 3]
    assert all(each.caption for each in answers)
    assert [each.caption for each in caption(tmp_path, model=out)] == [
        each.caption for each in answers
    ]


def test_it_learns_eight_clips(tmp_path: Path) -> None:
    config = replace(tiny_config(), mixups=None, label_smoothing=0.0, nce_weight=0.0)
    train, _ = beats_bart.split_clips(None, config)
    eight = ClipSet([replace(clip, captions=clip.captions[:1]) for clip in train[:8]])
    torch.manual_seed(0)
    model = beats_bart.build(config)
    model.decoder.tokenizer = beats_bart.tokenizer_of(config, [c.captions[0] for c in eight])
    kept = beats_bart.keep(model.eval(), eight)
    loss = beats_bart.loss_with(config, model, beats_bart.sentences_of(config))
    settings = replace(config.fit, steps=120, learning_rate=5e-3)
    fit(model, loss, kept.batches(8, 0), settings, tmp_path)
    batch = kept.rows(range(8), [""] * 8)
    memory = model.eval().hear(batch.states, batch.n_positions)
    found = model.decoder.generate(*memory, replace(config.beam, max_tokens=40))
    assert [row[0].text for row in found] == [clip.captions[0] for clip in eight]


@pytest.mark.parametrize("step", [3, 9, 15])
def test_a_run_that_was_cut_short_ends_the_same(step: int, tmp_path: Path) -> None:
    """Killed in each of its three stages."""
    config = tiny_config(6)
    assert config.encoder_fit is not None
    config = replace(
        config,
        encoder_fit=replace(config.encoder_fit, checkpoint_every=2),
        mixup_fit=replace(config.mixup_fit, checkpoint_every=2),
        fit=replace(config.fit, checkpoint_every=2),
        mixups=replace(config.mixups, n_pairs=8),
        n_toy=30,
    )
    check_it_ends_the_same(beats_bart, config, tmp_path, update=step)


@pytest.mark.parametrize("preset", ["paper", "small"])
def test_presets_survive_json(preset: str) -> None:
    config = getattr(beats_bart.Config, preset)()
    assert from_dict(beats_bart.Config, json.loads(json.dumps(to_dict(config)))) == config


def test_the_paper_s_model_has_its_size() -> None:
    """About 126 M that train, 90 M that do not; 4.7 M of the Conformer are there and never used."""
    with torch.device("meta"):
        model = beats_bart.build(beats_bart.Config.paper())
    trained = sum(each.numel() for each in model.parameters() if each.requires_grad)
    frozen = sum(each.numel() for each in model.encoder.parameters())
    assert trained == pytest.approx(126e6, rel=0.01)
    assert frozen == pytest.approx(90e6, rel=0.01)
    unused = sum(each.numel() for each in model.post.postencoder.pos_conv_embed.parameters())
    assert unused == pytest.approx(4.7e6, rel=0.01)


def test_an_encoder_that_was_taught_elsewhere_is_heard_with(
    taught: tuple[dict[str, float], Path], tmp_path: Path
) -> None:
    """Its weights are those of the run, and the first stage is left out."""
    from earshot.core.checkpoint import save_checkpoint
    from earshot.recipes import panns

    config = tiny_config(2)
    encoder = build_sound_encoder(config.model.encoder)
    save_checkpoint(
        tmp_path / "ears",
        "panns",
        replace(panns.Config.small(), model=config.model.encoder),
        encoder,
    )
    ears = find_ears(tmp_path / "ears")
    assert ears.name.startswith(EARS)
    bare = replace(config, encoder_fit=None, n_toy=20, mixups=None)
    report = beats_bart.run(bare, None, tmp_path / "run", ears=ears)
    assert "encoder_loss" not in report.values
    weights = read_checkpoint(tmp_path / "run").weights()
    for name, value in encoder.audio_encoder.state_dict().items():
        assert torch.equal(weights[f"encoder.audio_encoder.{name}"], value)
    with pytest.raises(EarShotError, match="Pass --audio-model"):
        beats_bart.run(bare, None, tmp_path / "other")


def test_clips_of_a_manifest_with_masks_anew_at_every_visit(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    rows = ["path,caption,split,label"]
    for i in range(12):
        write_audio(tmp_path / f"{i}.wav", 0.1 * rng.standard_normal(9_000), 16_000)
        rows.append(f"{i}.wav,Sound number {i}!,{'test' if i > 9 else 'train'},{'ab'[i % 2]}")
    (tmp_path / "clips.csv").write_text("\n".join(rows) + "\n")
    config = tiny_config(2)
    masks = SpecAugmentConfig(time_width=4, mel_width=4)
    config = replace(
        config, model=replace(config.model, spec_augment=masks), keep_states=False, batch_size=4,
        mixups=replace(config.mixups, n_pairs=4),
    )  # fmt: skip
    values = beats_bart.run(config, open_clips(tmp_path / "clips.csv"), tmp_path / "run").values
    assert {"beam_cider_d", "hybrid_cider_d", "encoder_auc"} <= values.keys()
    assert not any("event" in name for name in values)


def test_what_does_not_fit_is_refused(tmp_path: Path) -> None:
    config = tiny_config(2)
    for change, said in (
        ({"nce_weight": -1.0}, "0 or more"),
        ({"temperature": 0.0}, "above 0"),
        ({"n_toy": 9}, "at least 10 clips"),
        ({"model": replace(config.model, spec_augment=SpecAugmentConfig())}, "keep_states=false"),
    ):
        with pytest.raises(EarShotError, match=said):
            replace(config, **change)
    narrow = replace(config, model=replace(config.model, sentence_dim=8))
    with pytest.raises(EarShotError, match="Set model.sentence_dim=256"):
        beats_bart.sentences_of(narrow)
    beats_bart.tokenizer_of(config, ["a dog", "rain"]).save(tmp_path / "words")
    few = replace(config.model, decoder=replace(config.model.decoder, vocab_size=260))
    other = replace(config, model=few, tokenizer=str(tmp_path / "words"))
    with pytest.raises(EarShotError, match="model.decoder.vocab_size"):
        beats_bart.tokenizer_of(other, [])


def test_the_claim_s_arms_differ_as_they_should() -> None:
    experiment = beats_bart.claim()
    assert {each.claim for each in experiment.comparisons} == set(beats_bart.PAPER.claims)
    arms = {arm.name: arm.config for arm in experiment.arms}
    assert arms["both"] == beats_bart.Config.small()
    assert replace(arms["nce"], mixups=arms["both"].mixups) == arms["both"]
    assert replace(arms["mixup"], nce_weight=1.0) == arms["both"]
    assert replace(arms["base"], nce_weight=1.0) == arms["nce"]
    assert replace(arms["shuffled"], shuffle_captions=False) == arms["both"]
