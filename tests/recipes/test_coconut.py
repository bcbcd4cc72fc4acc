from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from earshot.core.checkpoint import read_checkpoint
from earshot.core.config import from_dict, to_dict
from earshot.core.errors import EarShotError
from earshot.data import BatchLoader, ClipSet
from earshot.data.rehearsal import Memory
from earshot.models.spoken_intent import SpokenIntent
from earshot.recipes import coconut
from earshot.synth.spoken_words import word_clips
from earshot.text.intent_vocabulary import IntentVocabulary, Understood
from earshot.training.fit import FitConfig, fit
from earshot.training.recipe_run import RecipeRun
from earshot.training.understanding import intent_accuracy, word_errors
from recipes.power_cut import check_it_ends_the_same
from recipes.tiny_coconut import tiny_config


@pytest.mark.claim("coconut/forgetting")
def test_a_memory_with_contrast_keeps_what_learning_on_alone_loses(tmp_path: Path) -> None:
    config = tiny_config(steps=30)
    method = coconut.run(config, None, tmp_path / "method").values
    alone = replace(config, memory=0.0, nspt=None, mm_weight=0.0)
    control = coconut.run(alone, None, tmp_path / "control").values
    assert method["acc_1"] > 0.8
    assert control["acc_1"] > 0.8
    assert control["last_acc"] < 0.45  # the last two words of six
    assert method["last_acc"] > control["last_acc"] + 0.15
    assert method["forgetting"] < control["forgetting"] - 0.15


def test_it_learns_eight_clips(tmp_path: Path) -> None:
    config = tiny_config()
    clips = word_clips(0, config.toy).split("train").select(lambda c: int(c.id[-3:]) < 2)[:8]
    vocabulary = coconut.learn_vocabulary(clips, config)
    config = coconut.with_vocabulary(config, len(vocabulary))
    torch.manual_seed(0)
    method = method_of(config, vocabulary, clips, tmp_path)
    nobody = torch.zeros(8, dtype=torch.bool)
    loader = BatchLoader(clips, batch_size=8, sample_rate=8_000, workers=0)
    settings = FitConfig(steps=80, learning_rate=5e-3, warmup_steps=5)
    fit(
        method.model,
        lambda batch: method.loss(batch, nobody, None, 0.0),
        loader.batches,
        settings,
        tmp_path / "fit",
    )
    assert intent_accuracy(method.model, vocabulary, clips, 7.0) == 1.0
    assert word_errors(method.model, vocabulary, clips, 7.0) == 0.0
    assert word_errors(method.model, vocabulary, clips, 7.0, n_beams=4) == 0.0
    batch = next(loader.epoch())
    with torch.inference_mode():
        states = method.model.hear(batch.waveform, batch.n_samples)
    read = [vocabulary.read(row) for row in method.model.writer.write(states, n_beams=4)]
    assert read == [Understood(clip.labels[0], clip.captions[0]) for clip in batch.clips]


def method_of(
    config: coconut.Config, vocabulary: IntentVocabulary, clips: ClipSet, out: Path
) -> coconut.Coconut:
    run = RecipeRun("coconut", config, out / "run", [])
    labels = vocabulary.intents
    tasks = (labels[:2], labels[2:])
    return coconut.Coconut(config, run, coconut.build(config), vocabulary, tasks, clips, clips)


