"""Procedural sounds, scenes, tunes and speech with exact captions and event lists."""

from earshot.synth.kind import AXES, SoundKind
from earshot.synth.pairs import TwinPair, attribute_pairs, order_pairs
from earshot.synth.render import render_sound
from earshot.synth.scene_config import SceneConfig, hold_out
from earshot.synth.scenes import Event, Scene, make_scene, make_scenes
from earshot.synth.sounds import SOUNDS

__all__ = [
    "AXES",
    "SOUNDS",
    "Event",
    "Scene",
    "SceneConfig",
    "SoundKind",
    "TwinPair",
    "attribute_pairs",
    "hold_out",
    "make_scene",
    "make_scenes",
    "order_pairs",
    "render_sound",
]
