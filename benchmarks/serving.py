"""Requests a second of `modelwright serve` beside a plain FastAPI app that calls the same model per request, in turn.

    python benchmarks/serving.py ARTIFACT [--runs 3] [--seconds 5] [--clients 32]

ARTIFACT is one of recipes/digits.toml. Each turn starts both servers anew, one after the other; see load.py for the clients.
"""

from __future__ import annotations

import argparse
import json
import socket
import statistics
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import psutil

HERE = Path(__file__).parent
GATE = 3.0
"""Times as many requests a second, with a 99th percentile no worse."""

Runs = dict[str, list[dict[str, float]]]


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("artifact", type=Path)
    words.add_argument("--runs", type=int, default=3)
    words.add_argument("--seconds", type=float, default=5)
    words.add_argument("--clients", type=int, default=32)
    asked = words.parse_args()
    artifact = str(asked.artifact.resolve())
    found: Runs = {"plain FastAPI": [], "modelwright": []}
    for turn in range(asked.runs):
        for name, runs in found.items():
            port = str(free_port())
            runs.append(loaded(server(name, artifact, port), port, artifact, asked))
            told = "   ".join(f"{key} {value:,.1f}" for key, value in runs[-1].items())
            say(f"{turn + 1}  {name:14} {told}")
    summarise(found)


def server(name: str, artifact: str, port: str) -> list[str]:
    if name == "modelwright":
        return [sys.executable, "-m", "modelwright", "serve", f"digits={artifact}", "--port", port]
    return [sys.executable, "-m", "peers.plain_fastapi", artifact, port]


def loaded(program: list[str], port: str, artifact: str, asked: argparse.Namespace) -> dict[str, float]:
    """Starts the server, asks it, ends it."""
    with subprocess.Popen(program, cwd=HERE, stdout=subprocess.DEVNULL) as process:
        try:
            await_answer(port)
            lasting = ["--clients", str(asked.clients), "--seconds", str(asked.seconds)]
            clients = [sys.executable, "load.py", port, artifact, *lasting]
            before = busy(process.pid)
            done = subprocess.run(clients, cwd=HERE, capture_output=True, text=True, check=False)
            if done.returncode:
                raise SystemExit(done.stderr)
            told = json.loads(done.stdout)
            return {**told, "busy": 1000 * (busy(process.pid) - before) / told.pop("all")}
        finally:
            process.terminate()


def busy(process: int) -> float:
    """Processor seconds of the server so far: other programs' are not in them."""
    times = psutil.Process(process).cpu_times()
    return times.user + times.system


def summarise(found: Runs) -> None:
    rate, p99, spent = (
        {name: statistics.median(run[key] for run in runs) for name, runs in found.items()} for key in ("rate", "p99", "busy")
    )
    ratio, slower = rate["modelwright"] / rate["plain FastAPI"], p99["modelwright"] / p99["plain FastAPI"]
    wrong = sum(run["wrong"] for runs in found.values() for run in runs)
    verdict = "met" if ratio >= GATE and slower <= 1 and not wrong else "MISSED"
    say(f"processor milliseconds a request: {spent['plain FastAPI']:.2f} and {spent['modelwright']:.2f}")
    told = f"requests a second: {ratio:.1f} x   99th percentile: {slower:.2f} x   wrong answers: {wrong:.0f}"
    say(f"{told}   gate {GATE:g} x: {verdict}")


def free_port() -> int:
    with socket.socket() as any_free:
        any_free.bind(("127.0.0.1", 0))
        return any_free.getsockname()[1]


def await_answer(port: str) -> None:
    """Until the model is loaded: that it turns a list away will do."""
    asked = urllib.request.Request(f"http://127.0.0.1:{port}/predict/digits", b"[]", {"Content-Type": "application/json"})
    for _ in range(600):
        try:
            urllib.request.urlopen(asked, timeout=60).close()
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.1)
    raise SystemExit("the server did not start")


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
