"""METEOR, SPICE and the tokenizer by their own programs: the real ones where they are at hand."""

import json
import os
import stat
import sys
from pathlib import Path

import numpy as np
import pytest

import caption_fixtures as known
from earshot.core.errors import EarShotError
from earshot.metrics import caption_files, java
from earshot.metrics.caption_files import java_parts
from earshot.metrics.caption_parts import Absent, UnavailableError
from earshot.metrics.caption_scores import caption_scores
from earshot.metrics.java_tokenizer import JavaTokenizer
from earshot.metrics.meteor import Meteor
from earshot.metrics.ptb_tokens import ptb_sentences
from earshot.metrics.spice import Spice
from shared_data import shared_data

METEOR_SCRIPT = """
import sys
for line in sys.stdin:
    parts = line.rstrip("\\n").split(" ||| ")
    if parts[0] == "SCORE":
        print(" ".join(str(len(each.split())) for each in parts[1:]), flush=True)
    else:
        for each in parts[1:]:
            print(float(each.split()[-1]), flush=True)
        print(sum(float(each.split()[-1]) for each in parts[1:]), flush=True)
"""
SPICE_SCRIPT = """
import json, sys
at = sys.argv.index("edu.anu.spice.SpiceScorer")
rows = json.load(open(sys.argv[at + 1]))
scores = [{"image_id": r["image_id"], "scores": {"All": {"f": len(r["refs"]) / 10}}} for r in rows]
json.dump(scores[::-1], open(sys.argv[at + 3], "w"))
"""


@pytest.fixture
def scripted(tmp_path, monkeypatch):
    """Puts a program of that name before Java: what it is told and says is under control."""

    def place(script: str) -> Path:
        program = tmp_path / "bin" / "java"
        program.parent.mkdir()
        program.write_text(f"#!{sys.executable}\n{script}")
        program.chmod(program.stat().st_mode | stat.S_IEXEC)
        monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
        return tmp_path

    return place


@pytest.fixture
def real():
    """The parts that lie beside an installed pycocoevalcap."""
    parts = java_parts()
    if isinstance(parts.meteor, Absent):
        pytest.skip(parts.meteor.reason)
    return parts


@pytest.mark.timeout(900)  # eight seconds of one core, of which others may want some
def test_meteor_is_that_of_the_public_tools(real) -> None:
    corpus, clips = known.BARKING_METEOR
    found = caption_scores(*known.BARKING, ["meteor"], parts=real)
    assert found.corpus["meteor"] == pytest.approx(corpus, abs=1e-6)
    np.testing.assert_allclose(found.per_clip["meteor"], clips, atol=1e-6)
    assert found.tokenizer.endswith("(Java)")


@pytest.mark.slow
def test_meteor_with_empty_and_broken_sentences(real) -> None:
    candidates, references = known.SPEAKING
    corpus, clips = known.SPEAKING_METEOR
    found = caption_scores(candidates, references, ["meteor"], parts=real)
    assert found.corpus["meteor"] == pytest.approx(corpus, abs=1e-6)
    np.testing.assert_allclose(found.per_clip["meteor"], clips, atol=1e-6)
    empty = caption_scores(["", "rain ||| falls\n"], references, ["meteor"], parts=real)
    assert empty.per_clip["meteor"][0] == 0
    assert empty.per_clip["meteor"][1] == pytest.approx(clips[1], abs=1e-6)


def test_both_tokenizers_agree_on_real_captions(real) -> None:
    rows = (shared_data("text") / "audiocaps_val.csv").read_text("utf-8").splitlines()[1:]
    captions = [row.split(",", 3)[3].strip('"') for row in rows] + ["", "a\nb", "Café “dog's”"]
    assert isinstance(real.tokenizer, JavaTokenizer)
    theirs, ours = real.tokenizer(captions), ptb_sentences(captions)
    assert sum(one == other for one, other in zip(theirs, ours, strict=True)) >= len(captions) - 1
    assert theirs[-3:] == [[], ["a", "b"], ["café", "dog", "'s"]]


def test_figures_are_those_of_pycocoevalcap_on_real_captions() -> None:
    coco = pytest.importorskip("pycocoevalcap.bleu.bleu", reason="pycocoevalcap is not installed")
    from pycocoevalcap.cider.cider import Cider
    from pycocoevalcap.rouge.rouge import Rouge

    rows = (shared_data("text") / "clotho_captions_train.csv").read_text("utf-8").splitlines()
    clips = [row.split(",") for row in rows[1:600] if '"' not in row]
    candidates, references = [row[1] for row in clips], [row[2:6] for row in clips]
    found = caption_scores(candidates, references)
    theirs = {i: [" ".join(words)] for i, words in enumerate(ptb_sentences(candidates))}
    known_words = {i: [" ".join(w) for w in ptb_sentences(r)] for i, r in enumerate(references)}
    bleu, bleu_clips = coco.Bleu(4).compute_score(known_words, theirs, verbose=0)
    rouge, rouge_clips = Rouge().compute_score(known_words, theirs)
    cider, cider_clips = Cider().compute_score(known_words, theirs)
    for n in range(4):
        assert found.corpus[f"bleu_{n + 1}"] == pytest.approx(bleu[n], abs=1e-9)
        np.testing.assert_allclose(found.per_clip[f"bleu_{n + 1}"], bleu_clips[n], atol=1e-9)
    assert found.corpus["rouge_l"] == pytest.approx(rouge, abs=1e-9)
    assert found.corpus["cider_d"] == pytest.approx(cider, abs=1e-9)
    np.testing.assert_allclose(found.per_clip["rouge_l"], rouge_clips, atol=1e-9)
    np.testing.assert_allclose(found.per_clip["cider_d"], cider_clips, atol=1e-9)


