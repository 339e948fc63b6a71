"""Real kills of a process that lays tokens in the cache: begun again, the same bytes lie there, and nothing else.

One helper imports once and forks. It is killed at every call to the disk in turn, and at random instants; each time it begins
again until it ends. The same harness must find planted bugs.
"""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

HELPER = """
    import json, os, random, signal, sys, time
    from pathlib import Path
    import numpy as np
    import polars as pl
    from modelwright import vault
    from modelwright.data import shards
    from modelwright.data.codecs import Documents
    from modelwright.machine import tuned
    from modelwright.nouns import Rows, Tuning
    from modelwright.vault import disk, files

    home, planted, order = Path(sys.argv[1]), sys.argv[2], random.Random(int(sys.argv[3]))
    dice = random.Random(0)
    texts = [" ".join(dice.choices(["night", "day", "king", "comes"], k=dice.randrange(1, 60))) for _ in range(16)]
    shards.SPAN = 700
    CALLS = ["make_folder", "write", "settle", "settle_folder", "read", "move", "remove"]

    if planted == "nothing is swept":
        vault.sweep = lambda folder, age: None
    elif planted == "shards stay":
        clear = vault.clear
        vault.clear = lambda folder, names: None if (folder / "facts.json").stat().st_mtime < BEGAN else clear(folder, names)
    elif planted == "in place":
        def put(path, data):
            path.write_bytes(data[: len(data) // 2])
            disk.settle(path)
            path.write_bytes(data)
        vault.put_file = put

    def lay(cache, fatal=None):
        '''In a process of its own; killed at the call number `fatal`. Its calls, where it was not.'''
        mouth, ear = os.pipe()
        child = os.fork()
        if not child:
            os.environ["MODELWRIGHT_CACHE"] = str(cache)
            globals()["BEGAN"] = time.time()
            calls = 0
            def counted(call):
                def calling(*asked):
                    nonlocal calls
                    calls += 1
                    if calls == fatal:
                        os.kill(os.getpid(), signal.SIGKILL)
                    return call(*asked)
                return calling
            for name in CALLS:
                setattr(disk, name, counted(getattr(disk, name)))
            rows = Rows(np.arange(len(texts)), pl.DataFrame({"text": texts}))    # no thread of theirs lives before a fork
            codec = Documents(longest=16).fit(lambda: iter([rows]))
            with tuned(Tuning(threads=1)):
                shards.on_disk(codec, rows, np.arange(len(texts)), "data", lambda *_: None)
            os.write(ear, str(calls).encode())
            os._exit(0)
        os.close(ear)
        return child, mouth

    def ended(child, mouth):
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        said = os.read(mouth, 20)
        os.close(mouth)
        return code, int(said or 0)

    def lies(cache):
        found = {path.relative_to(cache).as_posix(): path.read_bytes() for path in sorted(cache.rglob("*")) if path.is_file()}
        return {name: data for name, data in found.items() if not name.endswith(".lock")}

    home.mkdir()
    began = time.perf_counter()
    code, calls = ended(*lay(home / "whole"))
    lasts = time.perf_counter() - began
    assert code == 0, code
    wanted = lies(home / "whole")
    kills, differ, within = 0, [], 0
    def begun_again(cache, name):
        code, _ = ended(*lay(cache))
        if code or lies(cache) != wanted:
            differ.append([name, code, sorted(set(lies(cache)) ^ set(wanted))])
    for fatal in range(calls, 0, -1):
        if planted and differ:
            break
        code, _ = ended(*lay(home / f"at{fatal}", fatal))
        assert code == -signal.SIGKILL, code
        kills, within = kills + 1, within + 1
        begun_again(home / f"at{fatal}", f"call {fatal}")
    for turn in range(int(sys.argv[4])):
        cache = home / f"turn{turn}"
        for _ in range(order.randrange(1, 4)):
            child, mouth = lay(cache)
            time.sleep(order.uniform(0, lasts))
            os.kill(child, signal.SIGKILL)
            code, _ = ended(child, mouth)
            kills, within = kills + 1, within + (code != 0)
        begun_again(cache, f"turn {turn}")
    print(json.dumps({"calls": calls, "kills": kills, "within": within, "differ": differ, "lies": sorted(wanted)}))
"""

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="a process cannot be forked there")


def killed(tmp_path: Path, planted: str = "", turns: int = 0) -> Any:
    script = tmp_path / "helper.py"
    script.write_text(textwrap.dedent(HELPER), encoding="utf-8")
    asked = [sys.executable, str(script), str(tmp_path / "home"), planted, "7", str(turns)]
    told = subprocess.run(asked, capture_output=True, text=True, encoding="utf-8", timeout=300, check=False)
    assert told.returncode == 0, told.stderr[-2000:]
    return json.loads(told.stdout.splitlines()[-1])


def test_killed_at_every_call_to_the_disk_and_at_random_it_ends_with_the_same_bytes(tmp_path):
    told = killed(tmp_path, turns=6)
    assert told["calls"] > 40
    assert told["within"] > told["calls"], "of the random kills some fell before it ended"
    assert told["differ"] == []
    names = {name.rpartition("/")[2] for name in told["lies"]}
    assert "facts.json" in names and "inputs" in names
    assert not any(name.endswith(".safetensors") or ".aside" in name for name in names)


@pytest.mark.parametrize("planted", ["nothing is swept", "shards stay", "in place"])
def test_planted_bugs_are_found(planted, tmp_path):
    assert killed(tmp_path, planted)["differ"]
