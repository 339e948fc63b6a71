"""The command line: one command per verb, in the order of the life. Opening it loads neither torch nor polars."""

from __future__ import annotations

import io
import os
import sys
import traceback
from collections.abc import Sequence

from modelwright import parallel, protection, vault
from modelwright.command.parser import parser
from modelwright.nouns import Refused, Unkept
from modelwright.wording import say, speak

DONE, PROMISE_NOT_KEPT, USERS_FAULT, OUR_FAULT, PARTED, INTERRUPTED = 0, 1, 2, 3, 4, 130
SPINS = "10000"
"""Turns that a thread of torch's waits awake for the others before it sleeps (libgomp, so on Linux); unsaid, 300,000. Where
another program wants the cores too, a step in two threads then takes half as long or less; where none does, as long."""


def main(words: Sequence[str] | None = None) -> int:
    """Runs one command; gives the exit code."""
    if words is None:  # a process of its own; torch's threads read it when they are loaded
        os.environ.setdefault("GOMP_SPINCOUNT", SPINS)
        _speak_of_everything()
    parallel.follow()
    try:
        return parallel.last_word(_led(list(sys.argv[1:] if words is None else words)))
    except parallel.Parted:
        return PARTED  # only a worker's code: the one who leads it begins again


def _speak_of_everything() -> None:
    """A sign that the terminal or pipe cannot show (LANG=C, an old code page) becomes ?, and no fault."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def _led(given: list[str]) -> int:
    speak(_language(given))
    arguments = parser().parse_args(given)
    if arguments.verb is None:
        _out(parser().format_help())
        return DONE
    try:
        with vault.unsealing(protection.at_hand(arguments.key)):
            return arguments.does(arguments)
    except Refused as refusal:
        _err("\n".join(refusal.sentences))
        return USERS_FAULT
    except Unkept as broken:
        _err(str(broken))
        return PROMISE_NOT_KEPT
    except KeyboardInterrupt:
        if not parallel.is_worker():  # its leader says so
            _err(say("Interrupted. What was reached is kept: go on with --resume."))
        return INTERRUPTED
    except BrokenPipeError:
        return DONE
    except parallel.Parted:
        raise
    except Exception as error:
        return _unforeseen(error)


def _language(words: Sequence[str]) -> str | None:
    """--lang is wanted before the words can be parsed, for help is in a language too."""
    for place, word in enumerate(words):
        if word.startswith("--lang="):
            return word.removeprefix("--lang=")
        if word == "--lang" and place + 1 < len(words):
            return words[place + 1]
    return None


def _unforeseen(error: Exception) -> int:
    """Says so, keeps the traceback in a file and names it."""
    kept = vault.cache_folder() / "last-error.txt"
    told = traceback.format_tb(error.__traceback__) if vault.ever_sealed() else traceback.format_exception(error)
    vault.put_file(kept, "".join([*told, type(error).__name__]).encode())
    _err(say("This is a fault of modelwright, not yours: {name}: {error}", name=type(error).__name__, error=error))
    _err(say("What happened is kept in {file}; please report it.", file=kept))
    return OUR_FAULT


def _out(text: str) -> None:
    sys.stdout.write(text if text.endswith("\n") else text + "\n")


def _err(text: str) -> None:
    """Of several processes the first speaks for all. What another says may quote a row: where that is sealed it is not kept."""
    if parallel.rank() == 0:
        sys.stderr.write(text + "\n")
    elif not vault.ever_sealed():
        parallel.leave_word(text)


if __name__ == "__main__":
    sys.exit(main())
