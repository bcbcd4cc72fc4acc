"""One training step of a published size: seconds and peak memory.

python scripts/published_step.py ssast                  # a clip of the model's window
python scripts/published_step.py w2v_bert --seconds 4   # a shorter one

Forward, backward and an AdamW update of `Config.paper()` on noise, in one process of its own so
that the peak is that of this step alone. beats: the step of an encoder, not of its tokenizer.
"""

from __future__ import annotations

import argparse
import math
import resource
import time
from collections.abc import Callable

import torch
from torch import Tensor, nn

from earshot.core.seed import seed_all
from earshot.models.sound_encoder import SoundEncoder
from earshot.recipes import find_recipe

Step = Callable[[Tensor, Tensor], dict[str, Tensor]]  # of waveform and n_samples


def ssast() -> tuple[SoundEncoder, nn.Module, Step]:
    """Both tasks, each with a pass of its own."""
    recipe = find_recipe("ssast")
    model = recipe.build(recipe.Config.paper())
    task = recipe.build_pretraining(recipe.Config.paper(), model)
    return model, task, lambda *heard: task(*model.frames(*heard))


def beats() -> tuple[SoundEncoder, nn.Module, Step]:
    """The labels of a random projection, told by the first encoder."""
    from earshot.layers.random_projection import RandomProjection
    from earshot.models.pretraining.masked_labels import MaskedLabels
    from earshot.training.patch_labels import first_codes

    recipe = find_recipe("beats")
    config = recipe.Config.paper()
    model = recipe.build(config)
    heads = MaskedLabels(model.audio_encoder, config.masking, config.codebook.n_codes)
    codes = first_codes(RandomProjection(config.first), model)
    return (
        model,
        heads,
        lambda *heard: heads(*model.frames(*heard), lambda *given: codes(*given)[0]),
    )


def w2v_bert() -> tuple[SoundEncoder, nn.Module, Step]:
    """Contrast and masked prediction."""
    recipe = find_recipe("w2v_bert")
    model = recipe.build(recipe.Config.paper())
    task = recipe.build_pretraining(recipe.Config.paper(), model)
    return model, task, lambda *heard: task(*model.frames(*heard))


def ssl_speech_review() -> tuple[SoundEncoder, nn.Module, Step]:
    """TERA: hidden spans drawn anew."""
    from earshot.models.pretraining.zoo import build_objective

    recipe = find_recipe("ssl_speech_review")
    config = recipe.Config.paper()
    model = recipe.build(config)
    task = build_objective(config.objective, model.audio_encoder, config.zoo)
    return model, task, lambda *heard: task(*model.frames(*heard))


def autotcl() -> tuple[SoundEncoder, nn.Module, Step]:
    """The encoder's turn; the augmentation makes its view without a gradient."""
    from earshot.models.pretraining.learned_views import LearnedViews

    recipe = find_recipe("autotcl")
    config = recipe.Config.paper()
    model = recipe.build(config)
    task = LearnedViews(model.audio_encoder, config.views)
    return model, task, lambda *heard: task(*model.frames(*heard), turn="encoder")


RECIPES = {each.__name__: each for each in (ssast, beats, w2v_bert, ssl_speech_review, autotcl)}


def main() -> None:
    """Take the step and say what it cost."""
    ask = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ask.add_argument("recipe", choices=RECIPES)
    ask.add_argument("--batch-size", type=int, default=1, help="clips; autotcl needs two")
    ask.add_argument("--seconds", type=float, help="of each clip; the model's window by default")
    asked = ask.parse_args()
    seed_all(0)
    model, task, loss_of = RECIPES[asked.recipe]()
    task.train()
    seconds = min(asked.seconds or model.window_s, model.window_s)
    waveform = 0.1 * torch.randn(asked.batch_size, math.floor(seconds * model.sample_rate))
    n_samples = torch.full((asked.batch_size,), waveform.shape[1])
    optimizer = torch.optim.AdamW([each for each in task.parameters() if each.requires_grad])
    before, cpu = time.perf_counter(), time.process_time()
    loss = loss_of(waveform, n_samples)["loss"]
    loss.backward()
    optimizer.step()
    took, cpu = time.perf_counter() - before, time.process_time() - cpu
    nats = loss.item()
    if not math.isfinite(nats):
        raise SystemExit(f"{asked.recipe}: a loss of {nats}")
    n_parameters = sum(each.numel() for each in task.parameters())
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20  # GiB; KiB on Linux
    print(
        f"{asked.recipe}: {n_parameters / 1e6:.1f} M parameters, {asked.batch_size} clips of "
        f"{seconds:.2f} s, loss {nats:.3f}, {took:.1f} s ({cpu:.1f} CPU s, "
        f"{torch.get_num_threads()} threads), peak {peak:.2f} GiB"
    )


if __name__ == "__main__":
    main()
