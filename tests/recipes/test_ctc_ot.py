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
from earshot.data import open_clips
from earshot.data.utterances import UtteranceBatches, collate_utterances
from earshot.models.speech_to_text import SpeechToText
from earshot.models.text_encoder import TextEncoder
from earshot.objectives.ctc import ctc_loss
from earshot.objectives.sinkhorn import sequence_divergence
from earshot.recipes import ctc_ot
from earshot.synth.prototype_speech import PrototypeLanguage
from earshot.text.vocabulary import Vocabulary
from earshot.training.fit import FitConfig, fit
from recipes.power_cut import check_it_ends_the_same
from recipes.tiny_ctc_ot import tiny_config, tiny_sound_config, write_letters


@pytest.fixture(scope="module")
def taught(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, float], Path]:
    """One short run that several tests look at."""
    out = tmp_path_factory.mktemp("taught") / "run"
    return ctc_ot.run(tiny_config(), None, out).values, out


@pytest.mark.claim("ctc_ot/pretraining")
@pytest.mark.claim("ctc_ot/gap")
def test_transport_draws_speech_to_its_own_text_and_helps_to_translate(
    taught: tuple[dict[str, float], Path], tmp_path: Path
) -> None:
    """The controls: transport to other sentences, and an encoder that was taught nothing."""
    values, _ = taught
    wrong = ctc_ot.run(replace(tiny_config(), wrong_text=True), None, tmp_path / "wrong").values
    none = ctc_ot.run(replace(tiny_config(), pretraining="none"), None, tmp_path / "none").values
    assert values["gap"] < 0.8 < min(wrong["gap"], none["gap"])
    assert values["retrieval_r1"] > 0.6
    assert max(wrong["retrieval_r1"], none["retrieval_r1"]) < 0.3
    assert values["accuracy"] > none["accuracy"] + 0.04  # 0.08 as it stands; none by itself: 0
    assert values["accuracy"] == values["accuracy_64"]


@pytest.mark.claim("ctc_ot/real")
def test_spoken_descriptions_take_the_same_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tones in the place of the set's speech; captions of the test are in no training text."""
    write_letters(tmp_path / "stamps" / "speech" / "es", 16)
    lines = ["id,caption,text_en,text_es,text_fr"]
    for i in range(16):
        lines.append(f"{i:02d},The {i % 8} cat.,x,Ab {'abcd'[i % 4]}!,Cd {'abcd'[i // 4]}.")
    for i in range(16):
        sound = tmp_path / "stamps" / "speech" / "es"
        (sound / f"{i:02d}.wav").rename(sound / f"{i:02d}.ogg")  # the content decides
    (tmp_path / "stamps" / "manifest.csv").write_text("\n".join(lines) + "\n")
    monkeypatch.setenv("EARSHOT_SHARED", str(tmp_path))
    config = tiny_sound_config(steps=3)
    config = replace(config, toy=replace(config.toy, stamps=("es",), held_out=0.25))
    material = ctc_ot.material_of(config, None)
    away = {each.target for each in material.test}
    assert len(away) == 2
    assert (len(material.train), len(material.test), len(material.texts)) == (12, 4, 24)
    assert not away & {each.target for each in [*material.train, *material.texts]}
    assert {"ab a", "cd a"} <= {each.source for each in material.texts}
    values = ctc_ot.run(config, None, tmp_path / "run").values
    assert {"accuracy", "bleu", "chrf", "closeness", "asr_accuracy"} <= values.keys()


def test_it_learns_eight_clips(tmp_path: Path) -> None:
    config = tiny_config()
    eight = PrototypeLanguage(0, config.toy.speech).utterances(8, "train")
    source = Vocabulary.learn((each.source for each in eight), "words")
    target = Vocabulary.learn((each.target for each in eight), "words")
    torch.manual_seed(0)
    model = ctc_ot.build(replace(config, speech=replace(config.speech, dropout=0.0)))
    batches = UtteranceBatches(eight, source, target, batch_size=8, seed=0)
    fit(
        model,
        lambda batch: model.loss(
            model.encode(batch.frames, batch.n_frames), batch.target, label_smoothing=0.0
        ),
        batches.batches,
        FitConfig(steps=120, learning_rate=3e-3, warmup_steps=5),
        tmp_path,
    )
    batch = collate_utterances(eight, source, target)
    written = model.eval().write(model.encode(batch.frames, batch.n_frames))
    assert written == [target.encode(each.target) for each in eight]


@pytest.mark.parametrize("pretraining", ["ce", "ctc", "ctc+ce", "ctc+ot"])
def test_the_loss_is_the_sum_of_its_named_parts(pretraining: str) -> None:
    config = replace(tiny_config(), pretraining=pretraining, ot_weight=0.3, ctc_weight=0.7)
    torch.manual_seed(0)
    listener = ctc_ot.build_listener(config).eval()
    text = TextEncoder(config.text, config.speech).eval()
    three = PrototypeLanguage(0, config.toy.speech).utterances(3, "train")
    source = Vocabulary.learn((each.source for each in three), "words")
    batch = collate_utterances(three, source, source)
    states, n = listener.encode(batch.frames, batch.n_frames), batch.n_source.sum()
    read = text(batch.source, batch.n_source)
    ctc = ctc_loss(listener.ctc_logits(states), states.n_positions, batch.source, batch.n_source)
    between = sequence_divergence(states.hidden, states.n_positions, read.hidden, read.n_positions)
    parts = {
        "ctc": 0.7 * ctc.sum() / n,
        "ce": listener.loss(states, batch.source_end, label_smoothing=0.1),
        "ot": 0.3 * between.sum() / n,
    }
    expected = sum(parts[name] for name in pretraining.split("+"))
    loss = ctc_ot.pretraining_loss(config, listener, text)(batch)
    assert loss.item() == pytest.approx(expected.item(), rel=1e-5)
    if pretraining == "ctc+ot":
        loss.backward()
        assert text.embed_tokens.weight.grad.any()
        held = replace(config, detach_text=True)
        text.zero_grad()
        listener.zero_grad()
        ctc_ot.pretraining_loss(held, listener, text)(batch).backward()
        assert text.embed_tokens.weight.grad is None
        assert listener.encoder.layer_norm.weight.grad.any()


