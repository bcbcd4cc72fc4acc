from __future__ import annotations

import json

import pytest
import torch

from earshot.core.errors import EarShotError
from earshot.text.intent_vocabulary import IntentVocabulary, Understood
from earshot.text.vocabulary import EOS, PAD

INTENTS = ["lights off", "lights on", "play"]
TEXTS = ["turn it on", "kill the lights", "some music"]


@pytest.mark.parametrize(("kind", "size"), [("characters", 60), ("words", 60), ("pieces", 300)])
def test_a_row_reads_back(kind: str, size: int) -> None:
    vocabulary = IntentVocabulary.learn(INTENTS, TEXTS, kind, size=size)
    assert len(vocabulary) <= size
    rows = vocabulary.rows(INTENTS, TEXTS)
    assert rows.max() < len(vocabulary)
    for row, intent, text in zip(rows, INTENTS, TEXTS, strict=True):
        assert vocabulary.read(row) == Understood(intent, text)
    again = IntentVocabulary.from_dict(json.loads(json.dumps(vocabulary.to_dict())))
    assert torch.equal(again.rows(INTENTS, TEXTS), rows)


def test_the_intent_comes_first_and_counts_there_alone() -> None:
    vocabulary = IntentVocabulary.learn(INTENTS, TEXTS, "characters", size=60)
    (row,) = vocabulary.rows(["play"], ["on"]).tolist()
    assert row[0] == vocabulary.intent_id("play")
    assert row[-1] == EOS
    assert vocabulary.read(row[1:]) == Understood(None, "on")
    assert vocabulary.read([row[1], row[0], row[2]]) == Understood(None, "on")
    assert vocabulary.read([]) == Understood(None, "")
    rows = vocabulary.rows(["play", "play"], ["on", "turn on"])
    assert (rows[0] == PAD).sum() == len(" turn")
    assert PAD not in rows[1]


def test_faults_are_sentences() -> None:
    vocabulary = IntentVocabulary.learn(INTENTS, TEXTS, "characters", size=60)
    with pytest.raises(EarShotError, match="Did you mean 'lights on'"):
        vocabulary.intent_id("light on")
    with pytest.raises(EarShotError, match="each once"):
        IntentVocabulary(["a", "a"], vocabulary.words)
    with pytest.raises(EarShotError, match="without 'words'"):
        IntentVocabulary.from_dict({"intents": INTENTS})
