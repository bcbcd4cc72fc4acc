"""Speech by espeak-ng, where it is installed."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from functools import lru_cache
from pathlib import Path

import numpy as np
import soundfile

from earshot.core.errors import EarShotError, unknown_name

WORDS_A_MINUTE = 165
MEND = "Install espeak-ng (Debian: espeak-ng), or take engine='formant'."
ROW = re.compile(r"\s*\d+\s+(?P<tag>\S+)\s+\S+\s+\S+\s+(?P<file>\S+)\s*(?P<others>.*)")


def espeak_works() -> bool:
    """Whether the program is there."""
    return shutil.which("espeak-ng") is not None


def say(text: str, language: str, voice: str, pitch: float, speed: float) -> tuple[np.ndarray, int]:
    """`text` as a waveform [samples] and its sample rate in Hz; pitch and speed are factors.

    Raises EarShotError where espeak-ng is missing, does not know the language, or says nothing.
    """
    program = shutil.which("espeak-ng")
    if program is None:
        raise EarShotError(got="engine='espeak' without espeak-ng", expected="it", mend=MEND)
    # Only the name of the language's file takes a variant: an alias such as fr-fr drops it.
    name = f"{language_file(language)}+{voice}"
    with tempfile.TemporaryDirectory() as folder:
        wav = Path(folder, "speech.wav")
        options = ["-v", name, "-s", str(round(WORDS_A_MINUTE * speed))]
        options += ["-p", str(int(np.clip(50 * pitch, 0, 99))), "-w", str(wav), "--stdin"]
        done = subprocess.run(
            [program, *options], input=text.encode(), capture_output=True, check=False
        )
        if done.returncode or not wav.is_file():
            raise EarShotError(
                got=f"exit {done.returncode} from espeak-ng for voice {name}: "
                f"{done.stderr.decode(errors='replace').strip()[-200:]}",
                expected="speech",
                mend="Try another language or voice, or engine='formant'.",
            )
        waveform, sample_rate = soundfile.read(wav, dtype="float32")
    return waveform, sample_rate


def language_file(language: str) -> str:
    """espeak-ng's file for a language tag: "fr" for "fr-fr", "cmn" for "zh"."""
    files = _files()
    wanted = language.lower()
    if wanted in files:
        return files[wanted]
    if wanted.split("-")[0] in files:
        return files[wanted.split("-")[0]]
    raise unknown_name("language", language, files)


@lru_cache(maxsize=1)
def _files() -> dict[str, str]:
    """The file of every language tag, aliases included."""
    program = shutil.which("espeak-ng")
    if program is None:
        raise EarShotError(got="engine='espeak' without espeak-ng", expected="it", mend=MEND)
    done = subprocess.run([program, "--voices"], capture_output=True, text=True, check=True)
    rows = [row for row in map(ROW.fullmatch, done.stdout.splitlines()) if row]
    own = {row["file"].split("/")[-1].lower(): row["file"].split("/")[-1] for row in rows}
    tags: dict[str, str] = {}
    for row in rows:
        file = row["file"].split("/")[-1]
        tags.setdefault(row["tag"].lower(), file)
        for other in re.findall(r"\((\S+) \d+\)", row["others"]):
            tags.setdefault(other.lower(), file)
    return {**tags, **own}