@pytest.mark.parametrize("preset", ["paper", "large", "small", "small_speech"])
def test_presets_survive_json(preset: str) -> None:
    config = getattr(ctc_ot.Config, preset)()
    assert from_dict(ctc_ot.Config, json.loads(json.dumps(to_dict(config)))) == config


@pytest.mark.parametrize(("preset", "size"), [("paper", 71.2e6), ("large", 267.8e6)])
def test_the_paper_s_models_have_their_sizes(preset: str, size: float) -> None:
    with torch.device("meta"):
        model = ctc_ot.build(getattr(ctc_ot.Config, preset)())
    assert sum(each.numel() for each in model.parameters()) == pytest.approx(size, rel=0.002)


def test_the_folder_holds_what_translates(taught: tuple[dict[str, float], Path]) -> None:
    values, out = taught
    checkpoint = read_checkpoint(out)
    assert checkpoint.recipe == "ctc_ot"
    assert checkpoint.extra["figures"] == values
    assert checkpoint.extra["vocabularies"].keys() == {"source", "target", "language"}
    model = ctc_ot.build(from_dict(ctc_ot.Config, checkpoint.config))
    model.load_state_dict(checkpoint.weights())
    assert isinstance(model, SpeechToText)


def test_a_run_that_was_cut_short_ends_the_same(tmp_path: Path) -> None:
    """Killed in each of the three stages, the last of which runs twice."""
    config = tiny_config(steps=6)
    fits = {
        name: replace(getattr(config, name), checkpoint_every=2)
        for name in ("text_fit", "pretraining_fit", "translation_fit")
    }
    config = replace(config, **fits, translated=(64, 100))
    check_it_ends_the_same(ctc_ot, config, tmp_path, update=(3, 7, 13, 7))


def test_clips_of_a_manifest_are_heard_and_what_cannot_be_used_is_named(tmp_path: Path) -> None:
    manifest = write_letters(tmp_path)
    for name, n in (("long", 24_000), ("still", 4_000)):
        write_audio(tmp_path / f"{name}.wav", np.zeros(n), 8_000)
    with manifest.open("a") as file:
        file.write("long.wav,a b,red cat,train\nstill.wav,,red,train\n")
    report = ctc_ot.run(tiny_sound_config(steps=2), open_clips(manifest), tmp_path / "run")
    assert {"accuracy", "asr_accuracy", "closeness"} <= report.values.keys()
    assert any("3.0 s, longer than 2 s" in note for note in report.notes)
    assert any("no transcript" in note for note in report.notes)


def test_what_cannot_be_heard_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EARSHOT_SHARED", raising=False)
    manifest = write_letters(tmp_path / "letters", 4)
    with pytest.raises(EarShotError, match="preset small_speech"):
        ctc_ot.run(tiny_config(), open_clips(manifest), tmp_path / "a")
    untold = replace(tiny_sound_config(), transcript="said")
    with pytest.raises(EarShotError, match="none of which can be used"):
        ctc_ot.run(untold, open_clips(manifest), tmp_path / "b")
    with pytest.raises(EarShotError, match="no front end"):
        ctc_ot.run(tiny_sound_config(), None, tmp_path / "c")
    with pytest.raises(EarShotError, match="no recordings 'stamps'"):
        ctc_ot.run(ctc_ot.Config.small_speech(), None, tmp_path / "d")


def test_the_claim_s_arms_differ_as_they_should(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EARSHOT_SHARED", raising=False)
    without = ctc_ot.claim()
    assert not any(arm.config.toy.stamps for arm in without.arms)
    assert {each.claim for each in without.comparisons} == {"pretraining", "gap"}
    monkeypatch.setattr(ctc_ot, "shared_data", lambda name: Path("there"))
    experiment = ctc_ot.claim()
    arms = {arm.name: arm.config for arm in experiment.arms}
    assert {each.claim for each in experiment.comparisons} == set(ctc_ot.PAPER.claims)
    for prefix, names in (("", ("ctc", "ce", "ctc_ce", "none")), ("real_", ("ctc", "none"))):
        method = arms[f"{prefix}ctc_ot"]
        for name in names:
            assert replace(arms[prefix + name], pretraining="ctc+ot") == method
    assert replace(arms["wrong_text"], wrong_text=False) == arms["ctc_ot"]
    assert arms["no_positions"].sinkhorn.position == 0
    assert replace(arms["no_positions"], sinkhorn=arms["ctc_ot"].sinkhorn) == arms["ctc_ot"]
