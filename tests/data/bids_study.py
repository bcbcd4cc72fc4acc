"""A small study in the BIDS layout, written byte by byte: BrainVision, EDF and FIF."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from earshot.audio import write_audio

NAMES = ("Fz", "Cz", "Pz", "C3", "C4", "Oz")
RATE = 100  # Hz of the recordings
LENGTH_S = 40.0
WORDS = [(2.0 + 0.5 * index, f"w{index % 7}") for index in range(64)]  # start in the sound, text
LEAD_S = 1.5  # of silence before the sound plays


def signals(seed: int, n_channels: int = len(NAMES)) -> np.ndarray:
    """Volts [channels, samples]: a slow sine of its own in each channel, about an offset."""
    times = np.arange(round((LENGTH_S + LEAD_S) * RATE)) / RATE
    rng = np.random.default_rng(seed)
    return np.stack(
        [
            2e-5 * np.sin(2 * np.pi * (1.0 + channel) * times + rng.uniform(0, 6)) + 3e-5
            for channel in range(n_channels)
        ]
    )


def write_brainvision(path: Path, values: np.ndarray, names: Sequence[str]) -> None:
    """values in volts; three files that begin with `path` less its suffix."""
    data, markers = path.with_suffix(".eeg"), path.with_suffix(".vmrk")
    (values.T / 1e-7).round().astype("<i2").tofile(data)
    channels = [f"Ch{i}={name},,0.1,µV" for i, name in enumerate(names, start=1)]
    path.write_text(
        "\n".join(
            [
                "Brain Vision Data Exchange Header File Version 1.0",
                "[Common Infos]",
                "Codepage=UTF-8",
                f"DataFile={data.name}",
                f"MarkerFile={markers.name}",
                "DataFormat=BINARY",
                "DataOrientation=MULTIPLEXED",
                f"NumberOfChannels={len(names)}",
                f"SamplingInterval={1e6 / RATE:g}",
                "[Binary Infos]",
                "BinaryFormat=INT_16",
                "[Channel Infos]",
                *channels,
                "",
            ]
        ),
        "utf-8",
    )
    markers.write_text(
        "\n".join(
            [
                "Brain Vision Data Exchange Marker File, Version 1.0",
                "[Common Infos]",
                "Codepage=UTF-8",
                f"DataFile={data.name}",
                "[Marker Infos]",
                "Mk1=New Segment,,1,1,0,20200101000000000000",
                "",
            ]
        ),
        "utf-8",
    )


def write_edf(path: Path, values: np.ndarray, names: Sequence[str]) -> None:
    """values in volts, as microvolts between -3276.8 and 3276.7 in records of a second."""
    n, n_records = len(names), values.shape[1] // RATE
    columns = [
        *[f"{name:<16}" for name in names],
        *[" " * 80] * n,
        *[f"{'uV':<8}"] * n,
        *[f"{'-3276.8':<8}"] * n,
        *[f"{'3276.7':<8}"] * n,
        *[f"{'-32768':<8}"] * n,
        *[f"{'32767':<8}"] * n,
        *[" " * 80] * n,
        *[f"{RATE:<8}"] * n,
        *[" " * 32] * n,
    ]
    head = (
        f"{'0':<8}{'X X X X':<80}{'Startdate 01-JAN-2020 X X X':<80}{'01.01.20':<8}{'00.00.00':<8}"
        f"{256 * (n + 1):<8}{'':<44}{n_records:<8}{'1':<8}{n:<4}"
    )
    steps = (values / 1e-7).round().astype("<i2")[:, : n_records * RATE]
    records = steps.reshape(n, n_records, RATE).transpose(1, 0, 2)
    path.write_bytes((head + "".join(columns)).encode("ascii") + records.tobytes())


def write_fif(path: Path, values: np.ndarray, names: Sequence[str]) -> None:
    """As magnetometers on half a sphere."""
    import mne

    info = mne.create_info(list(names), RATE, "mag")
    for index, channel in enumerate(info["chs"]):
        angle = 2 * np.pi * index / len(names)
        channel["loc"][:3] = 0.1 * np.array([np.cos(angle), np.sin(angle), 0.5])
    mne.io.RawArray(values * 1e-7, info, verbose="ERROR").save(path, verbose="ERROR")


def write_events(path: Path, *, word_kind: str = "word") -> None:
    """Words of story.wav, which begins to play at LEAD_S; sentences of eight words."""
    rows = ["onset\tduration\ttrial_type\tstim_file\tword\tsentence"]
    rows.append(f"{LEAD_S}\tn/a\tsound\tstory.wav\tn/a\tn/a")
    for index, (start, text) in enumerate(WORDS):
        rows.append(f"{LEAD_S + start}\t0.4\t{word_kind}\tn/a\t{text}\t{index // 8}")
    path.write_text("\n".join(rows) + "\n")


def write_study(folder: Path) -> Path:
    """Three subjects: EEG as BrainVision and as EDF, MEG as FIF; one sound. Gives the folder."""
    times = np.arange(round(LENGTH_S * 8_000)) / 8_000
    sound = 0.3 * np.sin(2 * np.pi * (300 + 200 * np.sin(times)) * times)
    (folder / "stimuli").mkdir(parents=True)
    write_audio(folder / "stimuli" / "story.wav", sound.astype(np.float32), 8_000)
    stems = {"01": "eeg", "02": "eeg", "03": "meg"}
    for number, (subject, kind) in enumerate(stems.items()):
        inside = folder / f"sub-{subject}" / ("ses-a" if subject == "02" else "") / kind
        inside.mkdir(parents=True)
        session = "_ses-a" if subject == "02" else ""
        stem = inside / f"sub-{subject}{session}_task-story"
        values = signals(number)
        write_events(inside / f"{stem.name}_events.tsv")
        if subject == "01":
            write_brainvision(inside / f"{stem.name}_eeg.vhdr", values, NAMES)
            places = [
                f"{name}\t{0.08 * np.cos(i)}\t{0.08 * np.sin(i)}\t{0.02 * i}"
                for i, name in enumerate(NAMES)
            ]
            table = "\n".join(["name\tx\ty\tz", *places, "REF\tn/a\tn/a\tn/a"])
            (inside / f"sub-{subject}_electrodes.tsv").write_text(table + "\n")
            statuses = [f"{name}\tEEG\tuV\t{'bad' if name == 'Pz' else 'good'}" for name in NAMES]
            (inside / f"{stem.name}_channels.tsv").write_text(
                "\n".join(["name\ttype\tunits\tstatus", *statuses]) + "\n"
            )
        elif subject == "02":
            write_edf(inside / f"{stem.name}_eeg.edf", values, NAMES)
        else:
            write_fif(inside / f"{stem.name}_meg.fif", values, NAMES)
    return folder
