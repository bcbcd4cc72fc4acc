from __future__ import annotations

import errno
import math
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from accelerate import Accelerator
from safetensors.torch import load_file
from torch import nn

from earshot.core.errors import EarShotError
from earshot.objectives.infonce import InfoNCE
from earshot.training.fit import CHECKPOINTS, FitConfig, fit
from earshot.training.run_log import FIELDS, RunLog, read_log
from earshot.training.run_state import checkpoints
from training.toy_fit import KILLED, toy_batches, toy_fit, toy_model
from training.toy_fit import run as toy_fit_run

QUICK = FitConfig(steps=6, warmup_steps=2, checkpoint_every=100, log_every=1)


def killed_toy(out: Path, step: int) -> int:
    """The status of a process that trains in `out` and kills itself at that step."""
    program = Path(__file__).with_name("toy_fit.py")
    source = Path(__file__).parents[2] / "src"
    return subprocess.run(
        [sys.executable, str(program), str(out), str(step)],
        env={"PYTHONPATH": str(source), "OMP_NUM_THREADS": "1", "PATH": "/usr/bin:/bin"},
        stderr=subprocess.DEVNULL,
        check=False,
    ).returncode


def weights(model: nn.Module) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in model.state_dict().items()}


def test_it_learns(tmp_path: Path) -> None:
    model = toy_model(noise=0.0)
    config = replace(QUICK, steps=150, learning_rate=0.03, log_every=10)
    result = toy_fit(model, tmp_path, config)
    first = read_log(tmp_path)[0]["loss"]
    assert result.loss < first / 5
    assert result.steps == 150


def test_a_killed_run_ends_with_the_same_weights(tmp_path: Path) -> None:
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    toy_fit_run(whole)
    assert killed_toy(killed, 13) == -9
    assert [path.name for path in checkpoints(killed / CHECKPOINTS)] == [
        "step-00000005",
        "step-00000010",
    ]
    toy_fit_run(killed, resume=True)
    one, two = (torch.load(path / "final.pt", weights_only=True) for path in (whole, killed))
    assert one.keys() == two.keys()
    assert all(torch.equal(one[name], two[name]) for name in one)
    steps = [row["step"] for row in read_log(killed)]
    assert steps == [row["step"] for row in read_log(whole)] == list(range(2, 25, 2))


def test_a_kill_while_writing_leaves_whole_checkpoints(tmp_path: Path) -> None:
    toy_fit(toy_model(), tmp_path, replace(KILLED, steps=10, warmup_steps=4))
    part = tmp_path / CHECKPOINTS / ".part-00000015"
    part.mkdir()
    (part / "model.safetensors").write_bytes(b"half")
    assert [path.name for path in checkpoints(tmp_path / CHECKPOINTS)] == [
        "step-00000005",
        "step-00000010",
    ]
    toy_fit(toy_model(), tmp_path, replace(KILLED, steps=10, warmup_steps=4), resume=True)
    assert not part.exists()


def test_resuming_a_finished_run_trains_no_more(tmp_path: Path) -> None:
    first = toy_model()
    toy_fit(first, tmp_path, QUICK)
    again = toy_model()

    def never() -> None:
        raise AssertionError("a finished run took another step")

    result = toy_fit(again, tmp_path, QUICK, resume=True, after_step=never)
    assert result.steps == 6
    assert all(
        torch.equal(a, b)
        for a, b in zip(*(weights(m).values() for m in (first, again)), strict=True)
    )


def test_accumulated_batches_equal_a_big_one(tmp_path: Path) -> None:
    def model() -> nn.Module:  # no batch norm: its statistics are those of the small batch
        torch.manual_seed(1)
        return nn.Sequential(nn.Linear(4, 16), nn.Tanh(), nn.Linear(16, 1))

    def big(first: int):
        small = toy_batches(4)(2 * first)
        while True:
            (x, y), (more_x, more_y) = next(small), next(small)
            yield torch.cat([x, more_x]), torch.cat([y, more_y])

    whole, parts = model(), model()
    one = toy_fit(whole, tmp_path / "one", replace(QUICK, clip_norm=0.5), batches=big)
    two = toy_fit(
        parts,
        tmp_path / "two",
        replace(QUICK, clip_norm=0.5, accumulate=2),
        batches=toy_batches(4),
    )
    assert two.loss == pytest.approx(one.loss, abs=1e-6)
    for a, b in zip(whole.parameters(), parts.parameters(), strict=True):
        torch.testing.assert_close(a, b, atol=1e-6, rtol=0)