def test_the_loss_is_the_sum_of_its_three_parts(tmp_path: Path) -> None:
    config = tiny_config()
    clips = word_clips(0, config.toy).split("train")
    vocabulary = coconut.learn_vocabulary(clips, config)
    config = coconut.with_vocabulary(config, len(vocabulary))
    whole = method_of(config, vocabulary, clips, tmp_path)
    batch = next(
        BatchLoader(clips, batch_size=12, sample_rate=8_000, bucket=False, workers=0).batches()
    )
    old = torch.tensor([clip.labels[0] in ("alarm", "coffee", "door") for clip in batch.clips])
    assert 0 < old.sum() < 12
    teacher = coconut.build(config).eval()
    whole.model.eval()

    def loss_with(teacher: SpokenIntent | None, **changes) -> float:
        whole.config = replace(config, **changes)
        return whole.loss(batch, old, teacher, 0.5).item()

    plain = loss_with(None, mm_weight=0.0)
    model = whole.model
    with torch.no_grad():
        states = model.hear(batch.waveform, batch.n_samples)
        tokens = vocabulary.rows([c.labels[0] for c in batch.clips], batch.captions)
        scale = torch.tensor(10.0)  # temperature 0.1
        audio = model.audio_embeddings(states)
        mm = whole.infonce(audio[~old], model.text_embeddings(tokens)[~old], scale)
        before = teacher.audio_embeddings(teacher.hear(batch.waveform, batch.n_samples))
        nspt = whole.nspt(audio, before, batch.target, old, scale)
    assert plain == pytest.approx(
        model.writer.loss(states, tokens, label_smoothing=0.0).item(), abs=1e-5
    )
    assert loss_with(None) == pytest.approx(plain + 0.1 * mm.item(), abs=1e-5)
    assert loss_with(teacher, mm_weight=0.0) == pytest.approx(plain + 0.5 * nspt.item(), abs=1e-4)
    assert loss_with(teacher) == pytest.approx(
        plain + 0.1 * mm.item() + 0.5 * nspt.item(), abs=1e-4
    )
    assert abs(loss_with(teacher, mismatched=True) - loss_with(teacher)) > 1e-3


