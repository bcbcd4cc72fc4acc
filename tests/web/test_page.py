"""The page in a real Chromium: what people do with it, and what they see when it goes wrong."""

from __future__ import annotations

import base64
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from earshot.audio import write_audio
from earshot.jobs.indexing import index
from earshot.web.limits import Limits
from earshot.web.opening import open_libraries
from toy_embedder import RATE, ToyEmbedder, tone, write_tones
from web_calls import describe, running

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--no-sandbox",
    "--use-fake-device-for-media-stream",  # a beep a second for a microphone
    "--use-fake-ui-for-media-stream",
    "--autoplay-policy=no-user-gesture-required",
)
WAIT_MS = 60_000


class Second(ToyEmbedder):
    """Another model of the same sounds."""

    name = "second"

    def __init__(self) -> None:
        super().__init__("5e" * 8)

    def embed_texts(self, texts):
        return super().embed_texts(texts)[:, [1, 2, 3, 4, 0, 5]]


@pytest.fixture(scope="module")
def browser() -> Iterator[object]:
    found = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip(f"no browser: none of {', '.join(BROWSERS)} is installed")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=found, args=FLAGS, timeout=WAIT_MS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("page")
    names = {f"animals/dog {i}.wav": ("dog",) for i in range(4)}
    names |= {f"weather/rain {i}.flac": ("rain",) for i in range(4)}
    names |= {"church.wav": ("rain", "rain", "rain", "bell", "rain"), "street.aiff": ("car",)}
    names |= {f"{'deep/' * 12}a very long file name without end {'x' * 80}.wav": ("cat",)}
    write_tones(folder, names)
    for model in (ToyEmbedder(), Second()):
        index(folder, model=model)
    models = [ToyEmbedder(), Second()]
    with running(open_libraries(folder, models=models), limits=Limits(max_upload_mb=1)) as address:
        yield address


@pytest.fixture
def page(browser, address: str) -> Iterator[object]:
    page = open_page(browser, address)
    yield page
    assert page.faults == []
    page.context.close()


def open_page(browser, address: str, **context):
    """A page that is ready; what its scripts fail at is gathered in `faults`."""
    page = browser.new_context(**{"viewport": {"width": 1200, "height": 900}, **context}).new_page()
    page.set_default_timeout(WAIT_MS)
    page.faults = []
    page.on("pageerror", lambda fault: page.faults.append(str(fault)))
    page.goto(address)
    page.wait_for_selector("html[data-ready=yes]")
    return page


def search(page, words: str) -> None:
    page.fill("#words", words)
    page.press("#words", "Enter")
    says(page, f"“{words}”: the best of")


def says(page, words: str) -> None:
    playwright.expect(page.locator("#status")).to_contain_text(words, timeout=WAIT_MS)


def first_name(page) -> str:
    return page.locator(".hit .name").first.text_content()


def drop(page, name: str, content: bytes, n_more: int = 0) -> None:
    """Drop a file of `content` and `n_more` zeros on the page, as from the desktop."""
    carried = page.evaluate_handle(
        """([name, base64, more]) => {
            const bytes = Uint8Array.from(atob(base64), c => c.charCodeAt(0));
            const carried = new DataTransfer();
            carried.items.add(new File([bytes, new Uint8Array(more)], name));
            return carried;
        }""",
        [name, base64.b64encode(content).decode(), n_more],
    )
    for event in ("dragenter", "dragover", "drop"):
        page.dispatch_event("body", event, {"dataTransfer": carried})


def test_words_find_sounds_with_their_pictures(page) -> None:
    says(page, "11 sounds are indexed")
    search(page, "a bell")
    assert first_name(page) == "church.wav"
    assert "0:03.0 – 0:04.0 of 0:05.0" in page.locator(".hit .facts").first.text_content()
    page.wait_for_selector(".hit .picture.drawn")
    ink = "canvas => new Set(canvas.getContext('2d').getImageData(0, 0, 448, 140).data).size"
    assert page.eval_on_selector(".hit .picture.drawn canvas", ink) > 8
    assert page.url.endswith("?q=a%20bell")
    search(page, "rain")
    page.go_back()
    says(page, "“a bell”")


def test_play_begins_at_the_hit_and_stops_at_its_end(page) -> None:
    page.evaluate(
        """() => {
            window.begun = [];
            const play = Audio.prototype.play;
            Audio.prototype.play = function () {
                this.addEventListener("playing", () => window.begun.push(this.currentTime));
                window.heard = this;
                return play.call(this);
            };
        }"""
    )
    search(page, "a bell")
    page.locator(".hit .play").first.click()
    page.wait_for_selector(".hit.playing")
    page.wait_for_function("() => window.begun.length")
    assert 3.0 <= page.evaluate("() => window.begun[0]") < 4.0
    page.wait_for_function("() => window.heard.paused")
    assert 3.9 <= page.evaluate("() => window.heard.currentTime") < 5.1
    assert page.locator(".hit.playing").count() == 0


def test_a_format_that_browsers_do_not_play_plays(page) -> None:
    search(page, "a car")
    assert first_name(page) == "street.aiff"
    with page.expect_response(lambda answer: "/audio" in answer.url) as answer:
        page.locator(".hit .play").first.click()
    assert answer.value.headers["content-type"] == "audio/wav"
    playwright.expect(page.locator("#status")).not_to_have_class("bad", timeout=WAIT_MS)
    page.wait_for_selector(".hit:not(.playing)")


