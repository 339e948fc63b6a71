"""A recipe's costs before it runs, measured in a process of their own: what this one holds already is not counted with them."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from modelwright import machine, planning, vault
from modelwright.nouns import Refused
from modelwright.reader import to_toml
from modelwright.recipe import Recipe, expanded
from modelwright.report.figures import scaled
from modelwright.wording import say


def plan(recipe: Recipe, folder: Path, kinds: Sequence[str] = ()) -> planning.Plan:
    """The plan of this recipe's life in this folder. `kinds`: modules of the user's own kinds. Refused: what cannot fit."""
    with tempfile.TemporaryDirectory(prefix="modelwright-plan-", ignore_cleanup_errors=True) as work:
        order = Path(work) / "recipe.toml"
        vault.put_file(order, to_toml(expanded(recipe)).encode())
        guests = [word for kind in kinds for word in ("--kinds", kind)]
        words = [sys.executable, "-m", "modelwright", *guests, "plan", str(order), "--here", "--json", "-o", str(folder)]
        done = subprocess.run(words, capture_output=True, encoding="utf-8", errors="replace", check=False)
    if done.returncode == 2:
        raise Refused(*done.stderr.strip().splitlines())
    if done.returncode:
        raise Refused(_ended(done.returncode), *done.stderr.strip().splitlines()[-1:])
    return planning.planned(json.loads(done.stdout))


def _ended(code: int) -> str:
    """How the measuring process came to no good end."""
    if code == -9:
        limit = scaled(machine.memory_limit(), "B")
        return say("The system ended the process that measured: its rows alone need more than {limit}.", limit=limit)
    return say("The process that measured ended with code {code}.", code=code)
