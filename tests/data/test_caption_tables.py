import json
from pathlib import Path

import pytest

from earshot.core.errors import EarShotError
from earshot.data.caption_tables import match_captions, read_captions
from shared_data import shared_data


def write(path: Path, text: str) -> Path:
    path.write_text(text, "utf-8")
    return path


def match(tmp_path, candidates: str, references: str, suffixes=(".csv", ".csv")):
    one = write(tmp_path / f"written{suffixes[0]}", candidates)
    other = write(tmp_path / f"references{suffixes[1]}", references)
    return match_captions(read_captions(one, written=True), read_captions(other))


def test_five_columns_a_clip_as_clotho_has_them(tmp_path) -> None:
    scored = match(
        tmp_path,
        "file_name,caption_predicted\nb.wav,rain\na.wav,\n",
        "file_name,caption_1,caption_2\na.wav,a dog,dogs\nb.wav,it rains,\n",
    )
    assert [(each.key, each.candidate, each.references) for each in scored] == [
        ("a.wav", "", ("a dog", "dogs")),
        ("b.wav", "rain", ("it rains",)),
    ]


def test_a_row_a_caption_as_audiocaps_has_them(tmp_path) -> None:
    references = (
        "audiocap_id,youtube_id,start_time,caption\n1,x,0,a dog\n2,x,30,a bell\n3,x,0,dogs bark\n"
    )
    written = "youtube_id,start_time,caption\nx,30,bell\nx,0,dog\n"
    scored = match(tmp_path, written, references)
    assert [(each.candidate, each.references) for each in scored] == [
        ("dog", ("a dog", "dogs bark")),
        ("bell", ("a bell",)),
    ]


def test_a_manifest_and_what_earshot_caption_writes(tmp_path) -> None:
    references = {"audio": "clips/a.wav", "captions": ["a dog"], "events": [{"kind": "dog"}]}
    written = {"path": "/far/away/clips/a.wav", "caption": "dog", "windows": []}
    suffixes = (".jsonl", ".jsonl")
    (scored,) = match(tmp_path, json.dumps(written), json.dumps(references), suffixes)
    assert (scored.candidate, scored.references) == ("dog", ("a dog",))
    assert scored.events == [{"kind": "dog"}]


def test_lines_of_a_text_go_by_order(tmp_path) -> None:
    scored = match(
        tmp_path, "dog\n\nbell\n", "id,caption\n1,a\n2,b\n3,c\n", suffixes=(".txt", ".csv")
    )
    assert [each.candidate for each in scored] == ["dog", "", "bell"]


def test_the_released_tables_are_read() -> None:
    text = shared_data("text")
    audiocaps = read_captions(text / "audiocaps_test.csv")
    assert len(audiocaps.clips) == 975
    assert {len(clip.captions) for clip in audiocaps.clips} == {5}
    clotho = read_captions(text / "clotho_captions_train.csv")
    assert (len(clotho.clips), len(clotho.clips[0].captions)) == (3_839, 5)


NAMED = "id,caption\n1,a dog\n2,rain\n"


@pytest.mark.parametrize(
    ("candidates", "references", "words"),
    [
        ("id,caption\n1,dog\n", NAMED, "no candidate for 1 clips, such as 2"),
        (NAMED + "3,wind\n", NAMED, "1 candidates without references, such as 3"),
        (NAMED + "1,dogs\n", NAMED, "several captions for 1"),
        ("caption\na\nb\nc\n", NAMED, "3 candidates in written.csv and references of 2 clips"),
        (NAMED, "id,caption\n1,a dog\n2,\n", "without a reference for 2"),
        (NAMED, "id,label\n1,dog\n", "a column of captions"),
        (NAMED, "id,caption\n", "without a row"),
        ("path,caption\na/x.wav,a\nb/x.wav,b\n", "path,caption\nx.wav,c\n", "one file name"),
    ],
)
def test_what_does_not_match_is_refused(tmp_path, candidates, references, words) -> None:
    with pytest.raises(EarShotError, match=words) as fault:
        match(tmp_path, candidates, references)
    assert fault.value.mend


def test_a_caption_that_is_no_text_is_named_with_its_line(tmp_path) -> None:
    with pytest.raises(EarShotError, match=r"written\.jsonl, line 2, field 'caption'"):
        match(
            tmp_path,
            '{"id": 1, "caption": "a"}\n{"id": 2, "caption": 7}\n',
            NAMED,
            (".jsonl", ".csv"),
        )


def test_a_row_that_cannot_be_read_is_named(tmp_path) -> None:
    with pytest.raises(EarShotError, match=r"written\.jsonl, line 1"):
        match(tmp_path, "no json\n", NAMED, (".jsonl", ".csv"))


def test_a_text_in_another_encoding_is_refused(tmp_path) -> None:
    (tmp_path / "a.txt").write_bytes(b"\xff\xfe dog")
    with pytest.raises(EarShotError, match="UTF-8"):
        read_captions(tmp_path / "a.txt", written=True)
