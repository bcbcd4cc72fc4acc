"""Where a sentence of a web description leaves the sound: use, thanks, recording, comparisons."""

from __future__ import annotations

import re

from earshot.text.web_words import listed, word_list

_USE = "|".join(sorted(listed("settings", "use")))
_GEAR = "|".join(re.escape(word) for word in sorted(word_list("devices")))
_META = (
    r"(?:sound[- ]?effects?|sounds?|noises?|recordings?|samples?|clips?|audio|sfx|fx|effects?|foley"
    r"|field[- ]recordings?|loops?|takes?|tracks?|ambien[ct]es?|ambiances?|soundscapes?|files?"
    r"|versions?|collections?|series|collages?)"
)
_FILLER = (
    r"(?:\b(?:the|a|an|some|my|our|this|another|more|few|couple of|very|really|short|long|quick"
    r"|just|single|simple|old|new|original|first|second|next|last|small|large|little|big|high|low"
    r"|quality|stereo|mono|binaural|wav|mp3|dry|clean|great|good|nice|cool|perfect|awesome"
    r"|excellent|basic|classic|different|various|several|and|clear|crisp|\w+ly),?\s+)*"
)
_CLIPPED = re.IGNORECASE

# what opens a sentence and says only that there is a sound
_OPENINGS = tuple(
    re.compile(pattern, _CLIPPED)
    for pattern in (
        r"^[\w &/,]{2,40}:\s+(?=\S+\s+\S)",  # a category before what it is
        r"^(?:and|but|so|also|well|ok|okay|basically|again|here|yes|hey|hi|hello all)[,!]?\s+",
        r"^(?:this|it|that|these|those|there|here|what you hear|what you are hearing)"
        r"(?:'s|\s+is|\s+are|\s+was|\s+were)\s+",
        r"^(?:you|one|we|listeners?)\s+(?:can|could|will|may)\s+(?:clearly\s+|also\s+|even\s+"
        r"|distinctly\s+)?hear\s+",
        r"^(?:you|i|we)\s+hear\s+",
        r"^(?:it\s+)?(?:begins?|starts?|ends?|opens?|first(?:ly)?|at first|to begin|to start|then"
        r"|later|finally|suddenly|afterwards)(?:\s+with)?,?\s+(?!with\b)(?=\S+\s+\S|\S+ing\b)",
        r"^(?:somewhere|in the background|in the distance|nearby|overlapping|both|while|as"
        r"|meanwhile|at the same time|at once|simultaneously),?\s+",
        r"^(?:i|we)(?:'ve|\s+have)?\s+(?:just\s+|also\s+)?(?:recorded|captured|taped|sampled"
        r"|got|found|made)\s+",
        rf"^{_FILLER}{_META}(?:'s)?\s+(?:of|from|when|with|is|are|featuring|depicting"
        r"|(?:made|caused|produced|created)\s+(?:by|from|when|while|with)|consisting of"
        r"|(?:that\s+|which\s+)?(?:a|an|the)\s+\w+\s+makes?\s+when)\s+",
        rf"^{_FILLER}{_META}\s*[-:,]\s+",
        r"^(?:a|the)\s+(?:recording|demonstration|example|sequence|series|couple|bit|lot|bunch"
        r"|handful|number|group|few seconds?|mix|mixture|combination|layer)\s+of\s+",
        r"^(?:sounds?\s+(?:like|as if|as though)|imitation of|like)\s+",
        r"^(?:listen to|hear|hearing|recorded|recording|captured|capturing|record|features?"
        r"|contains?|includes?|featuring|containing)\s+",
        r"^(?:someone|me|my \w+|a friend)\s+(?:recording)\s+",
    )
)
# from here on nothing of the sentence can be heard
_TAILS = tuple(
    re.compile(pattern, _CLIPPED)
    for pattern in (
        r"^(?:see|visit|check|watch|look|test(?:s|ed|ing)?|parts?|volume|vol|use|used|made|original"
        r"|edited|best|comments?|contact|follow|subscribe|note)\b(?!\s+\w+ing\b).*",
        r"(?:\bthat\s+|\bwhich\s+)?\b(?:(?:was|were|is|are|been|be|i|we|has|have|had|and|all|it's)"
        r"\s+)*\b(?:recorded|taped|sampled|captured|edited|uploaded|submitted|donated|requested"
        r"|provided|downloaded|normali[sz]ed|mastered|processed|modified|equali[sz]ed|filmed"
        r"|synthesi[sz]ed|engineered)\b.*",
        r"\b(?:(?:is|are|was|would be|would|make|makes|works?|its|it's|very|also|really|and|most"
        r"|might be|may be|should be)\s+)*\b(?:great|good|perfect|ideal|useful|excellent|nice"
        r"|awesome|suitable|suited|cool|handy|best|fit|fitting|wonderful|appropriate|intended"
        r"|meant|designed)\s+(?:for|as|to|in|when|if|on)\b.*",
        r"\b(?:(?:it|you|this|that|which)\s+)?\b(?:can|could|may|might|should|must|will|would)"
        r"(?:\s+(?:also|easily|even|probably|maybe|always|just))*\s+(?:be\s+)?"
        r"(?:used?|useful|looped?|repeated|work|fit|add|have|need|like|want|love|not)\b.*",
        r"(?<!being )\b(?:i |we )?used\s+(?:for|in|as|to|by|during|with|on|my|a|an|the|it)\b.*",
        r"\b(?:made|created|generated|produced|done|obtained|achieved|designed|performed|composed"
        r"|constructed|built|simulated)\s+(?:by|with|from|using|in|on|out|entirely|through|via)\b.*",
        rf"\b(?:with|on|using|via|through|by|from|and|in)\s+(?:(?:a|an|the|my|our|two|some|\w+)\s+)"
        rf"{{0,4}}(?:{_GEAR})\b.*",
        r"\busing\b.*",
        r"\b(?:big\s+|many\s+|special\s+)?(?:thanks|thank you|thx|courtesy|credits?|props|kudos"
        r"|licen[sc]e[ds]?|copyright|attribution|royalty|public domain|feel free|enjoy|please"
        r"|hope|by request|requests?)\b.*",
        rf"\b(?:for|in)\s+(?:\w+\s+){{0,4}}?(?:{_USE})\b.*",
        r"\bfor (?:use|any|your|you|all|those|my|our|whatever|free|more|effect|\d)\b.*",
        r"(?<!hear )\b(?:(?:that|which|it|this|also|almost)\s+)*(?:sounds?|sounding|looks?)\s+"
        r"(?:a (?:bit|little)|a lot|kind of|sort of|almost|just|more|very|pretty|quite|really)*\s*"
        r"(?:like|as|similar)\b.*",
        r"\b(?:similar to|reminiscent of|like (?:the|a|an|that|one|in|when|you|something|those)"
        r"|as in|such as|something like|or similar|or something|and similar|or whatever|etc)\b.*",
        r"\b(?:because|since|so|but|although|though|however|unless|whereas|which|who|whom|that"
        r"|thats|where|if|as (?:i|it|he|she|we|they|you|if|though|well|part)|than"
        r"|then again)\b"
        r"(?!\s+(?:is|are|was|were)\s+\w+ing).*",
        r"\b(?:in order|to (?:be|make|get|have|give|use|help|add|put|see|keep|let|create|produce"
        r"|simulate|represent|show|record|capture))\b.*",
        r"\b(?:i|we|you|he|they|it's|i'm|im|its (?:a|the|my|like|not|very|actually|just))\s+.*",
        r"\s\bfrom (?!(?:a|an|the)\s+(?:distance|distant|far|afar|inside|behind|bottle|tap"
        r"|faucet|pipe|roof|hose|can|jug|gun))(?:a|an|the|my|our|his|her|some|inside|above|outside"
        r"|within|different|various|\w+).*",
        r"\b(?:at|during|over|for|after|before|about|around|approximately|roughly)\s+"
        r"(?:a |an |the )?(?:\d[\w.:/]*|early|late|mid|my|our|his|her|their|night|day|dawn|dusk"
        r"|noon|home|work|full|high|low|max|maximum|normal|\w+ (?:seconds?|minutes?|hours?))\b.*",
        r"\b(?:in|at|near|outside|inside|from|behind|beside) (?:my|our|his|her|your)\b.*",
        r"\b(?:over and over|again and again|in a row|in succession|over again|one after)\b.*",
    )
)
_HEARD = re.compile(
    r"\s+(?:(?:can|could|may)\s+(?:also\s+|clearly\s+)?be|is|are|was|were)\s+(?:clearly\s+)?"
    r"(?:heard|audible)\b(?:\s+(?:together|at once|simultaneously|clearly))?"
    r"|,?\s+(?:simultaneously|together|at (?:the same time|once))$", re.IGNORECASE
)  # fmt: skip
_NAMES = re.compile(
    r"\b(?:sounds?|noises?|effects?|sfx|ambian?ces?|ambiences?)\b(?!\s+(?:quality|file|was|is|from"
    r"|recorded|requested|like|by))", re.IGNORECASE
)  # fmt: skip
_JOINED = re.compile(
    r",?\s+(?:(?P<before>(?:is |are )?preceded by|(?:comes? |is |right |shortly )?after"
    r"(?! (?:a|some) while))|(?P<then>(?:and |is |are |,)*(?:then|followed by|gives? way to|before"
    r"|and later|and finally|ends? with|until))|(?P<while>(?:and )?(?:while|whilst|as)(?! well))"
    r"|(?P<with>(?:along |together |mixed |accompanied |combined |overlaid )?with"
    r"|(?:accompanied|overlaid|surrounded) by|over|amid"
    r"(?:st)?|against)|(?P<and>and|plus|&))\s+|(?P<comma>,)\s+", re.IGNORECASE
)  # fmt: skip
_BRACKET = re.compile(r"\([^()]*\)|\[[^\[\]]*\]|\{[^{}]*\}")
_QUOTED = re.compile(r"\"[^\"]{1,80}\"")


