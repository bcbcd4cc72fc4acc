"""The one training loop: accelerate for devices and processes, a closure for the loss."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from accelerate import Accelerator, DistributedDataParallelKwargs
from accelerate.utils import GradientAccumulationPlugin, send_to_device
from torch import Tensor, nn
from torch.optim.lr_scheduler import LambdaLR

from earshot.core.config import to_dict
from earshot.core.errors import EarShotError
from earshot.core.files import remove_parts
from earshot.core.lock import one_writer
from earshot.core.seed import seed_all
from earshot.training.averaging import copy_average, running_average
from earshot.training.processes import on_cpu
from earshot.training.run_log import RunLog
from earshot.training.run_state import (
    Progress,
    checkpoints,
    load_newest,
    save_state,
)
from earshot.training.schedules import Schedule, learning_rate_factor

CHECKPOINTS, LOCK = "checkpoints", ".writer.lock"
# A batch -> its mean loss, or a dict with it as "loss" and figures to log beside it; None: leave
# that batch out.
LossOf = Callable[[Any], "Tensor | dict[str, Tensor] | None"]


@dataclass(frozen=True)
class FitConfig:
    """How a model is fitted: AdamW under a schedule."""

    steps: int = 600  # updates of the weights
    learning_rate: float = 1e-3  # the peak
    warmup_steps: int = 50
    schedule: Schedule = "cosine"
    betas: tuple[float, float] = (0.9, 0.999)
    weight_decay: float = 0.0  # never on norms, biases and scalars such as logit_scale
    precision: Literal["fp32", "bf16"] = "fp32"  # bf16: autocast, weights stay fp32
    accumulate: int = 1  # batches per update
    clip_norm: float | None = None  # of all gradients together
    ema_decay: float | None = None  # the model ends with averaged weights when set
    checkpoint_every: int = 200  # updates
    log_every: int = 10  # updates
    seed: int = 0  # of dropout and other noise; a recipe adds its own

    def __post_init__(self) -> None:
        least = {"steps": 1, "accumulate": 1, "checkpoint_every": 1, "log_every": 1}
        for name, low in {**least, "warmup_steps": 0}.items():
            if getattr(self, name) < low:
                raise _impossible(name, getattr(self, name), f"at least {low}")
        if not 0 < self.learning_rate < math.inf:
            raise _impossible("learning_rate", self.learning_rate, "above 0")
        if self.weight_decay < 0:
            raise _impossible("weight_decay", self.weight_decay, "0 or above")
        if self.clip_norm is not None and self.clip_norm <= 0:
            raise _impossible("clip_norm", self.clip_norm, "above 0, or none")
        if self.ema_decay is not None and not 0 < self.ema_decay < 1:
            raise _impossible("ema_decay", self.ema_decay, "between 0 and 1, or none")


@dataclass(frozen=True)
class FitResult:
    """What a fit did; `elapsed_s` and `audio_s` count since it was last resumed."""

    steps: int
    loss: float  # of the last update
    elapsed_s: float
    audio_s: float  # seconds of sound that passed the model


class _Step(nn.Module):
    """Model and loss as one module, so that data parallelism sees every gradient."""

    def __init__(self, model: nn.Module, loss_of: LossOf, precision: str) -> None:
        super().__init__()
        self.model, self.bf16 = model, precision == "bf16"
        # a model that is its own loss is one module all the same: called, not held a second time
        self.loss_of = loss_of.__call__ if isinstance(loss_of, nn.Module) else loss_of

    def forward(self, batch: Any) -> dict[str, Tensor] | None:
        device = next(self.model.parameters()).device.type
        # accelerate keeps one precision per process; a claim's arms may want several
        with torch.autocast(device, dtype=torch.bfloat16, enabled=self.bf16):
            found = self.loss_of(batch)
        if found is None:
            return None
        figures = found if isinstance(found, dict) else {"loss": found}
        logged = {name: value.detach().float() for name, value in figures.items()}
        return {**logged, "loss": figures["loss"].float()}


def fit(
    model: nn.Module,
    loss_of: LossOf,
    batches: Callable[[int], Iterator[Any]],
    config: FitConfig,
    out: Path,
    *,
    resume: bool = False,
    after_step: Callable[[], None] | None = None,
) -> FitResult:
    """Train `model` in place for `config.steps` updates and leave checkpoints and log in `out`.

    `loss_of(batch)` gives the mean loss of a batch through `model`, or a dict with it as "loss",
    whose other scalars are logged beside it; or None, in every process alike, to learn nothing from
    that batch: an update without any loss moves nothing. `batches(n)` iterates
    over batches from the n-th on and must give the same ones whenever it is asked: a run that was
    killed and resumed ends with the same weights, bit for bit on one machine. With several
    processes (`torchrun`) it gives each its own rows of every batch, as a BatchLoader told rank and
    world does; gradients are averaged over processes. `after_step` runs after each update, to clamp
    what must stay in bounds.

    A loss that is not finite, a run folder that is used or being written, a checkpoint of another
    config or of more than data, and a full disk end with EarShotError.
    """
    accelerator = _accelerator(config)
    alone = one_writer(out, LOCK) if accelerator.is_main_process else nullcontext()
    try:
        with alone:
            return _fit(accelerator, model, loss_of, batches, config, out, resume, after_step)
    except OSError as fault:
        raise EarShotError(
            got=f"{out}, which cannot be written ({fault.strerror or fault})",
            expected="a folder with room for checkpoints and logs",
            mend="Make room, then go on from the last whole checkpoint with --resume.",
        ) from fault


def _fit(
    accelerator: Accelerator,
    model: nn.Module,
    loss_of: LossOf,
    batches: Callable[[int], Iterator[Any]],
    config: FitConfig,
    out: Path,
    resume: bool,
    after_step: Callable[[], None] | None,
) -> FitResult:
    """As `fit`, with `out` held."""
    _refuse_used(out, resume)
    if accelerator.is_main_process:
        remove_parts(out)
        remove_parts(out / CHECKPOINTS)
    seed_all(config.seed + accelerator.process_index)
    model.train()
    optimizer = torch.optim.AdamW(
        _groups(model, config.weight_decay), lr=config.learning_rate, betas=config.betas
    )
    step, optimizer = accelerator.prepare(_Step(model, loss_of, config.precision), optimizer)
    schedule = LambdaLR(optimizer.optimizer, lambda update: _factor(update, config))
    average = None if config.ema_decay is None else running_average(model, config.ema_decay)
    progress = Progress(config=to_dict(config))
    accelerator.register_for_checkpointing(
        *(part for part in (progress, schedule, average) if part is not None)
    )
    if resume:
        _go_on(accelerator, out / CHECKPOINTS, progress, config)
    log = RunLog(
        out,
        step=progress.step,
        steps=config.steps,
        every=config.log_every,
        quiet=not accelerator.is_main_process,
    )
    began = time.monotonic()
    source = batches(progress.step * config.accumulate)
    try:
        while progress.step < config.steps:
            rate = schedule.get_last_lr()[0]
            update = _update(accelerator, step, optimizer, source, config, progress.step)
            schedule.step()
            if after_step is not None:
                after_step()
            if average is not None:
                average.update_parameters(model)
            progress.step += 1
            if not math.isnan(update.loss):
                progress.loss = update.loss
            log.note(
                progress.step, progress.loss, rate, update.grad_norm, update.audio_s, update.parts
            )
            if progress.step % config.checkpoint_every == 0 or progress.step == config.steps:
                save_state(accelerator, out / CHECKPOINTS, progress.step)
    finally:
        log.close()
        if hasattr(source, "close"):
            source.close()  # ends the threads of a loader
    if average is not None:
        copy_average(average, model)
    return FitResult(
        steps=progress.step,
        loss=progress.loss,
        elapsed_s=time.monotonic() - began,
        audio_s=log.audio_s,
    )


@dataclass(frozen=True)
class _Update:
    """What one update of the weights came from."""

    loss: float  # mean over its batches; NaN where all of them were left out
    grad_norm: float  # before clipping
    audio_s: float
    parts: dict[str, float]  # what else the loss said, of the last batch


def _update(
    accelerator: Accelerator,
    step: nn.Module,
    optimizer: Any,
    source: Iterator[Any],
    config: FitConfig,
    done: int,
) -> _Update:
    """Move the weights once, by the gradient of `config.accumulate` batches; `done` were before."""
    losses, audio_s, norm, parts = [], 0.0, float("nan"), {}
    for _ in range(config.accumulate):
        batch = next(source, None)
        if batch is None:
            raise EarShotError(
                got=f"no batch for update {done + 1} of {config.steps}",
                expected="batches without end",
                mend="Give fit an iterator that goes over the clips again and again.",
            )
        audio_s += _seconds(batch, accelerator.unwrap_model(step).model) * accelerator.num_processes
        with accelerator.accumulate(step):
            figures = _loss(step, send_to_device(batch, accelerator.device), done)
            if figures is not None:
                loss = figures.pop("loss")
                parts = {name: float(value) for name, value in figures.items()}
                losses.append(_finite(accelerator.reduce(loss.detach(), "mean"), "a loss", done))
                accelerator.backward(loss)
            elif config.accumulate > 1 and accelerator.num_processes > 1:
                raise _impossible("accumulate", config.accumulate, "1 where batches are left out")
            if not losses:
                continue
            if accelerator.sync_gradients:
                limit = math.inf if config.clip_norm is None else config.clip_norm
                norm = _finite(
                    accelerator.clip_grad_norm_(step.parameters(), limit), "a gradient", done
                )
            optimizer.step()
            optimizer.zero_grad()
    mean = sum(losses) / len(losses) if losses else float("nan")
    return _Update(mean, norm, audio_s, parts)


def _loss(step: nn.Module, batch: Any, done: int) -> dict[str, Tensor] | None:
    """The loss of a batch; a fault that it meets is told with the update it was met in."""
    try:
        return step(batch)
    except EarShotError as fault:
        raise EarShotError(
            got=f"{fault.got} at update {done + 1}", expected=fault.expected, mend=fault.mend
        ) from fault


def _accelerator(config: FitConfig) -> Accelerator:
    return Accelerator(
        cpu=on_cpu(),
        step_scheduler_with_optimizer=False,
        gradient_accumulation_plugin=GradientAccumulationPlugin(
            num_steps=config.accumulate, sync_with_dataloader=False
        ),
        # a part may be idle in a step: fusion when no clip of the batch is long
        kwargs_handlers=[DistributedDataParallelKwargs(find_unused_parameters=True)],
    )


def _refuse_used(out: Path, resume: bool) -> None:
    if not resume and checkpoints(out / CHECKPOINTS):
        raise EarShotError(
            got=f"{out}, which holds a run already",
            expected="a new folder, or --resume",
            mend="Pass --resume to go on with that run, or another --out.",
        )


def _factor(update: int, config: FitConfig) -> float:
    return learning_rate_factor(
        update,
        steps=config.steps,
        warmup_steps=config.warmup_steps,
        schedule=config.schedule,
    )


def _finite(value: Tensor, what: str, done: int) -> float:
    number = float(value)
    if not math.isfinite(number):
        raise EarShotError(
            got=f"{what} of {number} at update {done + 1}",
            expected="a finite number",
            mend="Lower fit.learning_rate or raise fit.warmup_steps, and check the clips of that "
            "batch with `earshot data check`; checkpoints from before it are whole.",
        )
    return number


def _groups(model: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """Parameters to decay (matrices and kernels), and those never to (norms, biases, scalars)."""
    wanted = [value for value in model.parameters() if value.requires_grad]
    decayed = [value for value in wanted if value.ndim > 1]
    others = [value for value in wanted if value.ndim <= 1]
    groups = [(decayed, weight_decay), (others, 0.0)]
    return [{"params": each, "weight_decay": decay} for each, decay in groups if each]


def _seconds(batch: Any, model: nn.Module) -> float:
    """Seconds of sound in a batch, 0 where it does not say."""
    n_samples, rate = getattr(batch, "n_samples", None), getattr(model, "sample_rate", None)
    return float(n_samples.sum()) / rate if n_samples is not None and rate else 0.0


def _go_on(accelerator: Accelerator, folder: Path, progress: Progress, config: FitConfig) -> None:
    """Restore the newest checkpoint; other numbers would be neither the old run nor a new one."""
    load_newest(accelerator, folder)
    free = {"checkpoint_every", "log_every"}
    other = [
        f"{name}={progress.config.get(name)!r} there and {value!r} here"
        for name, value in to_dict(config).items()
        if name not in free and progress.config.get(name) != value
    ]
    if other:
        raise EarShotError(
            got=f"a run begun with other settings: {', '.join(other)}",
            expected="the settings it began with",
            mend="Leave --set out to resume with those, or start in another --out.",
        )


def _impossible(name: str, value: Any, expected: str) -> EarShotError:
    return EarShotError(
        got=f"fit.{name}={value}", expected=expected, mend=f"Set fit.{name} accordingly."
    )
