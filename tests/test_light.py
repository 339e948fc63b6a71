"""Light to open: help, schema, show and a wrong recipe load neither torch nor anything else that takes seconds."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

HEAVY = (
    "torch", "polars", "sklearn", "numpy", "scipy", "PIL", "pandas", "safetensors", "rich", "jinja2", "psutil", "cryptography",
    "starlette", "uvicorn",
)  # fmt: skip

LIFE = ("init", "show", "schema", "check", "run", "train", "predict", "generate", "verify", "serve", "compare",
        "export", "adopt")  # fmt: skip

BLOCKED = f"""
import sys

class Block:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {HEAVY}:
            raise ImportError(f"heavy: {{name}}")

sys.meta_path.insert(0, Block())
"""

WRONG = """\
[data]
kind = "bundled"
name = "digits"

[codec]
kind = "words"
column = "text"
label = "target"

[model]
kind = "cnn"
witdh = 3

[training]
epochs = "many"
batch = 32
optimizer = {kind = "adam", rate = -1}
"""


def blocked(code: str, folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """A fresh process in which the heavy modules cannot be imported."""
    return subprocess.run(
        [sys.executable, "-c", BLOCKED + textwrap.dedent(code), *words],
        capture_output=True, text=True, encoding="utf-8", cwd=folder, env=None, check=False,
    )  # fmt: skip


def modelwright(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return blocked("from modelwright.__main__ import main; sys.exit(main(sys.argv[1:]))", folder, *words)


def test_the_block_blocks(tmp_path):
    for name in HEAVY:
        assert f"heavy: {name}" in blocked(f"import {name}", tmp_path).stderr


def test_help(tmp_path):
    shown = modelwright(tmp_path, "--lang", "en", "--help")
    assert shown.returncode == 0, shown.stderr
    for verb in ("run", "show", "predict", "verify"):
        assert verb in shown.stdout


@pytest.mark.parametrize(
    "verb",
    [*LIFE, "prove", "keys", "unseal", "cache"],
)
def test_help_of_a_verb(tmp_path, verb):
    shown = modelwright(tmp_path, "--lang", "en", verb, "--help")
    assert shown.returncode == 0, shown.stderr


def test_schema(tmp_path):
    shown = modelwright(tmp_path, "schema")
    assert shown.returncode == 0, shown.stderr
    drawn = json.loads(shown.stdout)
    assert {"data", "codec", "model", "training"} <= set(drawn["properties"])


def test_show(tmp_path):
    shown = modelwright(tmp_path, "show", "digits", "--set", "training.epochs=3")
    assert shown.returncode == 0, shown.stderr
    assert "epochs = 3" in shown.stdout


def test_a_wrong_recipe(tmp_path):
    (tmp_path / "wrong.toml").write_text(WRONG, encoding="utf-8")
    refused = modelwright(tmp_path, "--lang", "en", "run", "wrong.toml")
    assert refused.returncode == 2, refused.stderr
    told = refused.stderr.splitlines()
    assert [line.split()[0] for line in told[:-1]] == ["wrong.toml:11", "wrong.toml:12", "wrong.toml:15", "wrong.toml:17"], told
    assert "codec words makes Tokens, but model cnn reads Image, Series: use" in told[0]
    assert told[-1] == "4 faults, nothing was run."
    assert not (tmp_path / "runs").exists()


def test_a_table_is_drafted_without_torch(tmp_path):
    """torch alone takes two seconds."""
    rows = "".join(f"C{n},{n % 7},{n}.5,{'yes' if n % 2 else 'no'}\n" for n in range(60))
    (tmp_path / "data.csv").write_text(f"id,a,b,y\n{rows}", encoding="utf-8")
    code = """
        import sys
        from modelwright.__main__ import main
        print(main(["init", "data.csv", "--label", "y", "-o", "mine.toml"]), "torch" in sys.modules)
    """
    asked = [sys.executable, "-c", textwrap.dedent(code)]
    done = subprocess.run(asked, capture_output=True, text=True, encoding="utf-8", cwd=tmp_path, check=False)
    assert done.stdout.splitlines()[-1] == "0 False", done.stderr


def test_a_wrong_recipe_is_refused_at_once(tmp_path):
    """Processor seconds of the whole process, the best of three: a busy machine makes no difference."""
    (tmp_path / "wrong.toml").write_text(WRONG, encoding="utf-8")
    code = """
        import time
        from modelwright.__main__ import main
        code = main(["--lang", "en", "run", "wrong.toml"])
        print(code, time.process_time())
    """
    took: list[float] = []
    for _ in range(3):
        code_told, seconds = blocked(code, tmp_path).stdout.split()
        assert code_told == "2"
        took.append(float(seconds))
    assert min(took) < 0.5, took


def test_threads_wait_awake_for_a_short_while_unless_the_user_says_otherwise():
    code = """
import os, sys
from modelwright.__main__ import main
sys.argv = ["modelwright"]
main(["--lang", "en"])
before = os.environ.get("GOMP_SPINCOUNT")
main()
print(before, os.environ["GOMP_SPINCOUNT"])
"""
    for own, wanted in (({}, "None 10000"), ({"GOMP_SPINCOUNT": "7"}, "7 7")):
        there = {name: value for name, value in os.environ.items() if name != "GOMP_SPINCOUNT"}
        asked = [sys.executable, "-c", code]
        done = subprocess.run(asked, capture_output=True, text=True, encoding="utf-8", env={**there, **own}, check=False)
        assert done.stdout.splitlines()[-1] == wanted, done.stderr
