"""Where the key comes from that seals a run: a file, or a command that prints it. Its bytes never stand in a sentence.

A key is 32 random bytes, raw or as 64 hexadecimal digits, as `modelwright keys seal FILE` or `openssl rand -hex 32` make them.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from modelwright import vault
from modelwright.nouns import Refused
from modelwright.wording import say

LARGEST = 4096
"""Bytes of what holds a key."""
PATIENCE = 60.0
"""Seconds that a command has to print a key; a person may have to type a word into it."""
VARIABLE = "MODELWRIGHT_KEY_COMMAND"
FEWEST = 12
"""Different bytes in a key: 32 random ones have fewer once in 10^15 times."""


@dataclass(frozen=True)
class KeyFile:
    """A file with the key."""

    path: Path

    def seal(self) -> vault.Seal:
        """Refused: not there, or no key in it."""
        return _understood(vault.read_bytes(self.path, LARGEST), str(self.path))


@dataclass(frozen=True)
class KeyCommand:
    """A command that prints the key, like one that asks a key store. It is started as it stands, by no shell."""

    command: tuple[str, ...]

    def seal(self) -> vault.Seal:
        """Refused: it cannot be started, fails, takes too long, or prints no key."""
        if not self.command:
            raise Refused(say("The command that prints the key has no words: name a program."))
        name = self.command[0]
        try:
            done = subprocess.run(self.command, stdout=subprocess.PIPE, timeout=PATIENCE, check=False)
        except OSError as error:
            raise Refused(say("{name} cannot be started for the key ({problem}).", name=name, problem=error.strerror)) from None
        except subprocess.TimeoutExpired:
            raise Refused(say("{name} printed no key within {seconds} s.", name=name, seconds=f"{PATIENCE:g}")) from None
        if done.returncode:
            raise Refused(say("{name} ended with code {code} and gave no key.", name=name, code=done.returncode))
        return _understood(done.stdout, name)


Sealing: TypeAlias = KeyFile | KeyCommand


def at_hand(path: Path | None) -> Callable[[], vault.Seal] | None:
    """The key for reading what is sealed: of this file, or of the command that the user's surroundings name. Not read yet."""
    if path is not None:
        return KeyFile(path).seal
    line = os.environ.get(VARIABLE, "").strip()
    return (lambda: KeyCommand(_words(line)).seal()) if line else None


def _words(line: str) -> tuple[str, ...]:
    """As a shell would part them; Windows' backslashes stay. Refused: a quotation mark without its other half."""
    try:
        if sys.platform == "win32":
            return tuple(word.strip('"') for word in shlex.split(line, posix=False))
        return tuple(shlex.split(line))
    except ValueError:
        raise Refused(say("{variable} is no command: a quotation mark in it is never closed.", variable=VARIABLE)) from None


def make(path: Path) -> None:
    """A new key in a file of its own, readable by nobody else. Refused where a file is there already."""
    if path.exists():
        raise Refused(say("{path} is there already and is not overwritten: what it sealed would be lost.", path=path))
    vault.put_secret(path, (os.urandom(32).hex() + "\n").encode())


def _understood(data: bytes, where: str) -> vault.Seal:
    """32 bytes as they are, or 64 digits."""
    text = data.strip()
    if re.fullmatch(rb"[0-9a-fA-F]{64}", text):
        key = bytes.fromhex(text.decode())
    elif len(data) == 32 and not re.fullmatch(rb"[\x09-\x0d\x20-\x7e]{32}", data):
        key = data
    else:
        facts = {"where": where, "n": len(data)}
        none = say("{where} holds no key: it has {n} bytes, and a key is 64 hexadecimal digits or 32 raw bytes.", **facts)
        raise Refused(none, _way_out())
    if len(set(key)) < FEWEST:
        raise Refused(say("{where} holds a key that is not random: anybody could guess it.", where=where), _way_out())
    return vault.Seal(key)


def _way_out() -> str:
    return say("A key is made with: modelwright keys seal FILE. A half or a retyped one opens nothing: keep a copy of it.")