def test_norms_biases_and_scalars_do_not_decay(tmp_path: Path) -> None:
    model = nn.ParameterDict(
        {"kernel": torch.ones(2, 2), "bias": torch.ones(2), "logit_scale": torch.tensor(1.0)}
    )
    model.forward = lambda: None

    def loss_of(batch: torch.Tensor) -> torch.Tensor:
        return sum(0.0 * value.sum() for value in model.values())

    config = replace(QUICK, steps=1, warmup_steps=0, weight_decay=0.1, learning_rate=0.5)
    fit(model, loss_of, lambda first: iter([torch.zeros(1)] * 3), config, tmp_path)
    assert model["kernel"].detach() == pytest.approx(0.95)  # 1 - 0.5 * 0.1
    assert model["bias"].tolist() == [1.0, 1.0]
    assert model["logit_scale"].item() == 1.0


def test_after_step_has_the_last_word(tmp_path: Path) -> None:
    model = toy_model()

    def clamp() -> None:
        with torch.no_grad():
            model[0].weight.clamp_(-0.01, 0.01)

    toy_fit(model, tmp_path, QUICK, after_step=clamp)
    assert model[0].weight.abs().max() <= 0.01


def test_bf16_keeps_the_weights_in_fp32_and_learns(tmp_path: Path) -> None:
    seen = []
    model = toy_model(noise=0.0)
    model[4].register_forward_hook(lambda module, given, out: seen.append(out.dtype))
    config = replace(QUICK, steps=100, learning_rate=0.03, precision="bf16")
    result = toy_fit(model, tmp_path, config)
    assert set(seen) == {torch.bfloat16}
    assert {value.dtype for value in model.parameters()} == {torch.float32}
    assert result.loss < read_log(tmp_path)[0]["loss"] / 3


def test_the_log_has_a_row_an_update(tmp_path: Path) -> None:
    toy_fit(toy_model(), tmp_path, QUICK)
    rows = read_log(tmp_path)
    assert (tmp_path / "log.csv").read_text().splitlines()[0] == ",".join(FIELDS)
    assert [row["step"] for row in rows] == [1, 2, 3, 4, 5, 6]
    assert rows[0]["learning_rate"] == pytest.approx(5e-4)  # half way up a warm-up of two
    assert all(math.isfinite(row["loss"]) and row["grad_norm"] > 0 for row in rows)


def test_a_loss_that_is_not_finite_is_named_with_its_step(tmp_path: Path) -> None:
    def batches(first: int):
        for number, (x, y) in enumerate(toy_batches()(first), start=first):
            yield x * (math.nan if number == 3 else 1.0), y

    with pytest.raises(EarShotError, match=r"loss of nan at update 4.*learning_rate"):
        toy_fit(toy_model(), tmp_path, replace(QUICK, checkpoint_every=1), batches=batches)
    assert checkpoints(tmp_path / CHECKPOINTS)[-1].name == "step-00000003"


def test_a_fault_in_the_loss_is_told_with_its_step(tmp_path: Path) -> None:
    model = nn.Linear(4, 4)

    def loss_of(batch: tuple[torch.Tensor, torch.Tensor]) -> torch.Tensor:
        rows = torch.nn.functional.normalize(model(batch[0]), dim=1)
        return InfoNCE()(rows, rows / (batch[0].sum() * 0), torch.tensor(1.0))  # 0 / 0

    with pytest.raises(EarShotError, match=r"infinite values at update 1;"):
        fit(model, loss_of, toy_batches(), QUICK, tmp_path)


def test_batches_that_end_are_named(tmp_path: Path) -> None:
    def two(first: int):
        source = toy_batches()(first)
        yield next(source)
        yield next(source)

    with pytest.raises(EarShotError, match="no batch for update 3 of 6"):
        toy_fit(toy_model(), tmp_path, QUICK, batches=two)


def test_a_used_folder_is_refused(tmp_path: Path) -> None:
    toy_fit(toy_model(), tmp_path, QUICK)
    with pytest.raises(EarShotError, match="--resume"):
        toy_fit(toy_model(), tmp_path, QUICK)


def test_other_settings_are_refused_on_resume(tmp_path: Path) -> None:
    toy_fit(toy_model(), tmp_path, QUICK)
    with pytest.raises(EarShotError, match=r"learning_rate=0\.001 there and 0\.1 here"):
        toy_fit(toy_model(), tmp_path, replace(QUICK, learning_rate=0.1), resume=True)


