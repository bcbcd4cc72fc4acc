"""Train earshot-small: one command, `make weights`; a killed run goes on when it is run again.

1. Every sound becomes log-mels in memory; every procedural kind is rendered.
2. One fold of ESC-10 and a quarter of the instruments are set aside.
3. Ears: the audio tower alone learns an anchor for every concept, on between-class mixes.
4. The text tower is distilled from a sentence encoder over captions, class names and phrasings.
5. Reading: it is drawn to the ears' anchors, and learns which concept a caption puts first.
6. Hearing: what follows the convolutions learns the same of scenes, with the text tower at rest.
7. The whole audio tower goes on. What was set aside is named and searched by free text: the
   estimate, in results/.
8. Stage 7 again, from where 6 ended, with everything: the model that ships.

Weights are averaged along the way. `--only-estimate` stops after 7; `--fold` sets another aside.
"""

from __future__ import annotations

import argparse
import copy
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch

from banks import LONG, SHORT, bank_of, drawn, mixes_of, names_of
from build import CONFIG
from corpus import corpus
from distil import Lessons, Student, distilled, lessons, teacher_words
from earshot.core.seed import seed_all
from earshot.models.two_tower import TwoTower
from earshot.recipes.clap import build
from earshot.text.tokenizer import BpeTokenizer
from earshot.training.fit import FitConfig, fit
from judge import judge
from lesson import Ears, Hearing, Reading, page_of
from mixing import Mixer
from scenery import scenery
from ship import REPOSITORY, VOCABULARY, Clock, ship, write_estimate
from sounds import Sound, procedural_sounds, real_sounds
from store import kept

Learner = Ears | Reading | Hearing


@dataclass(frozen=True)
class Plan:
    """The numbers of a whole run."""

    ears_steps: int = 1_200
    text_steps: int = 1_200
    reading_steps: int = 600
    bank_rounds: tuple[int, int] = (160, 60)  # of 5 s and of 10 s
    hearing_steps: int = 1_500  # after the convolutions alone
    more_steps: int = 340  # the convolutions too
    seed: int = 0

    def stage(self, steps: int, learning_rate: float) -> FitConfig:
        """What all stages share beside their length and rate."""
        return FitConfig(
            steps=steps, learning_rate=learning_rate, warmup_steps=100, betas=(0.9, 0.98),
            weight_decay=0.05, precision="bf16", clip_norm=5.0,
            ema_decay=0.995, seed=self.seed, checkpoint_every=100,
        )  # fmt: skip


def set_aside(sound: Sound, fold: int) -> bool:
    """Whether this sound is kept for the estimate: one fold of ESC-10, one quarter."""
    if sound.origin == "esc10":
        return sound.fold == fold
    return sound.origin == "instruments" and sound.quarter() == fold - 1


def taught_by(
    learner: Learner, step_of: Callable[[int], object], config: FitConfig, out: Path
) -> None:
    """Train `learner` in place on its numbered steps; a killed run goes on."""

    def batches(start: int) -> Iterator[object]:
        return map(step_of, itertools.count(start))

    resume = (out / "checkpoints").is_dir()
    fit(learner, learner.loss, batches, config, out, resume=resume)


def first_part(plan: Plan, mixer: Mixer, taught: Lessons, work: Path) -> tuple[TwoTower, Reading]:
    """The ears alone; the text tower distilled, then drawn to them; then hearing what was read."""
    model, seed = build(CONFIG), plan.seed
    ears = Ears(model, len(mixer.concepts))
    taught_by(
        ears, partial(mixes_of, mixer, seed), plan.stage(plan.ears_steps, 2e-3), work / "ears"
    )
    student = Student(model.text_encoder, model.tokenizer)
    distilled(student, taught, plan.text_steps, seed, work.parent / "text")
    reading = Reading(model, student, ears.concept)
    pages = partial(page_of, mixer, taught, seed)
    taught_by(reading, pages, plan.stage(plan.reading_steps, 1e-3), work / "reading")
    model.eval()
    names = names_of(mixer, model, seed)
    banks = kept(
        work / "banks.pt",
        lambda: [
            bank_of(mixer, model, seed, n, frames)
            for n, frames in zip(plan.bank_rounds, (SHORT, LONG), strict=True)
        ],
    )
    hearing = Hearing(model, reading, names, alone=True)
    taught_by(
        hearing, lambda number: banks[number % 4 == 3].step(seed, number),
        plan.stage(plan.hearing_steps, 1.5e-3), work / "hearing",
    )  # fmt: skip
    return model, reading


def go_on(plan: Plan, mixer: Mixer, model: TwoTower, reading: Reading, out: Path) -> None:
    """The whole audio tower, with the text tower at rest."""
    model.eval()
    hearing = Hearing(model, reading, names_of(mixer, model, plan.seed), alone=False)
    steps = partial(drawn, mixer, model, plan.seed + 1)
    taught_by(hearing, steps, plan.stage(plan.more_steps, 5e-4), out)


def main() -> None:
    """Read the options, do what is not yet done, say what came of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=REPOSITORY / "../shared/data")
    parser.add_argument("--work", type=Path, default=REPOSITORY / "runs/weights")
    parser.add_argument("--fold", type=int, default=4, choices=(1, 2, 3, 4))
    parser.add_argument("--only-estimate", action="store_true")
    options = parser.parse_args()
    plan, work, clock = Plan(), options.work, Clock(options.work / "minutes.json")
    seed_all(plan.seed)
    real = kept(work / "real.pt", lambda: list(real_sounds(options.data)))
    made = kept(work / "made.pt", lambda: list(procedural_sounds(plan.seed)))
    scenes = kept(work / "scenes.pt", lambda: list(scenery(plan.seed)))
    taught = kept(
        work / "lessons.pt", lambda: lessons(corpus(options.data, teacher_words(), plan.seed))
    )
    if not VOCABULARY.is_file():
        BpeTokenizer.train(taught.texts, vocab_size=8_192).save(VOCABULARY)
    aside = [sound for sound in real if set_aside(sound, options.fold)]
    part = Mixer([s for s in [*real, *made] if not set_aside(s, options.fold)], scenes)
    folder = work / f"fold-{options.fold}"
    model, reading = first_part(plan, part, taught, folder)
    before = copy.deepcopy(model.state_dict())
    go_on(plan, part, model, reading, folder / "part")
    clock.note(f"without fold {options.fold}")
    torch.save(model.state_dict(), work / "part.pt")  # the captioner is chosen and tested by it
    estimate = judge(model, aside)
    write_estimate(options.fold, estimate, clock.minutes())
    if options.only_estimate:
        return
    model.load_state_dict(before)
    go_on(plan, Mixer([*real, *made], scenes), model, reading, folder / "everything")
    clock.note("with everything")
    ship(model, estimate, clock.minutes())


if __name__ == "__main__":
    main()
