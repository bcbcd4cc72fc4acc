"""Write docs/cli.md: what `earshot --help` and every command's --help say.

python scripts/write_cli_page.py
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from typer.main import get_command
from typer.testing import CliRunner

from earshot.cli.main import app

PAGE = Path(__file__).parents[1] / "docs" / "cli.md"
HEAD = """# The command line

Written by `python scripts/write_cli_page.py` from the commands' own help; a test compares the two.
Exit status: 0 done, 1 a mistake that one sentence on stderr tells how to mend, 2 some of many
files failed (they are listed last). `--json` puts JSON Lines on stdout; progress, notes and
failures go to stderr.
"""


def page() -> str:
    """The page as it should be."""
    sections = [HEAD]
    for words in _commands():
        sections.append(f"## {' '.join(['earshot', *words])}\n\n```text\n{_help(words)}\n```\n")
    return "\n".join(sections)


def _commands() -> Iterator[list[str]]:
    """Every command's words, groups before what is in them."""
    yield []
    for name, command in get_command(app).commands.items():
        yield [name]
        for inner in getattr(command, "commands", {}):
            yield [name, inner]


def _help(words: list[str]) -> str:
    result = CliRunner().invoke(
        app, [*words, "--help"], prog_name="earshot", env={"COLUMNS": "100", "NO_COLOR": "1"}
    )
    return "\n".join(line.rstrip() for line in result.stdout.strip().splitlines())


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
