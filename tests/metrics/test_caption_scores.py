import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import caption_fixtures as known
from earshot.core.errors import EarShotError
from earshot.metrics.caption_metrics import MEASURES
from earshot.metrics.caption_parts import CaptionParts
from earshot.metrics.caption_scores import SETS, caption_scores
from earshot.metrics.cider_d import CiderD
from earshot.metrics.rouge_l import common_words

WORDS = st.lists(st.sampled_from(["dog", "barks", "rain", "a", "then", "bell"]), max_size=7)
CORPORA = st.lists(
    st.tuples(WORDS, st.lists(WORDS.filter(bool), min_size=1, max_size=3)), min_size=2, max_size=5
)
FEW = settings(deadline=None, derandomize=True, max_examples=40)


def sentences(corpus):
    return [" ".join(c) for c, _ in corpus], [[" ".join(r) for r in refs] for _, refs in corpus]


@pytest.mark.parametrize(
    ("corpus", "figures", "clips"),
    [
        (known.SPEAKING, known.SPEAKING_CORPUS, known.SPEAKING_CLIPS),
        (known.BARKING, known.BARKING_CORPUS, known.BARKING_CLIPS),
    ],
    ids=["speaking", "barking"],
)
def test_figures_are_those_of_the_public_tools(corpus, figures, clips) -> None:
    found = caption_scores(*corpus)
    assert {name: found.corpus[name] for name in figures} == pytest.approx(figures, abs=1e-6)
    for name, values in clips.items():
        np.testing.assert_allclose(found.per_clip[name], values, atol=1e-6)
    assert found.tokenizer == "earshot.ptb"
    assert found.unavailable == {}


def test_bleu_4_without_a_match_is_the_tiny_number_that_the_tools_print() -> None:
    assert f"{caption_scores(*known.BARKING).corpus['bleu_4']:.4e}" == f"{known.BARKING_BLEU_4:.4e}"


def test_counts_of_clips_and_references() -> None:
    found = caption_scores(*known.SPEAKING)
    assert (found.n_clips, found.n_references) == (2, (1, 3))


@FEW
@given(CORPORA)
def test_a_reference_as_candidate_is_worth_all(corpus) -> None:
    references = [refs for _, refs in corpus]
    own = [[" ".join(each) for each in refs] for refs in references]
    found = caption_scores([refs[0] for refs in own], own, ["bleu", "rouge_l"])
    assert found.corpus["bleu_1"] == pytest.approx(1)
    assert found.corpus["rouge_l"] == pytest.approx(1)
    score = CiderD(references).score(references[0][0], [references[0][0]])
    assert score == pytest.approx(10) or score < 10.0000001  # less where words are everywhere


@FEW
@given(CORPORA, st.randoms(use_true_random=False))
def test_the_order_of_the_clips_changes_nothing(corpus, random) -> None:
    mixed = list(corpus)
    random.shuffle(mixed)
    one, other = (caption_scores(*sentences(each)).corpus for each in (corpus, mixed))
    assert one == pytest.approx(other, nan_ok=True, abs=1e-12)


@FEW
@given(CORPORA)
def test_a_draw_is_the_corpus_that_was_drawn(corpus) -> None:
    found = caption_scores(*sentences(corpus))
    drawn = found.weighted(np.ones(len(corpus)))
    assert drawn == pytest.approx({name: found.corpus[name] for name in drawn})
    weights = np.arange(len(corpus), dtype=float)
    repeated = [each for i, each in enumerate(corpus) for _ in range(i)]
    again = caption_scores(*sentences(repeated), ["bleu", "rouge_l"])
    drawn = found.weighted(weights)
    assert {name: drawn[name] for name in again.corpus} == pytest.approx(again.corpus)


@FEW
@given(WORDS, WORDS)
def test_common_words_are_symmetric_and_bounded(one, other) -> None:
    n = common_words(one, other)
    assert n == common_words(other, one) <= min(len(one), len(other))
    assert common_words(one, [*other, *one]) == len(one)


def test_an_empty_candidate_is_worth_nothing_and_keeps_its_place() -> None:
    candidates, references = known.BARKING
    found = caption_scores(["", *candidates[1:]], references)
    whole = caption_scores(candidates, references)
    for name in ("rouge_l", "cider_d"):
        assert found.per_clip[name][0] == 0
        np.testing.assert_array_equal(found.per_clip[name][1:], whole.per_clip[name][1:])
    assert found.corpus["bleu_1"] < whole.corpus["bleu_1"]


