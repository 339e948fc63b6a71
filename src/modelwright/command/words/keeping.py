"""The words of what this user keeps: keys, sealed files, the cache."""

from __future__ import annotations

from pathlib import Path

from modelwright.command import cache as cached
from modelwright.command import keys as does
from modelwright.command.words import options
from modelwright.command.words.options import Verbs, verb
from modelwright.wording import say


def keys(verbs: Verbs) -> None:
    about = say("your own signing key, and the keys of others that you trust")
    made = verb(verbs, "keys", does.keys, about, "keys export -o me.pem", "keys trust colleague.pem")
    words = made.add_subparsers(dest="do", metavar="WORD", required=True)
    words.add_parser("make", help=say("make your key now; signing makes it too"), allow_abbrev=False)
    words.add_parser("list", help=say("the names of your key and of those you trust"), allow_abbrev=False)
    trusted = words.add_parser("trust", help=say("trust what this public key signs"), allow_abbrev=False)
    trusted.add_argument("file", type=Path, help=say("a public key, as keys export writes it"))
    sealing = words.add_parser("seal", help=say("make a key that seals runs, in a file of its own"), allow_abbrev=False)
    sealing.add_argument("file", type=Path, help=say("the file to write; keep a copy: without it nothing sealed can be read"))
    client = words.add_parser("add-client", help=say("a new key for somebody who asks your server"), allow_abbrev=False)
    client.add_argument("name", help=say("what you call them"))
    words.add_parser("list-clients", help=say("who has such a key"), allow_abbrev=False)
    gone = words.add_parser("drop-client", help=say("make a key of such a name worthless"), allow_abbrev=False)
    gone.add_argument("name", help=say("what you called them"))
    exported = words.add_parser("export", help=say("write your public key, for others to trust"), allow_abbrev=False)
    options.out(exported, say("the file to write; without it, it is printed"))


def unseal(verbs: Verbs) -> None:
    about = say("write a sealed file in clear, like a report to be read")
    examples = (
        "unseal runs/mine/report.html -o report.html --key seal.key",
        "unseal runs/mine/artifact/README.md -o card.md --key seal.key",
    )
    made = verb(verbs, "unseal", does.unseal, about, *examples)
    made.add_argument("file", type=Path, help=say("the sealed file"))
    options.out(made, say("the file to write"), required=True)


def cache(verbs: Verbs) -> None:
    made = verb(verbs, "cache", cached.cache, say("show what is kept between runs, or clear it"), "cache", "cache --clear")
    options.flag(made, "--clear", say("remove all of it"))
