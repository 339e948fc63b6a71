"""A compiler that is there and fails: training goes on eagerly, with a sentence. In a process of its own, its caches empty."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

CHILD = """
import logging
logging.basicConfig(format="%(message)s")
from lessons import Lesson, equal
from modelwright.nouns import Tuning
from modelwright.training import Training

plan = Training(epochs=2, batch=50)
lesson, plain = Lesson(plan, tuning=Tuning(compiled=True)), Lesson(plan)
lesson.steps(), plain.steps()
print("steps", lesson.run.step, "compiled", lesson.run.tuning.compiled, "as eager", equal(lesson.weights(), plain.weights()))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="CXX names the compiler on Unix only")
def test_a_compiler_that_fails_is_said_once_and_eager_goes_on(tmp_path):
    apart = {"CXX": "/bin/false", "TORCHINDUCTOR_CACHE_DIR": str(tmp_path), "PYTHONPATH": str(Path(__file__).parent)}
    command, whole = [sys.executable, "-c", CHILD], {**os.environ, **apart}
    done = subprocess.run(command, env=whole, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "steps 6 compiled False as eager True"
    assert done.stderr.count("The step could not be compiled, so it runs eagerly") == 1
