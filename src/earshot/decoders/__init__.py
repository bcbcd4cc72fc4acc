"""Models that write: language models behind what was heard, and how their texts are chosen."""