def test_another_model_is_refused_on_resume(tmp_path: Path) -> None:
    toy_fit(toy_model(), tmp_path, QUICK)
    with pytest.raises(EarShotError, match="cannot be restored"):
        toy_fit(nn.Sequential(nn.Linear(4, 1)), tmp_path, QUICK, resume=True)


def test_a_damaged_checkpoint_is_named(tmp_path: Path) -> None:
    toy_fit(toy_model(), tmp_path, QUICK)
    newest = checkpoints(tmp_path / CHECKPOINTS)[-1]
    (newest / "model.safetensors").write_bytes(b"cut")
    with pytest.raises(EarShotError, match=r"step-00000006, which cannot be restored"):
        toy_fit(toy_model(), tmp_path, QUICK, resume=True)


def test_another_number_of_processes_is_refused_on_resume(tmp_path: Path) -> None:
    toy_fit(toy_model(), tmp_path, QUICK)
    (checkpoints(tmp_path / CHECKPOINTS)[-1] / "random_states_1.pkl").write_bytes(b"")
    with pytest.raises(EarShotError, match="torchrun --nproc-per-node 2"):
        toy_fit(toy_model(), tmp_path, QUICK, resume=True)


def test_a_full_disk_keeps_the_checkpoints_before_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = replace(KILLED, steps=10)
    save = Accelerator.save_state

    def full(accelerator: Accelerator, folder: str) -> None:
        if folder.endswith("10"):
            (Path(folder) / "model.safetensors").write_bytes(b"half")
            raise OSError(errno.ENOSPC, "No space left on device")
        save(accelerator, folder)

    monkeypatch.setattr(Accelerator, "save_state", full)
    with pytest.raises(EarShotError, match=r"No space left.*--resume"):
        toy_fit(toy_model(), tmp_path, config)
    folder = tmp_path / CHECKPOINTS
    assert [path.name for path in folder.iterdir()] == ["step-00000005"]
    monkeypatch.setattr(Accelerator, "save_state", save)
    assert toy_fit(toy_model(), tmp_path, config, resume=True).steps == 10


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("steps", 0),
        ("accumulate", 0),
        ("learning_rate", 0.0),
        ("learning_rate", math.nan),
        ("clip_norm", 0.0),
        ("ema_decay", 1.0),
        ("weight_decay", -0.1),
        ("warmup_steps", -1),
    ],
)
def test_impossible_settings_are_refused(field: str, value: float) -> None:
    with pytest.raises(EarShotError, match=f"fit.{field}"):
        FitConfig(**{field: value})


def test_parts_of_a_loss_are_logged_and_move_nothing(tmp_path: Path) -> None:
    model = nn.Linear(2, 1)

    def loss_of(batch: torch.Tensor) -> dict[str, torch.Tensor]:
        loss = model(batch).square().mean()
        return {"loss": loss, "twice": 2 * loss, "weight": model.weight[0, 0]}

    def batches(first: int):
        return iter(lambda: torch.ones(4, 2), None)

    config = replace(QUICK, steps=4)
    fit(model, loss_of, batches, config, tmp_path)
    rows = read_log(tmp_path)
    assert [row["twice"] for row in rows] == pytest.approx([2 * row["loss"] for row in rows], 1e-4)
    assert list(rows[0]) == [*FIELDS, "twice", "weight"]


def test_parts_that_come_later_are_columns_too(tmp_path: Path) -> None:
    log = RunLog(tmp_path, step=0, steps=2, every=1, quiet=False)
    log.note(1, 0.5, 0.1, 1.0, 0.0)
    log.note(2, 0.4, 0.1, 1.0, 0.0, {"perplexity": 7.5})
    log.close()
    first, second = read_log(tmp_path)
    assert math.isnan(first["perplexity"])
    assert (second["loss"], second["perplexity"]) == (0.4, 7.5)


def test_a_model_that_is_its_own_loss_is_saved_once(tmp_path: Path) -> None:
    class Own(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.map = nn.Linear(2, 1)

        def forward(self, batch: torch.Tensor) -> torch.Tensor:
            return self.map(batch).square().mean()

    model = Own()
    fit(model, model, lambda first: iter(lambda: torch.ones(4, 2), None), QUICK, tmp_path)
    [last] = checkpoints(tmp_path / CHECKPOINTS)
    stored = load_file(last / "model.safetensors")
    assert sorted(stored) == ["model.map.bias", "model.map.weight"]