def test_nothing_but_empty_candidates() -> None:
    found = caption_scores(["", "..."], [["a dog"], ["a bell"]])
    for name in ("bleu_1", "bleu_4", "rouge_l", "cider_d", "vocabulary"):
        assert found.corpus[name] == 0
    assert np.isnan(found.corpus["distinct_1"])


def test_line_breaks_are_spaces() -> None:
    candidates, references = known.BARKING
    broken = [each.replace(" ", "\n", 1) for each in candidates]
    assert caption_scores(broken, references).corpus == caption_scores(*known.BARKING).corpus


def test_one_clip_has_no_cider_d_and_says_why() -> None:
    found = caption_scores(["a dog"], [["a dog barks"]])
    assert "cider_d" not in found.corpus
    assert "two clips or more" in found.unavailable["cider_d"]
    assert found.corpus["rouge_l"] > 0


def test_without_models_the_figure_is_absent_and_the_reason_given() -> None:
    found = caption_scores(*known.BARKING, "all", parts=CaptionParts())
    missing = {"meteor", "spice", "spider", "spider_fl", "sbert_sim", "fense", "fluency_error_rate"}
    assert set(found.unavailable) == missing
    assert missing.isdisjoint(found.corpus)
    assert "spice" in found.unavailable["spider"]


class Letters:
    """A stand-in sentence encoder: which letters a sentence has."""

    name, published = "letters", False

    def __call__(self, texts):
        rows = np.array([[text.count(c) for c in "abcdefghijklmnopqrstuvwxyz"] for text in texts])
        return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)


def test_spider_and_fense_are_made_of_their_parts() -> None:
    halves = np.array([0.5, 0.25, 0.0])
    parts = CaptionParts(
        spice=lambda candidates, references: (0.25, halves),
        encoder=Letters(),
        fluency=lambda texts: np.array([0.95, 0.9, 0.1]),
    )
    found = caption_scores(*known.BARKING, "all", parts=parts)
    spider = (np.array(known.BARKING_CLIPS["cider_d"]) + halves) / 2
    np.testing.assert_allclose(found.per_clip["spider"], spider, atol=1e-6)
    np.testing.assert_allclose(found.per_clip["spider_fl"], spider * [0.1, 1, 1], atol=1e-6)
    assert found.corpus["fluency_error_rate"] == pytest.approx(1 / 3)
    similarity = found.per_clip["sbert_sim[letters]"]
    np.testing.assert_allclose(found.per_clip["fense[letters]"], similarity * [0.1, 1, 1])
    assert not {"sbert_sim", "fense"} & found.corpus.keys()


def test_similarity_is_the_mean_over_references() -> None:
    parts = CaptionParts(encoder=Letters())
    both = caption_scores(["aab"], [["aab", "c"]], ["sbert_sim"], parts=parts)
    assert both.corpus == pytest.approx({"sbert_sim[letters]": 0.5})


@pytest.mark.parametrize(
    ("candidates", "references", "words"),
    [
        (["a"], [["a"], ["b"]], "1 candidates"),
        ([], [], "0 candidates"),
        (["a", "b"], [["a"], []], "clip 1"),
        (["a", "b"], [["a"], [" ", "..."]], "clip 1"),
        (["a"], ["a dog"], "a text in the place"),
        ("a dog", [["a dog"]], "one text"),
    ],
)
def test_what_cannot_be_scored_is_refused(candidates, references, words) -> None:
    with pytest.raises(EarShotError, match=words) as fault:
        caption_scores(candidates, references)
    assert fault.value.mend


@pytest.mark.parametrize(("asked", "near"), [("dcase23", "dcase2023"), (["ciderd"], "cider_d")])
def test_unknown_names_offer_the_nearest(asked, near) -> None:
    with pytest.raises(EarShotError, match=f"Did you mean '{near}'"):
        caption_scores(*known.BARKING, asked)


def test_every_set_is_of_metrics() -> None:
    assert {name for names in SETS.values() for name in names} == set(MEASURES)


def test_cider_d_keeps_the_rarity_it_was_made_with() -> None:
    train = [[["a", "dog", "barks"]], [["a", "bell", "rings"]], [["a", "dog", "runs"]]]
    reward = CiderD(train)
    rare = reward.score(["a", "bell"], [["a", "bell"]])
    assert rare == pytest.approx(5)  # words and pairs match in full; there are no longer n-grams
    assert reward.score(["a"], [["a"]]) == 0  # in every clip: worth nothing


def test_cider_d_of_one_clip_is_refused() -> None:
    with pytest.raises(EarShotError, match="two clips"):
        CiderD([[["a"]]])
