"""Write the README's table of papers from the recipes' own PAPER.

python scripts/write_papers_table.py
"""

from __future__ import annotations

import re
from pathlib import Path

from earshot.core.paper import FAMILIES
from earshot.recipes import keys, paper_of

PAGE = Path(__file__).parents[1] / "README.md"
PLACE = re.compile(r"(?<=<!-- papers -->\n).*?(?=<!-- end of papers -->)", re.DOTALL)


def with_table(page: str) -> str:
    """The page with its table as it should be."""
    rows = ["| paper | family | recipe | page |", "| --- | --- | --- | --- |"]
    for paper in sorted(map(paper_of, keys()), key=lambda p: (FAMILIES.index(p.family), p.key)):
        sources = ", ".join(f"[{arxiv}](https://arxiv.org/abs/{arxiv})" for arxiv in paper.arxiv)
        rows.append(
            f"| {paper.title} ({paper.year}; {sources}) | {paper.family} "
            f"| [`{paper.key}`](src/earshot/recipes/{paper.key}.py) "
            f"| [{paper.key}](docs/papers/{paper.key}.md) |"
        )
    return PLACE.sub(lambda _: "\n".join(["", *rows, "", ""]), page)


if __name__ == "__main__":
    PAGE.write_text(with_table(PAGE.read_text("utf-8")), "utf-8")
