"""How long commands take to start, in new processes; the peer is importing ClapModel alone."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from figures import Figure, alternate, repeated
from material import scenes

SOURCES = Path(__file__).parents[2] / "src"


def measure(tiny: bool, n_pairs: int) -> tuple[list[Figure], dict[str, Any]]:
    """Seconds from the call to the end."""
    from earshot.jobs.loading import shipped_models

    sound = next(scenes(8 if tiny else 200).glob("*.wav"))
    earshot = [sys.executable, "-m", "earshot"]
    commands = {
        "earshot --help": [*earshot, "--help"],
        "earshot papers": [*earshot, "papers"],
        "earshot doctor": [*earshot, "doctor"],
        "from transformers import ClapModel": [
            sys.executable,
            "-c",
            "from transformers import ClapModel; ClapModel.__name__",
        ],
    }
    if shipped_models():
        commands["earshot tag SOUND"] = [*earshot, "tag", str(sound)]
    seconds = alternate(
        {name: lambda command=command: _run(command) for name, command in commands.items()}, n_pairs
    )
    bounds = {"earshot --help": {"at_most": 1.0}}
    return [
        repeated(name, values, "s", **bounds.get(name, {})) for name, values in seconds.items()
    ], {}


def _run(command: list[str]) -> None:
    env = os.environ | {"PYTHONPATH": str(SOURCES)}
    subprocess.run(
        command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True
    )
