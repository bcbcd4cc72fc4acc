import pytest

from earshot.metrics.ptb_tokens import ptb_sentences, ptb_tokens

# What Stanford's PTBTokenizer 3.4.1 makes of them, less the tools' punctuation.
KNOWN = {
    "A dog barks, then a car's engine starts!": "a dog barks then a car 's engine starts",
    "don't can't we're he'll she'd I've I'm": "do n't ca n't we 're he 'll she 'd i 've i 'm",
    "cannot gonna wanna gotta 'tis": "can not gon na wan na got ta 't is",
    "birds' wings, James' car": "birds wings james car",
    "it’s a “curly” quote…": "it 's a curly quote",
    "a \"quoted\" and 'single' word": "a quoted and single word",
    "24/7 1/2 3.5 1,000 50% $5 .50": "24/7 1/2 3.5 1,000 50 % $ 5 .50",
    "a & b, AT&T": "a & b at & t",
    "5 a.m. in the U.S.A. today": "5 a.m. in the u.s.a. today",
    "Mr. Smith speaks.": "mr. smith speaks",
    "no--way no-way well - known": "no way no-way well known",
    "x-ray, t-shirt, mid-1990s": "x-ray t-shirt mid-1990s",
    "and/or inhales/exhales": "and/or inhales/exhales",
    "clip,clop: clip;": "clip clop clip",
    "café naïve 中文": "café naïve 中文",
    "a man (talking) and [singing]": "a man -lrb- talking -rrb- and -lsb- singing -rsb-",
    "wow!! what?": "wow !! what",
    "o'clock": "o'clock",
    "rock :)": "rock :-rrb-",
    "10:30, 5pm, 3D": "10:30 5pm 3d",
    "": "",
    " \n ": "",
    ". , !": "",
}


@pytest.mark.parametrize("sentence", KNOWN)
def test_words_are_those_of_the_public_tokenizer(sentence) -> None:
    assert " ".join(ptb_tokens(sentence)) == KNOWN[sentence]


def test_any_white_space_parts_words() -> None:
    assert ptb_tokens("a\ndog\t barks\u00a0once") == ["a", "dog", "barks", "once"]


def test_sentences_keep_their_places() -> None:
    assert ptb_sentences(["a dog", "", "rain"]) == [["a", "dog"], [], ["rain"]]


def test_a_long_text_takes_no_long_time() -> None:
    assert len(ptb_tokens("a-" * 50_000 + " '" * 1_000)) >= 1
    assert len(ptb_tokens("a.b@" * 5_000)) >= 1
