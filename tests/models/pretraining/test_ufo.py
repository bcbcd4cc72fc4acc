import copy

import pytest
import torch

from earshot.core.errors import EarShotError
from earshot.encoders.eat import EatConfig, EatEncoder
from earshot.layers.inverse_blocks import inverse_block_mask
from earshot.layers.post_norm_transformer import PostNormConfig
from earshot.models.pretraining.ufo import Ufo, UfoConfig
from earshot.objectives.utterance_frame import averaged_targets, frame_loss, utterance_loss

SMALL = UfoConfig(n_clones=3, side=2, decoder_depth=2, decoder_groups=4, decay=0.5, end_decay=0.9,
                  decay_updates=4)  # fmt: skip


def encoder(n_frames: int = 96) -> EatEncoder:
    torch.manual_seed(0)
    shape = PostNormConfig(dim=16, depth=2, n_heads=2, mlp_dim=24)
    return EatEncoder(EatConfig(n_mels=32, most_times=6, n_frames=n_frames, transformer=shape))


def sound(n: int = 2) -> tuple[torch.Tensor, torch.Tensor]:
    torch.manual_seed(1)
    return torch.randn(n, 32, 96), torch.full((n,), 96)


def test_targets_are_of_the_teacher_s_mlps_without_the_learnt_token() -> None:
    model = Ufo(encoder(), SMALL)
    added: list[torch.Tensor] = []
    for block in model.teacher.blocks:
        block.mlp["fc2"].register_forward_hook(lambda part, given, out: added.append(out[:, 1:]))
    found, variance = model.targets(*sound())
    assert len(added) == 2
    torch.testing.assert_close(found, averaged_targets(added))
    assert float(variance) > 0
    assert not found.requires_grad


def test_the_pupil_sees_what_is_kept_and_the_loss_is_both_parts() -> None:
    model = Ufo(encoder(), SMALL)
    patches, _ = model.encoder.patches(*sound(1))
    mask = torch.zeros(1, 12, dtype=torch.bool)
    mask[0, [1, 2, 3, 5, 6, 7, 8, 10, 11]] = True
    moved = patches.clone()
    moved[mask] += 5.0  # what is hidden is not seen
    torch.manual_seed(2)
    token, told = model.guess(patches, mask)
    torch.manual_seed(2)
    again, told_again = model.guess(moved, mask)
    torch.testing.assert_close(token, again)
    torch.testing.assert_close(told, told_again)
    states, _ = model.encoder.encode(patches[:, [0, 4, 9]])
    torch.testing.assert_close(token, states[-1][:, 0])
    torch.manual_seed(3)
    found = model(*sound())
    total = found["frame"] + SMALL.utterance_weight * found["utterance"]
    torch.testing.assert_close(found["loss"], total)


def test_clones_share_the_teacher_and_differ_in_what_they_see(monkeypatch) -> None:
    model = Ufo(encoder(), SMALL)
    seen: list[tuple[torch.Tensor, torch.Tensor]] = []
    guess = model.guess

    def watched(patches: torch.Tensor, mask: torch.Tensor):
        seen.append((patches, mask))
        return guess(patches, mask)

    monkeypatch.setattr(model, "guess", watched)
    passes: list[int] = []
    model.teacher.blocks[0].register_forward_hook(lambda p, given, out: passes.append(len(out[0])))
    found = model(*sound())
    ((patches, mask),) = seen
    assert passes == [2]  # one pass of the teacher a clip
    assert patches.shape[0] == mask.shape[0] == 6
    assert torch.equal(patches[0], patches[2])
    assert not torch.equal(patches[2], patches[3])
    assert len({tuple(row.tolist()) for row in mask}) > 1
    monkeypatch.undo()
    heard = sound()
    torch.manual_seed(4)
    again = model(*heard)
    torch.manual_seed(4)  # the same from parts
    drawn = inverse_block_mask(6, (6, 2), 0.8, side=2)
    token, told = model.guess(model.encoder.patches(*heard)[0].repeat_interleave(3, 0), drawn)
    wanted = model.targets(*heard)[0].repeat_interleave(3, 0)
    torch.testing.assert_close(again["frame"], frame_loss(told, wanted, drawn))
    torch.testing.assert_close(again["utterance"], utterance_loss(token, wanted))
    assert float(found["loss"]) > 0


def test_the_teacher_follows_ever_more_slowly() -> None:
    model = Ufo(encoder(), SMALL)
    before = copy.deepcopy(model.teacher)
    with torch.no_grad():
        for value in model.encoder.parameters():
            value += 1.0
    gap = 1.0
    for decay in (0.5, 0.6, 0.7, 0.8, 0.9, 0.9):  # from 0.5 to 0.9 over four updates
        model.after_update()
        gap *= decay
        for name, value in model.teacher.named_parameters():
            own = dict(model.encoder.named_parameters())[name]
            torch.testing.assert_close(own - value, torch.full_like(own, gap), atol=1e-5, rtol=1e-4)
    assert not any(p.requires_grad for p in model.teacher.parameters())
    assert not model.train().teacher.training
    assert not torch.equal(model.teacher.proj.weight, before.proj.weight)


def test_it_learns_and_a_collapse_is_a_sentence() -> None:
    torch.manual_seed(0)
    model = Ufo(encoder(), UfoConfig(n_clones=2, side=2, decoder_depth=1, decoder_groups=4,
                                     decay=0.99, end_decay=0.99))  # fmt: skip
    tones = torch.zeros(4, 32, 96)
    for i, row in enumerate(tones):
        row[8 * i : 8 * i + 8, 20 * i : 20 * i + 30] = 3.0
    optimizer = torch.optim.Adam([*model.encoder.parameters(), *model.decoder.parameters()], 3e-3)
    losses = []
    for _ in range(60):
        found = model(tones, torch.full((4,), 96))
        optimizer.zero_grad()
        found["loss"].backward()
        optimizer.step()
        model.after_update()
        losses.append(float(found["frame"]))
    assert sum(losses[-5:]) < 0.8 * sum(losses[:5])
    with torch.no_grad():
        for block in model.teacher.blocks:
            block.mlp["fc2"].weight.zero_()
    with pytest.raises(EarShotError, match="collapsed"):
        model(tones, torch.full((4,), 96))


def test_impossible_settings_are_sentences() -> None:
    with pytest.raises(EarShotError, match="decay=0.9 to 0.5"):
        UfoConfig(decay=0.9, end_decay=0.5)
    with pytest.raises(EarShotError, match="one length"):
        Ufo(encoder(n_frames=0), SMALL)
