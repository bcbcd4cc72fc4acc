"""Names of sounds as they are compared: `Dog_Bark`, "a dog bark" and "dog bark" are one."""

from __future__ import annotations

import re

from earshot.text.clean import clean

_ARTICLE = re.compile(r"^(?:an?|the|some)\s+")


def label_key(label: str) -> str:
    """`label` in lower case, underscores as spaces, without article, final stop or doubled space.

    Raises nothing: a label of spaces alone has the key "".
    """
    words = " ".join(clean(label).replace("_", " ").lower().split()).rstrip(". ")
    return _ARTICLE.sub("", words)