def test_a_dropped_file_finds_its_like_and_says_what_it_is(page, tmp_path: Path) -> None:
    write_audio(tmp_path / "query.wav", tone("car"), RATE)
    drop(page, "query.wav", (tmp_path / "query.wav").read_bytes())
    says(page, "Like query.wav: the best of")
    assert first_name(page) == "street.aiff"
    playwright.expect(page.locator("#heard")).to_contain_text("It sounds like", timeout=WAIT_MS)
    assert page.locator("#heard button").count() == 4


def test_bad_files_get_a_sentence(page) -> None:
    drop(page, "notes.txt", b"this is no sound " * 50)
    says(page, "notes.txt")
    assert "bad" in page.locator("#status").get_attribute("class")
    assert page.locator(".hit").count() == 0
    drop(page, "huge.wav", b"RIFF", 1_500_000)
    says(page, "at most 1 MB")


def test_a_recording_is_searched_by(page) -> None:
    page.click("#record")
    says(page, "Recording")
    page.wait_for_timeout(1_200)
    page.click("#record")
    says(page, "Like your recording: the best of")
    assert page.locator(".hit").count() > 5


def test_similar_and_filters(page) -> None:
    search(page, "rain")
    page.locator(".hit", has_text="rain 0.flac").locator(".similar").click()
    says(page, "Like weather/rain 0.flac")
    assert page.locator(".hit", has_text="rain 0.flac").count() == 0
    page.locator("#facets label", has_text="weather").click()
    playwright.expect(page.locator(".hit")).to_have_count(3, timeout=WAIT_MS)
    page.locator("#facets label", has_text="animals").click()
    playwright.expect(page.locator(".hit")).to_have_count(7, timeout=WAIT_MS)


def test_the_map_is_brushed_and_heard(page) -> None:
    page.click("#toggle-map")
    page.wait_for_selector("#map[data-dots='11']")
    frame = page.locator("#map").bounding_box()
    page.mouse.move(frame["x"] + 8, frame["y"] + 8)  # past the round corner, before the dots
    page.mouse.down()
    page.mouse.move(frame["x"] + frame["width"] - 8, frame["y"] + frame["height"] - 8, steps=4)
    page.mouse.up()
    says(page, "11 sounds in the box")
    assert page.locator(".hit").count() == 11
    page.focus("#map")
    page.keyboard.press("ArrowRight")
    playwright.expect(page.locator("#map-words")).to_contain_text(re.compile("wav|flac|aiff"))
    with page.expect_response(lambda answer: "/audio" in answer.url):
        page.keyboard.press("Enter")


def test_two_models_side_by_side(page) -> None:
    search(page, "rain")
    page.click("#toggle-compare")
    page.wait_for_selector("#results.two")
    assert page.locator("#results h2").all_text_contents() == ["toy", "second"]
    assert page.locator("#results .column").count() == 2


def test_keys_alone_are_enough(page) -> None:
    page.keyboard.press("/")
    page.keyboard.type("dog")
    page.keyboard.press("Enter")
    says(page, "“dog”")
    page.keyboard.press("Escape")
    page.keyboard.press("j")
    page.keyboard.press("j")
    assert page.locator(".hit").nth(1).evaluate("each => each.matches('.chosen:focus')")
    page.keyboard.press("k")
    page.keyboard.press("Space")
    page.wait_for_selector(".hit.chosen.playing")
    page.keyboard.press("Escape")
    page.wait_for_selector(".hit.chosen:not(.playing)")
    page.keyboard.press("s")
    says(page, "Like animals/dog")
    page.keyboard.press("?")
    assert page.locator("#help").is_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_needs_no_sideways_scrolling(browser, address: str, scheme: str) -> None:
    phone = open_page(browser, address, viewport={"width": 360, "height": 740}, color_scheme=scheme)
    wide = "() => document.documentElement.scrollWidth"
    assert phone.evaluate(wide) <= 360
    search(phone, "a cat")
    assert phone.locator(".hit .name").first.text_content().startswith("a very long file name")
    phone.click("#toggle-map")
    assert phone.evaluate(wide) <= 360
    assert phone.locator(".hit .play").first.is_visible()
    assert phone.locator(".hit .words").first.bounding_box()["width"] > 200
    back = "() => getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)"
    assert (sum(phone.evaluate(back)) < 200) == (scheme == "dark")
    assert phone.faults == []
    phone.context.close()


def test_what_the_index_says_is_shown_as_text(browser, tmp_path: Path) -> None:
    evil = "<img src=x onerror=alert(1)>"
    write_tones(tmp_path, {f"{evil}.wav": ("dog",)})
    index(tmp_path, model=ToyEmbedder())
    describe(tmp_path, f"{evil}.wav", tags=[evil], caption=evil)
    with running(open_libraries(tmp_path, models=[ToyEmbedder()])) as address:
        page = open_page(browser, address)
        search(page, "dog")
        assert page.locator(".hit .caption").text_content() == evil
        assert page.locator(".hit .tags button").text_content() == evil
        assert page.locator("img").count() == 0
        page.context.close()


def test_an_empty_index_says_so(browser, tmp_path: Path) -> None:
    index(tmp_path, model=ToyEmbedder())
    with running(open_libraries(tmp_path, models=[ToyEmbedder()])) as address:
        page = open_page(browser, address)
        says(page, "This index is empty")
        page.context.close()


def test_a_server_that_went_away_is_told(browser, tmp_path: Path) -> None:
    write_tones(tmp_path, {"a.wav": ("dog",)})
    index(tmp_path, model=ToyEmbedder())
    with running(open_libraries(tmp_path, models=[ToyEmbedder()])) as address:
        page = open_page(browser, address)
    page.fill("#words", "dog")
    page.press("#words", "Enter")
    says(page, "The server does not answer")
    page.context.close()