def test_the_teacher_is_the_model_at_the_last_task_s_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Frozen while a task is taught, none in the first, and the memory holds old words alone."""
    config = tiny_config(steps=3)
    seen: dict[int, set[tuple[float, ...]]] = {}
    ends, memories = [], []
    loss, teach = coconut.Coconut.loss, coconut.Coconut.teach

    def mark(model: SpokenIntent) -> tuple[float, ...]:
        return tuple(float(value.detach().sum()) for value in model.parameters())

    def watch_teach(self, task: int, memory: Memory) -> None:
        memories.append(memory)
        teach(self, task, memory)
        ends.append(mark(self.model))

    def watch_loss(self, batch, old, teacher, weight):
        task = len(ends)
        seen.setdefault(task, set()).add(() if teacher is None else mark(teacher))
        assert weight == [0.0, 2 / 4, 4 / 6][task]
        assert int(old.sum()) == (6 if task else 0)
        for clip, is_old in zip(batch.clips, old.tolist(), strict=True):
            kept = {each for ids in memories[task].values() for each in ids}
            assert (clip.id in kept) == is_old
        return loss(self, batch, old, teacher, weight)

    monkeypatch.setattr(coconut.Coconut, "teach", watch_teach)
    monkeypatch.setattr(coconut.Coconut, "loss", watch_loss)
    coconut.run(config, None, tmp_path)
    assert seen == {0: {()}, 1: {ends[0]}, 2: {ends[1]}}
    assert [sum(map(len, memory.values())) for memory in memories] == [0, 13, 13]


@pytest.mark.parametrize("preset", ["paper", "small"])
def test_presets_survive_json(preset: str) -> None:
    config = getattr(coconut.Config, preset)()
    assert from_dict(coconut.Config, json.loads(json.dumps(to_dict(config)))) == config


def test_the_paper_s_model_has_the_sizes_of_its_parts() -> None:
    config = coconut.Config.paper()
    with torch.device("meta"):
        model = coconut.build(config)
    assert all(value.is_meta for value in model.parameters())
    encoder = sum(value.numel() for value in model.writer.encoder.parameters())
    assert encoder == pytest.approx(94.4e6, rel=0.001)  # wav2vec 2.0 base
    dim, inner = 768, 3_072
    layer = 8 * (dim * dim + dim) + 2 * dim * inner + inner + dim + 3 * 2 * dim
    decoder = 6 * layer + 2 * dim + 1_000 * dim  # layers, norm, embedding
    heads = (1_000 * dim + 1_000) + 2 * (dim * dim + dim)
    total = sum(value.numel() for value in model.parameters())
    assert total == encoder + decoder + heads
    assert total == pytest.approx(153.8e6, rel=0.001)


@pytest.mark.slow
def test_the_paper_s_model_takes_a_training_step(tmp_path: Path) -> None:
    config = coconut.Config.paper()
    model, teacher = coconut.build(config), coconut.build(config).eval()
    noise = torch.randn(2, 16_000, generator=torch.Generator().manual_seed(0)) * 0.1
    lengths, tokens = torch.tensor([16_000, 9_000]), torch.tensor([[900, 7, 8, 2], [901, 9, 2, 1]])
    target, old = torch.tensor([0, 1]), torch.tensor([False, True])
    scale = torch.tensor(10.0)

    def loss_of(waveform: torch.Tensor) -> torch.Tensor:
        states = model.hear(waveform, lengths)
        audio = model.audio_embeddings(states)
        with torch.no_grad():
            before = teacher.audio_embeddings(teacher.hear(waveform, lengths))
        mm = coconut.InfoNCE()(audio, model.text_embeddings(tokens), scale)
        nspt = coconut.Nspt()(audio, before, target, old, scale)
        return model.writer.loss(states, tokens) + 0.1 * mm + 0.5 * nspt

    before = {name: value.detach().clone() for name, value in model.named_parameters()}
    settings = replace(config.fit, steps=1, warmup_steps=0)
    fit(model, loss_of, lambda first: iter([noise]), settings, tmp_path)
    for name, value in model.named_parameters():
        frozen = ".feature_extractor." in name
        moved = not torch.equal(value, before[name])
        assert not (frozen and moved), name
    learnt = [n for n, v in model.named_parameters() if not torch.equal(v, before[n])]
    assert len(learnt) > 0.9 * sum(value.requires_grad for value in model.parameters())


@pytest.mark.parametrize("after", [7, 9])  # within the second task, and before its first update
def test_a_run_that_was_cut_ends_the_same(tmp_path: Path, after: int) -> None:
    config = tiny_config()
    config = replace(
        config,
        fit=replace(config.fit, steps=6 if after == 9 else 5, checkpoint_every=2),
        memory=0.1,
    )
    if after == 9:
        after = config.fit.steps + 1
    check_it_ends_the_same(coconut, config, tmp_path, update=after)
    one, two = (read_checkpoint(tmp_path / name) for name in ("whole", "cut"))
    assert one.extra["memory"] == two.extra["memory"]


def test_the_run_s_folder_holds_what_it_learnt(tmp_path: Path) -> None:
    config = tiny_config(steps=3)
    report = coconut.run(config, None, tmp_path)
    checkpoint = read_checkpoint(tmp_path)
    assert checkpoint.extra["figures"] == report.values
    vocabulary = IntentVocabulary.from_dict(checkpoint.extra["vocabulary"])
    model = coconut.build(from_dict(coconut.Config, checkpoint.config))
    model.load_state_dict(checkpoint.weights())
    test = word_clips(0, config.toy).split("test")
    assert word_errors(model.eval(), vocabulary, test, 7.0) == report.values["wer"]
    last = json.loads((tmp_path / "task-3" / "record.json").read_text())
    accuracy = [
        intent_accuracy(model, vocabulary, test.select(lambda c, t=t: c.labels[0] in t), 7.0)
        for t in checkpoint.extra["tasks"]
    ]
    assert last["accuracy"] == accuracy
    assert report.values["last_acc"] == pytest.approx(sum(accuracy) / 3)


def test_a_choice_by_chance_is_the_seed_s(tmp_path: Path) -> None:
    config = replace(tiny_config(steps=1), choose="random")
    coconut.run(config, None, tmp_path / "one")
    coconut.run(config, None, tmp_path / "two")
    coconut.run(replace(config, choose="herding"), None, tmp_path / "three")
    one, two, three = (
        read_checkpoint(tmp_path / n).extra["memory"] for n in ("one", "two", "three")
    )
    assert one == two != three


def test_faults_are_sentences(tmp_path: Path) -> None:
    config = tiny_config(steps=1)
    with pytest.raises(EarShotError, match="7 for 6 intents|4 for 6 intents"):
        coconut.run(replace(config, memory=0.03), None, tmp_path / "a")
    with pytest.raises(EarShotError, match="memory=1.5"):
        replace(config, memory=1.5)
    with pytest.raises(EarShotError, match="old and new clips"):
        replace(config, n_rehearsal=16)
    untold = [replace(clip, captions=()) for clip in word_clips(0, config.toy)]
    with pytest.raises(EarShotError, match="a caption, the transcript"):
        coconut.run(config, ClipSet(untold), tmp_path / "b")
    with pytest.raises(EarShotError, match="9 tasks for 6 labels"):
        coconut.run(replace(config, n_tasks=9), None, tmp_path / "c")


def test_digits_need_the_recordings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("EARSHOT_SHARED", raising=False)
    with pytest.raises(EarShotError, match="EARSHOT_SHARED"):
        coconut.run(replace(tiny_config(), recordings="digits"), None, tmp_path)
    experiment = coconut.claim()
    assert all(arm.name.startswith("words") for arm in experiment.arms)


def test_a_user_s_manifest_is_learnt(tmp_path: Path) -> None:
    """Several transcripts an intent, sounds on disk, no splits."""
    from earshot.audio import write_audio
    from earshot.data import open_clips

    config = tiny_config(steps=2)
    lines = ["path,label,transcript"]
    for i, clip in enumerate(word_clips(0, config.toy).split("train")):
        name = f"{i}.wav"
        write_audio(tmp_path / name, clip.audio.waveform, clip.audio.sample_rate)
        said = clip.captions[0] if i % 2 else f"the {clip.captions[0]}"
        lines.append(f"{name},{clip.labels[0]},{said}")
    (tmp_path / "manifest.csv").write_text("\n".join(lines) + "\n")
    report = coconut.run(config, open_clips(tmp_path), tmp_path / "run")
    assert {"avg_acc", "last_acc", "forgetting", "wer", "acc_3"} <= report.values.keys()


def test_long_clips_are_left_out_of_the_training() -> None:
    config = replace(tiny_config(), max_s=0.45)
    clips = word_clips(0, config.toy)
    train, test = coconut.split_clips(clips, config)
    n_long = sum(clip.audio.duration_s > 0.45 for clip in clips.split("train"))
    assert 0 < n_long == len(clips.split("train")) - len(train)
    assert len(test) == len(clips.split("test"))


def test_the_claim_s_arms_differ_as_they_should(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "data" / "fsdd").mkdir(parents=True)
    monkeypatch.setenv("EARSHOT_SHARED", str(tmp_path))
    experiment = coconut.claim()
    arms = {arm.name: arm.config for arm in experiment.arms}
    method, replay = arms["digits coconut"], arms["digits er"]
    assert replace(method, nspt=None, mm_weight=0.0) == replay
    assert replace(replay, memory=0.0) == arms["digits fine_tune"]
    assert replace(arms["digits mismatched"], mismatched=False) == method
    assert replace(arms["digits er_nspt"], mm_weight=method.mm_weight) == method
    assert replace(arms["digits er_mm"], nspt="nspt") == method
    joint = arms["digits joint"]
    assert joint.n_tasks * joint.fit.steps == method.n_tasks * method.fit.steps
    assert arms["words coconut"] == replace(method, recordings="words")
    assert {each.claim for each in experiment.comparisons} == set(coconut.PAPER.claims)
