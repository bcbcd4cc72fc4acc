"""The routes of an adaptation: which training follows which, each one done once."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from earshot.models.pretraining.wav2vec2 import Wav2Vec2Pretraining
from earshot.models.recognizer import Recognizer
from earshot.training.adaptation import (
    fine_tune,
    fits,
    pretrain,
    recognition_figures,
    replay_shares,
    task_figures,
    union_vocabulary,
)
from earshot.training.adaptation_material import Languages, first_minutes, part_off
from earshot.training.fit import FitConfig
from earshot.training.recipe_run import RecipeRun
from earshot.training.spoken_batches import Spoken


@dataclass(frozen=True)
class Route:
    """A way from the base model to the language; what routes share is trained once."""

    name: str  # of its figures and folders
    continued: str = ""  # the language whose audio pre-training goes on with; "" where it does not
    auxiliary: str = ""  # a language whose labels are added
    from_scratch: bool = False  # pre-trained on `continued` alone, as long as both; or not at all
    longer: bool = False  # fine-tuned as many updates longer as pre-training would have gone on
    minutes: tuple[float, ...] = ()  # of labels; those of the config where empty


class Stages:
    """The trainings of a run, each done once: what routes share is kept by name."""

    def __init__(
        self,
        this: RecipeRun,
        material: Languages,
        task: Wav2Vec2Pretraining,
        build: Callable[[Any], Recognizer],
    ) -> None:
        config = this.config
        self.this, self.config, self.material, self.task = this, config, material, task
        self.build = build
        base = config.base_languages or tuple(n for n in material.train if n != config.target)
        self.known, self.slice = part_off(material.audio(base), config.seed)
        used = dict.fromkeys([config.target, *(r.auxiliary for r in config.routes if r.auxiliary)])
        self.labelled = {name: material.labelled(name) for name in used}
        texts = [each.text for spoken in self.labelled.values() for each in spoken]
        self.vocabulary = union_vocabulary(texts, config.kind, config.n_symbols)
        self.figures: dict[str, float] = {}
        self.weights = {"nothing": copy.deepcopy(task.state_dict())}

    def learn(
        self,
        stage: str,
        spoken: list[Spoken],
        settings: FitConfig,
        shares: Mapping[str, float] | None = None,
    ) -> None:
        """Pre-train from the weights that the task has."""
        size, alpha = self.config.batch_size, self.config.alpha
        pretrain(
            self.this, self.task, spoken, settings,
            stage=stage, batch_size=size, alpha=alpha, shares=shares,
        )  # fmt: skip

    def keep(self, name: str, stage: str) -> None:
        """Remember the task's weights, and measure it on the target and on what it began with."""
        self.weights[name] = copy.deepcopy(self.task.state_dict())
        for where, spoken in {"target": self.material.test, "base": self.slice}.items():
            if spoken:
                found = task_figures(self.task, spoken, self.config.seed)
                told = {f"told_{where}_{stage}": found["accuracy"]}
                self.figures |= {**told, f"codes_{where}_{stage}": found["perplexity"]}

    def start(self, route: Route) -> Mapping[str, Tensor]:
        """The task's weights that a route fine-tunes from, trained where they are not yet."""
        config, language = self.config, route.continued
        if route.from_scratch and not language:
            return self.weights["nothing"]
        name = f"alone_{language}" if route.from_scratch else language
        if name not in self.weights:
            self.task.load_state_dict(self.weights["nothing" if route.from_scratch else ""])
            self.task.restart(None if route.from_scratch else config.continued_temperature)
            audio, settings, shares = self.material.audio([language]), config.continued_fit, None
            if route.from_scratch:
                settings = replace(settings, steps=settings.steps + config.base_fit.steps)
            elif config.replay:
                shares = replay_shares(config.replay, language, self.known)
                audio = [*audio, *(each for each in self.known if each.language != language)]
            stage = name if route.from_scratch else f"continued_{language}"
            self.learn(stage, audio, settings, shares)
            self.keep(name, stage)
        return self.weights[name]

    def tune(self, route: Route, minutes: float) -> tuple[Recognizer, dict[str, float]]:
        """The recogniser of a route with so many minutes of labels, and its figures."""
        config = self.config
        self.task.load_state_dict(self.start(route))
        torch.manual_seed(config.seed)  # the same map to symbols to begin with, in all routes
        model = self.build(config)
        model.audio_encoder.load_state_dict(self.task.encoder.state_dict())
        own = self.labelled[config.target]
        own = first_minutes(own, minutes, config.seed) if minutes else own
        added = self.labelled[route.auxiliary] if route.auxiliary else []
        settings = config.fine_tune_fit
        if route.longer:
            settings = replace(settings, steps=settings.steps + config.continued_fit.steps)
        spoken = fits(model, self.vocabulary, [*own, *added])
        fine_tune(
            self.this, model, spoken, self.vocabulary, settings,
            stage=f"{route.name}_{minutes:g}", batch_size=config.batch_size, frozen=config.frozen,
            alpha=config.alpha,
        )  # fmt: skip
        found = recognition_figures(model, self.vocabulary, self.material.test)
        self.figures |= {f"{name}_{route.name}_{minutes:g}": value for name, value in found.items()}
        return model, found