def test_meteor_asks_for_each_clip_then_for_all(scripted) -> None:
    meteor = Meteor(scripted(METEOR_SCRIPT) / "meteor.jar")
    corpus, clips = meteor(["a dog barks", "", "x ||| y"], [["a", "b c"], ["d"], ["e"]])
    assert clips.tolist() == [3, 0, 2]  # the words of each candidate, which the script counts
    assert corpus == 5


@pytest.mark.parametrize("script", ["import sys; sys.exit('no memory Error')", "print('much')"])
def test_a_program_that_fails_makes_its_metric_unavailable(scripted, script) -> None:
    parts = caption_files.CaptionParts(meteor=Meteor(scripted(script) / "meteor.jar"))
    found = caption_scores(*known.BARKING, ["meteor", "rouge_l"], parts=parts)
    assert "gave up" in found.unavailable["meteor"]
    assert list(found.corpus) == ["rouge_l"]


def test_a_program_that_hangs_is_ended(scripted) -> None:
    folder = scripted("import time; time.sleep(600)")
    with pytest.raises(UnavailableError, match="gave up, after 1 s"):
        Meteor(folder / "meteor.jar", timeout_s=1)(["a"], [["a"]])
    with pytest.raises(UnavailableError, match="no answer in 1 s"):
        Spice(folder / "spice.jar", [folder], timeout_s=1)(["a"], [["a"]])


def test_spice_hands_over_clips_and_reads_scores_by_clip(scripted) -> None:
    folder = scripted(SPICE_SCRIPT)
    parts = caption_files.CaptionParts(spice=Spice(folder / "spice-1.0.jar", [folder]))
    found = caption_scores(*known.SPEAKING, ["spider"], parts=parts)
    np.testing.assert_allclose(found.per_clip["spice"], [0.3, 0.1])
    cider = np.array(known.SPEAKING_CLIPS["cider_d"])
    np.testing.assert_allclose(found.per_clip["spider"], (cider + [0.3, 0.1]) / 2, atol=1e-6)
    assert found.corpus["spider"] == pytest.approx(found.per_clip["spider"].mean())


@pytest.mark.parametrize("script", ["import sys; sys.exit(3)", "pass"])
def test_spice_that_writes_nothing_is_unavailable(scripted, script) -> None:
    folder = scripted(script)
    with pytest.raises(UnavailableError):
        Spice(folder / "spice-1.0.jar", [folder])(["a"], [["a"]])


def test_a_tokenizer_that_loses_a_line_is_no_tokenizer(scripted) -> None:
    folder = scripted("import sys; print(sys.stdin.readline().strip())")
    with pytest.raises(UnavailableError, match="1 lines of 2"):
        JavaTokenizer(folder / "corenlp.jar")(["a", "b"])


@pytest.fixture
def nothing_installed(monkeypatch, tmp_path):
    monkeypatch.setattr(caption_files, "PACKAGE", "no_such_package")
    monkeypatch.delenv(caption_files.VARIABLE, raising=False)
    return tmp_path


def test_what_is_missing_is_named_with_its_place(nothing_installed, scripted) -> None:
    scripted("pass")
    parts = java_parts()
    assert isinstance(parts.meteor, Absent)
    assert "meteor-1.5.jar is missing" in parts.meteor.reason
    assert "meteor/meteor-1.5.jar" in parts.meteor.reason
    assert parts.tokenizer.name == "earshot.ptb"
    with pytest.raises(EarShotError, match=r"stanford-corenlp-3\.4\.1\.jar is missing"):
        java_parts(tokenizer="java")


def test_files_are_found_in_the_folder_and_in_the_one_of_the_variable(
    nothing_installed, scripted, monkeypatch
) -> None:
    scripted("pass")
    one, other = nothing_installed / "one", nothing_installed / "other"
    for root, name in (
        (one, caption_files.SPICE_JAR),
        (one, caption_files.SPICE_LIBRARY),
        (other, caption_files.SPICE_PARSER[0]),
    ):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    monkeypatch.setenv(caption_files.VARIABLE, str(other))
    spice = java_parts(one).spice
    assert isinstance(spice, Absent)
    assert "stanford-corenlp-3.6.0-models.jar is missing" in spice.reason
    (other / caption_files.SPICE_PARSER[1]).touch()
    assert isinstance(java_parts(one).spice, Spice)


def test_without_java_it_says_so(nothing_installed, monkeypatch) -> None:
    for name in (caption_files.METEOR_JAR, caption_files.METEOR_DATA):
        (nothing_installed / name).parent.mkdir(parents=True, exist_ok=True)
        (nothing_installed / name).touch()
    monkeypatch.setattr(java.shutil, "which", lambda name: None)
    meteor = java_parts(nothing_installed).meteor
    assert isinstance(meteor, Absent)
    assert "Java is missing" in meteor.reason


def test_the_fault_of_a_program_is_its_line_that_says_most() -> None:
    told = b"loading\nException in thread main: no room\n\tat some.Class\n\t... 3 more\n"
    assert java.last_line(told) == "Exception in thread main: no room"
    assert json.dumps(java.last_line(b"")) == '"without a word"'
