"""Where the programs behind METEOR, SPICE and the tokenizer are looked for, and what is missing."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from earshot.core.errors import EarShotError
from earshot.metrics.caption_parts import Absent, CaptionParts, PythonTokenizer, Tokenizer
from earshot.metrics.java import java
from earshot.metrics.java_tokenizer import JavaTokenizer
from earshot.metrics.meteor import Meteor
from earshot.metrics.spice import Spice

VARIABLE = "EARSHOT_CAPTION_METRICS"
PACKAGE = "pycocoevalcap"  # its wheel has all but SPICE's parser
TOKENIZER_JAR = "tokenizer/stanford-corenlp-3.4.1.jar"
METEOR_JAR, METEOR_DATA = "meteor/meteor-1.5.jar", "meteor/data/paraphrase-en.gz"
SPICE_JAR, SPICE_LIBRARY = "spice/spice-1.0.jar", "spice/lib/SceneGraphParser-1.0.jar"
SPICE_PARSER = (
    "spice/lib/stanford-corenlp-3.6.0.jar",
    "spice/lib/stanford-corenlp-3.6.0-models.jar",
)
TokenizerName = Literal["auto", "python", "java"]


def roots(folder: Path | None = None) -> list[Path]:
    """The folders to look in: the one given, that of the environment, and the package's."""
    named = os.environ.get(VARIABLE)
    spec = importlib.util.find_spec(PACKAGE)
    packaged = [Path(each) for each in spec.submodule_search_locations or ()] if spec else []
    return [each for each in (folder, Path(named) if named else None, *packaged) if each]


def java_parts(folder: Path | None = None, *, tokenizer: TokenizerName = "auto") -> CaptionParts:
    """Tokenizer, METEOR and SPICE, as far as their files and Java are at hand.

    tokenizer: "java", "python" (EarShot's own), or "auto": Java's where it is at hand. Raises
    EarShotError when "java" is asked for and is not at hand.
    """
    places = roots(folder)
    found: Tokenizer | Absent = PythonTokenizer()
    if tokenizer != "python":
        jars = _files(places, [TOKENIZER_JAR], f"pip install {PACKAGE}, or put it")
        found = jars if isinstance(jars, Absent) else JavaTokenizer(jars[0])
    if isinstance(found, Absent):
        if tokenizer == "java":
            raise EarShotError(
                got=f"the tokenizer 'java': {found.reason}",
                expected="Java and that file",
                mend="Or take EarShot's own: 'python'.",
            )
        found = PythonTokenizer()
    return CaptionParts(tokenizer=found, meteor=_meteor(places), spice=_spice(places))


def _meteor(places: Sequence[Path]) -> Meteor | Absent:
    jars = _files(places, [METEOR_JAR, METEOR_DATA], f"pip install {PACKAGE}, or put it")
    return jars if isinstance(jars, Absent) else Meteor(jars[0])


def _spice(places: Sequence[Path]) -> Spice | Absent:
    get = "take it from stanford-corenlp-full-2015-12-09.zip of nlp.stanford.edu, put it"
    jars = _files(places, [SPICE_JAR, SPICE_LIBRARY], f"pip install {PACKAGE}, or put it")
    parser = _files(places, SPICE_PARSER, get)
    if isinstance(jars, Absent):
        return jars
    if isinstance(parser, Absent):
        return parser
    return Spice(jars[0], list(dict.fromkeys(each.parent for each in (jars[1], *parser))))


def _files(places: Sequence[Path], names: Sequence[str], how: str) -> list[Path] | Absent:
    """Each file in the first place that has it; Absent, with the first one that is missing."""
    found = []
    for name in names:
        at = next((place / name for place in places if (place / name).is_file()), None)
        if at is None:
            return Absent(f"{Path(name).name} is missing: {how} at {name} of the folder {VARIABLE}")
        found.append(at)
    if java() is None:
        return Absent("Java is missing: install a JRE (default-jre-headless), 8 or later")
    return found
