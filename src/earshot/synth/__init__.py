"""Procedural sounds, scenes, tunes and speech with exact captions and event lists."""

from earshot.synth.dataset import write_dataset
from earshot.synth.kind import AXES, SoundKind
from earshot.synth.pairs import TwinPair, attribute_pairs, order_pairs
from earshot.synth.records import SoundsConfig, SpeechConfig
from earshot.synth.render import render_sound
from earshot.synth.scene_config import SceneConfig, hold_out
from earshot.synth.scenes import Event, Scene, make_scene, make_scenes
from earshot.synth.sounds import SOUNDS
from earshot.synth.speech import VOICES, speak
from earshot.synth.tunes import Tune, TuneConfig, tune, tunes
from earshot.synth.utterances import Utterance, utterance

__all__ = [
    "AXES",
    "SOUNDS",
    "VOICES",
    "Event",
    "Scene",
    "SceneConfig",
    "SoundKind",
    "SoundsConfig",
    "SpeechConfig",
    "Tune",
    "TuneConfig",
    "TwinPair",
    "Utterance",
    "attribute_pairs",
    "hold_out",
    "make_scene",
    "make_scenes",
    "order_pairs",
    "render_sound",
    "speak",
    "tune",
    "tunes",
    "utterance",
    "write_dataset",
]
