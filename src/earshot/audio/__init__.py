"""The one door for sound: file, bytes or array to mono float32, and back."""

from earshot.audio.errors import AudioError
from earshot.audio.find import AUDIO_SUFFIXES, find_audio
from earshot.audio.read import probe_audio, read_audio
from earshot.audio.resample import resample
from earshot.audio.sound import Audio, AudioInfo, Window
from earshot.audio.windows import stream_windows
from earshot.audio.write import write_audio

__all__ = [
    "AUDIO_SUFFIXES",
    "Audio",
    "AudioError",
    "AudioInfo",
    "Window",
    "find_audio",
    "probe_audio",
    "read_audio",
    "resample",
    "stream_windows",
    "write_audio",
]
