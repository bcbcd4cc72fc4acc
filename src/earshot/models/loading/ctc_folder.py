"""A recogniser as `transformers` saves it: Wav2Vec2ForCTC and its kin, with their vocab.json."""

from __future__ import annotations

from pathlib import Path

from earshot.core.errors import EarShotError
from earshot.models.load_report import LoadReport
from earshot.models.loading.library_folder import CONFIG, read_json, read_weights
from earshot.models.loading.wav2vec2 import encoder_state, place, sound_config
from earshot.models.recognizer import Recognizer, build_recognizer

VOCABULARY, TOKENIZER = "vocab.json", "tokenizer_config.json"
SPECIAL = ("<s>", "</s>", "<pad>", "<unk>", "[PAD]", "[UNK]")


def load_ctc_folder(folder: Path) -> tuple[Recognizer, tuple[str, ...], LoadReport]:
    """The model, the text of each of its symbols, and the report on its keys.

    The folder's blank becomes symbol 0 here: it changes places with what stood there. Special
    tokens have no text, and the sign between words is a space.
    """
    facts = read_json(folder / CONFIG)
    state = encoder_state(read_weights(folder), facts["model_type"])
    if "lm_head.weight" not in state:
        raise EarShotError(
            got=f"{folder} without lm_head",
            expected="a model that was fine-tuned to recognise speech, such as Wav2Vec2ForCTC",
            mend="Fine-tune it first: earshot run ainu_adaptation --set base=FOLDER --data CSV",
        )
    blank, symbols = _symbols(folder, len(state["lm_head.weight"]), facts.get("pad_token_id", 0))
    for name in ("weight", "bias"):
        rows = state.pop(f"lm_head.{name}").clone()
        rows[[0, blank]] = rows[[blank, 0]]
        state[f"head.{name}"] = rows
    model = build_recognizer(sound_config(folder, facts), len(symbols))
    report = place(model, state, folder, f"transformers {facts['model_type']} for CTC")
    return model.eval(), symbols, report


def _symbols(folder: Path, n_symbols: int, blank: int) -> tuple[int, tuple[str, ...]]:
    """The id of the blank, and the text of each symbol after it has changed places with 0."""
    path = folder / VOCABULARY
    ids = read_json(path) if path.is_file() else {}
    known = {token: i for token, i in ids.items() if isinstance(i, int) and 0 <= i < n_symbols}
    if len(known) != len(ids) or not known or not 0 <= (blank or 0) < n_symbols:
        raise EarShotError(
            got=f"{path} with {len(known)} tokens for {n_symbols} symbols",
            expected="an object of tokens and their numbers, of one language",
            mend="Copy vocab.json beside config.json; of several languages pick one.",
        )
    tokenizer = read_json(folder / TOKENIZER) if (folder / TOKENIZER).is_file() else {}
    space = tokenizer.get("word_delimiter_token", "|")
    own = (tokenizer.get(f"{name}_token") for name in ("pad", "unk", "bos", "eos"))
    special = {*SPECIAL, *map(str, own)}
    texts = [""] * n_symbols
    for token, i in known.items():
        texts[i] = " " if token == space else "" if token in special else token
    blank = int(blank or 0)
    texts[blank], texts[0] = texts[0], ""
    return blank, tuple(texts)