def heard_part(sentence: str) -> str:
    """What of a sentence can tell of sound: openings, tails, brackets and quotations go.

    "This is the sound of a dog barking, recorded in my yard" -> "a dog barking". May be empty.
    """
    text = _QUOTED.sub(" ", _BRACKET.sub(" ", sentence)).strip(" \t-:,.!?\"'")
    text = _without_openings(text)
    for pattern in _TAILS:
        cut = pattern.search(text)
        if cut and cut.start() > 0:
            text = text[: cut.start()]
        elif cut:
            return ""
    text = _HEARD.sub("", _without_openings(text.strip(" -:,.!?\"'")))
    return " ".join(text.split()).strip(" -:,.!?\"'")


def parts_of(text: str) -> list[tuple[str, str]]:
    """The text at every place where another event may begin: how it is joined, and what follows.

    The first is joined by nothing, the others by "then", "while", "with" or "and"; "before" stands
    for one that sounded before what was said so far.
    """
    found = [("", text)]
    while cut := _JOINED.search(found[-1][1]):
        joint, (before, after) = (
            found[-1][0],
            (found[-1][1][: cut.start()], found[-1][1][cut.end() :]),
        )
        kind = str(cut.lastgroup)
        found[-1:] = [(joint, before.strip(" ,")), (kind, after.strip(" ,"))]
    return [(joint, part) for joint, part in found if part]


def names_a_sound(sentence: str) -> bool:
    """Whether a sentence calls what it tells of a sound: "the sound of a monsoon"."""
    return _NAMES.search(sentence) is not None


def _without_openings(text: str) -> str:
    before = None
    while text != before:
        before = text
        for pattern in _OPENINGS:
            text = pattern.sub("", text).lstrip(" ,:-")
    return text
