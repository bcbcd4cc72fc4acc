"""Sentence encoder and fluency detector: tiny models in the formats of the published ones."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import BertConfig, BertModel, BertTokenizerFast

from earshot.core.errors import EarShotError
from earshot.models.fluency_judge import ERRORS, load_fluency_judge
from earshot.models.sentence_encoder import PUBLISHED, load_sentence_encoder

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "dog", "barks", "rain", "falls", "and"]


def tiny_bert(seed: int = 0) -> BertModel:
    torch.manual_seed(seed)
    sizes = {"hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 1}
    config = BertConfig(vocab_size=len(WORDS), intermediate_size=96, **sizes)
    return BertModel(config).eval()


def tiny_tokenizer(folder: Path) -> BertTokenizerFast:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "vocab.txt").write_text("\n".join(WORDS))
    return BertTokenizerFast.from_pretrained(folder)


@pytest.fixture(scope="module")
def sentence_folder(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("models") / PUBLISHED
    tiny_tokenizer(folder).save_pretrained(folder)
    tiny_bert().save_pretrained(folder)
    kinds = {"Transformer": "", "Pooling": "1_Pooling"}
    modules = [
        {"idx": i, "name": str(i), "type": f"sentence_transformers.models.{kind}", "path": path}
        for i, (kind, path) in enumerate(kinds.items())
    ]
    (folder / "modules.json").write_text(json.dumps(modules))
    (folder / "sentence_bert_config.json").write_text('{"max_seq_length": 8}')
    write_pooling(folder, "mean_tokens")
    return folder


def write_pooling(folder: Path, *modes: str) -> None:
    (folder / "1_Pooling").mkdir(exist_ok=True)
    config = {f"pooling_mode_{mode}": True for mode in modes} | {
        "pooling_mode_max_tokens": False,
        "word_embedding_dimension": 64,
    }
    (folder / "1_Pooling" / "config.json").write_text(json.dumps(config))


def test_a_sentence_is_the_mean_of_its_tokens_at_length_one(sentence_folder) -> None:
    encoder = load_sentence_encoder(sentence_folder)
    with torch.inference_mode():
        hidden = tiny_bert()(torch.tensor([[2, 5, 6, 7, 3]])).last_hidden_state[0]
    wanted = torch.nn.functional.normalize(hidden.mean(0), dim=0).numpy()
    np.testing.assert_allclose(encoder(["a dog barks"])[0], wanted, atol=1e-5)


def test_neighbours_and_padding_change_nothing(sentence_folder) -> None:
    encoder = load_sentence_encoder(sentence_folder)
    texts = ["a dog barks and rain falls and a dog barks", "rain", "", "a dog"]
    alone = np.concatenate([encoder([text]) for text in texts])
    np.testing.assert_allclose(encoder(texts), alone, atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(alone, axis=1), 1, atol=1e-6)


def test_only_the_published_encoder_bears_its_name(sentence_folder) -> None:
    encoder = load_sentence_encoder(sentence_folder)  # of that name, but of another size
    assert (encoder.name, encoder.published) == (PUBLISHED, False)


@pytest.mark.slow  # it imports much
def test_sentence_transformers_agrees(sentence_folder) -> None:
    library = pytest.importorskip("sentence_transformers", reason="sentence-transformers")
    theirs = library.SentenceTransformer(str(sentence_folder), device="cpu")
    texts = ["a dog barks and rain", "rain"]
    wanted = theirs.encode(texts, normalize_embeddings=True, show_progress_bar=False)
    np.testing.assert_allclose(load_sentence_encoder(sentence_folder)(texts), wanted, atol=1e-5)


def test_the_config_of_newer_versions_is_read(sentence_folder) -> None:
    wanted = load_sentence_encoder(sentence_folder)(["a dog"])
    (sentence_folder / "1_Pooling" / "config.json").write_text('{"pooling_mode": "mean"}')
    try:
        np.testing.assert_array_equal(load_sentence_encoder(sentence_folder)(["a dog"]), wanted)
    finally:
        write_pooling(sentence_folder, "mean_tokens")


def test_another_pooling_is_refused(sentence_folder) -> None:
    write_pooling(sentence_folder, "mean_tokens", "cls_token")
    try:
        with pytest.raises(EarShotError, match="mean or first-token pooling"):
            load_sentence_encoder(sentence_folder)
    finally:
        write_pooling(sentence_folder, "mean_tokens")


def test_a_folder_of_something_else_is_refused(tmp_path) -> None:
    with pytest.raises(EarShotError, match="is no folder"):
        load_sentence_encoder(tmp_path / "nowhere")
    with pytest.raises(EarShotError, match="as sentence-transformers saves it"):
        load_sentence_encoder(tmp_path)


@pytest.fixture
def checkpoint(tmp_path) -> Path:
    """As the detector was released, at a toy size, its BERT's vocabulary beside it."""
    bert = tiny_bert(3)
    torch.manual_seed(4)
    classifier = torch.nn.Linear(64, len(ERRORS))
    state = {f"encoder.{key}": value for key, value in bert.state_dict().items()}
    state["encoder.embeddings.position_ids"] = torch.arange(512)[None]
    state |= {f"clf.{key}": value for key, value in classifier.state_dict().items()}
    path = tmp_path / "echecker_clotho_audiocaps_base.ckpt"
    torch.save({"model_type": "maker/tiny", "num_classes": 6, "state_dict": state}, path)
    tiny_tokenizer(tmp_path / "tiny").save_pretrained(tmp_path / "tiny")
    return path


def test_the_judge_reads_words_alone_in_lower_case(checkpoint) -> None:
    judge = load_fluency_judge(checkpoint)
    plain = judge.probabilities(["a dog barks", "rain falls"])
    np.testing.assert_allclose(judge.probabilities(["A dog, barks!!", "rain-falls"])[0], plain[0])
    bert = tiny_bert(3)
    torch.manual_seed(4)
    classifier = torch.nn.Linear(64, len(ERRORS))
    with torch.inference_mode():
        pooled = bert(torch.tensor([[2, 5, 6, 7, 3]])).pooler_output
        wanted = torch.sigmoid(classifier(pooled))[0].numpy()
    np.testing.assert_allclose(plain[0], wanted, atol=1e-6)
    np.testing.assert_allclose(judge(["a dog barks"]), wanted[-1:], atol=1e-6)


def test_a_checkpoint_with_code_is_refused_and_not_run(tmp_path) -> None:
    class Trap:
        def __reduce__(self):
            return Path.touch, (tmp_path / "ran",)

    path = tmp_path / "echecker.ckpt"
    torch.save({"model_type": Trap()}, path)
    with pytest.raises(EarShotError, match="more than data"):
        load_fluency_judge(path)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("held", "words"),
    [
        ({"state_dict": {"a": torch.ones(1)}}, "does not name its BERT"),
        ({"model_type": "tiny", "state_dict": {"a": torch.ones(1)}}, "the weights of a BERT"),
    ],
)
def test_other_files_are_refused(tmp_path, held, words) -> None:
    torch.save(held, tmp_path / "other.ckpt")
    with pytest.raises(EarShotError, match=words):
        load_fluency_judge(tmp_path / "other.ckpt")


def test_the_vocabulary_must_lie_beside_it(checkpoint) -> None:
    with pytest.raises(EarShotError, match=r"no tokenizer of maker/tiny"):
        load_fluency_judge(checkpoint, checkpoint.parent / "elsewhere")
