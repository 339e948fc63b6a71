"""What people read beside the code is true of it: links lead somewhere, commands are there, recipes say what they cost."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable
from pathlib import Path

import pytest

from modelwright.command.parser import LIFE, parser
from modelwright.wording import speaking

ROOT = Path(__file__).parents[1]
PAGES = sorted(page for under in ("*.md", "docs/**/*.md", "benchmarks/**/*.md") for page in ROOT.glob(under))
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")
BLOCK = re.compile(r"^ *```\w*\n(.*?)^ *```", re.DOTALL | re.MULTILINE)
CODE = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
COMMAND = re.compile(r"(?:^|[\s/\\;])modelwright((?: +(?:\"[^\"]*\"|'[^']*'|[^\s#&|;>\"']+))+)")
VERBS = {add.__name__ for add in LIFE}


def name(page: Path) -> str:
    return str(page.relative_to(ROOT))


def commands(page: Path) -> list[str]:
    """The words after modelwright, of every command in a block of code."""
    blocks = BLOCK.findall(page.read_text(encoding="utf-8"))
    return found_in(line for block in blocks for line in block.replace("\\\n", " ").splitlines())


def named(page: Path) -> list[str]:
    """The same of code within a line, which may leave out what everybody knows; what is in brackets is a form."""
    text = BLOCK.sub("", page.read_text(encoding="utf-8"))
    return found_in(code for code in CODE.findall(text) if code.startswith("modelwright ") and "[" not in code)


def found_in(lines: Iterable[str]) -> list[str]:
    return [found.strip() for line in lines for found in COMMAND.findall(line) if found.split()[0] in VERBS]


def refused(command: str, capsys: pytest.CaptureFixture[str]) -> str:
    """What the parser has against it, if anything."""
    with speaking("en"):
        try:
            parser().parse_args(shlex.split(command))
        except (SystemExit, ValueError) as error:
            return f"{command}: {error} {capsys.readouterr().err.strip().splitlines()[-1:]}"
    return ""


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links_lead_somewhere(page: Path) -> None:
    text = BLOCK.sub("", page.read_text(encoding="utf-8"))
    links = [link for link in LINK.findall(text) if not re.match(r"[a-z]+:", link)]
    assert [link for link in links if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_commands_that_are_shown_can_be_given(page: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert [told for command in commands(page) if (told := refused(command, capsys))] == []
    assert [told for one in named(page) if (told := refused(one, capsys)) and "still to be named" not in told] == []


def test_commands_are_found_where_they_stand() -> None:
    found = [command for page in PAGES for command in commands(page)]
    assert len(found) > 40 and "run mine.toml --processes 2" in found


def test_both_readmes_show_the_same_commands() -> None:
    shown = [[re.sub(r"\s+", " ", one) for one in commands(ROOT / page)] for page in ("README.md", "README.zh-CN.md")]
    assert shown[0] == shown[1]


def test_decisions_are_numbered_once_and_without_gaps() -> None:
    numbers = [int(page.name[:4]) for page in sorted((ROOT / "docs/decisions").glob("*.md"))]
    assert numbers == [*range(1, len(numbers) + 1)]


@pytest.mark.parametrize("recipe", sorted(ROOT.glob("recipes/*.toml")), ids=name)
def test_a_recipe_says_what_it_costs_and_whose_data_it_learns_from(recipe: Path) -> None:
    """On which hardware, how long, which score, and under which licence the data is."""
    head = "".join(line for line in recipe.read_text(encoding="utf-8").splitlines(True) if line.startswith("#"))
    assert re.search(r"\b(cores?|threads?|GPU)\b", head, re.IGNORECASE), "hardware"
    assert re.search(r"\d ?(s|min)\b|\bminutes?\b|\bseconds\b", head), "time"
    assert re.search(r"\[\d[\d.,]* - \d[\d.,]*\]", head), "score, with its interval"
    assert re.search(r"licence|public|for research|bundled|\b(CC BY|MIT|GPL|Apache)\b", head), "licence of the data"
