"""A score played by fluidsynth and a General MIDI soundfont, where both are installed."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import soundfile

from earshot.core.errors import EarShotError
from earshot.synth.midi import to_midi
from earshot.synth.scores import Score

FOLDERS = (
    "/usr/share/sounds/sf2",
    "/usr/share/soundfonts",
    "/usr/local/share/soundfonts",
    "/opt/homebrew/share/soundfonts",
    "~/.local/share/soundfonts",
)
MEND = (
    "Install fluidsynth and a soundfont (Debian: fluidsynth, timgm6mb-soundfont), "
    "or take voice='own'."
)


def find_soundfont() -> Path | None:
    """The smallest General MIDI soundfont in the usual places: it loads quickest. None: there is
    none."""
    found = [path for folder in FOLDERS for path in sorted(Path(folder).expanduser().glob("*.sf2"))]
    return min(found, key=lambda path: (path.stat().st_size, str(path)), default=None)


def fluidsynth_works() -> bool:
    """Whether the program and a soundfont are both there."""
    return shutil.which("fluidsynth") is not None and find_soundfont() is not None


def play(score: Score, duration_s: float, sample_rate: int) -> np.ndarray:
    """The score as a waveform [samples], not yet levelled. Raises EarShotError where fluidsynth
    or a soundfont is missing, or when it fails."""
    program, soundfont = shutil.which("fluidsynth"), find_soundfont()
    if program is None or soundfont is None:
        missing = "fluidsynth" if program is None else "a soundfont"
        raise EarShotError(got=f"voice='fluidsynth' without {missing}", expected="both", mend=MEND)
    with tempfile.TemporaryDirectory() as folder:
        midi, wav = Path(folder, "tune.mid"), Path(folder, "tune.wav")
        midi.write_bytes(to_midi(score))
        command = [program, "-ni", "-q", "-R", "0", "-C", "0", "-g", "0.5", "-r", str(sample_rate)]
        done = subprocess.run(
            [*command, "-T", "wav", "-O", "s16", "-F", str(wav), str(soundfont), str(midi)],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode or not wav.is_file():
            raise EarShotError(
                got=f"exit {done.returncode} from fluidsynth: {done.stderr.strip()[-200:]}",
                expected="a rendered tune",
                mend=MEND,
            )
        frames, _ = soundfile.read(wav, dtype="float32", always_2d=True)
    n_samples = round(duration_s * sample_rate)
    mono = frames.mean(axis=1)[:n_samples]
    return np.pad(mono, (0, n_samples - len(mono)))
