from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from earshot.core.errors import EarShotError
from earshot.data.clip_set import ClipSet
from earshot.data.compositions import CompositionConfig
from earshot.jobs.blending import BlendArm, blend_model, blend_table, train
from earshot.jobs.loading import load
from earshot.jobs.starting import find_start
from earshot.recipes import clap
from earshot.synth.combinations import combination_clips
from earshot.training.blend import METHODS, BlendConfig, blend
from earshot.training.fit import FitConfig
from published import clap_directory
from recipes.power_cut import check_ends_the_same
from recipes.tiny_clap import tiny_config


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("start")
    clap.run(tiny_config(steps=2), combination_clips(0, tiny_config().toy), out)
    return out


def clips() -> ClipSet:
    """Captioned clips, and the same sounds with one label each."""
    found = list(combination_clips(0, tiny_config().toy).split("train"))[:48]
    single = [
        replace(clip, id=f"{clip.id} alone", captions=(), labels=(clip.labels[0].split(" ")[-1],))
        for clip in found
    ]
    return ClipSet([*(replace(clip, labels=()) for clip in found), *single], name="toy")


def tiny(methods: tuple[str, ...], steps: int = 4) -> BlendConfig:
    return BlendConfig(
        model=tiny_config().model,
        methods=methods,
        fit=FitConfig(steps=steps, learning_rate=1e-3, warmup_steps=1),
        batch_size=8,
        n_composed=4,
        max_s=1.0,
        compositions=CompositionConfig(n_events=(0.0, 1.0), clip_s=1.0),
    )


def weights(folder: Path) -> torch.Tensor:
    return torch.cat([each.detach().flatten() for each in load(folder).model.parameters()])


@pytest.mark.parametrize("methods", [(), *((name,) for name in METHODS), METHODS])
def test_every_choice_of_methods_trains_and_serves(
    tmp_path: Path, start: Path, methods: tuple[str, ...]
) -> None:
    out = tmp_path / "run"
    train(tiny(methods), clips(), out, start=find_start(start), resume=False)
    before, after = load(start), load(out)
    moved = {
        name: not torch.equal(value, after.model.state_dict()[name])
        for name, value in before.model.state_dict().items()
        if value.is_floating_point()
    }
    assert any(moved.values())
    text = [name for name in moved if name.startswith("text")]
    assert text
    assert any(moved[name] for name in text) != ("cwcl" in methods)  # which locks the text tower
    assert np.isfinite(after.embed_texts(["a dog"])).all()


@pytest.mark.parametrize("methods", [(), METHODS])
def test_what_was_learnt_is_the_same_after_a_cut(
    tmp_path: Path, start: Path, methods: tuple[str, ...]
) -> None:
    config = tiny(methods, steps=6)
    config = replace(config, fit=replace(config.fit, checkpoint_every=2))
    check_ends_the_same(
        lambda out, resume: train(config, clips(), out, start=find_start(start), resume=resume),
        tmp_path,
        update=5,
    )


def test_a_published_clap_goes_on_and_stays_one(tmp_path: Path) -> None:
    clap_directory(tmp_path / "clap", fused=False)
    few = ["fit.steps=2", "batch_size=4", "n_composed=2", "max_s=1.0", "compositions.clip_s=1.0"]
    blend_model(tmp_path / "clap", tmp_path / "out", data=clips(), changes=few)
    assert (tmp_path / "out" / "config.json").is_file()
    assert not torch.equal(weights(tmp_path / "out"), weights(tmp_path / "clap"))


def test_methods_teach_eight_clips(tmp_path: Path) -> None:
    """From random weights, each clip is found by its own caption."""
    few = ClipSet(
        [replace(clip, captions=clip.captions[:1], labels=()) for clip in clips()
         if clip.captions][:8], name="few",
    )  # fmt: skip
    named = ClipSet([replace(c, captions=(f"sound number {i}",)) for i, c in enumerate(few)])
    config = replace(tiny(("rewrites", "harmony"), steps=150), n_composed=0)
    model_config = clap.Config(model=config.model)
    blend(config, named, tmp_path, saved_as=(clap.PAPER.key, model_config))
    model = load(tmp_path)
    sounds = np.stack([model.embed_audio(clip.audio).mean for clip in named])
    texts = model.embed_texts([clip.captions[0] for clip in named])
    assert ((texts @ sounds.T).argmax(1) == np.arange(8)).all()


def test_faults_are_sentences(tmp_path: Path, start: Path) -> None:
    with pytest.raises(EarShotError, match="one of cwcl, harmony, negatives, rewrites"):
        BlendConfig(model=None, methods=("cwlc",))
    captioned = ClipSet([clip for clip in clips() if clip.captions])
    labelled = ClipSet([clip for clip in clips() if not clip.captions])
    with pytest.raises(EarShotError, match="no clip has just one label"):
        blend_model(start, tmp_path / "a", methods=["negatives"], data=captioned)
    with pytest.raises(EarShotError, match="no clip has a caption"):
        blend_model(start, tmp_path / "b", data=labelled)


def test_the_table_s_arms_differ_in_their_methods_alone() -> None:
    table = blend_table(BlendArm((), steps=3))
    arms = {arm.name: arm.config for arm in table.arms}
    assert arms["start"].methods is None
    assert arms["all"].methods == METHODS
    assert all(arms[name].methods == (name,) for name in METHODS)
    assert {replace(each, methods=()) for each in arms.values()} == {BlendArm((), steps=3)}
