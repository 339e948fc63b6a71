"""The words of what this user keeps: keys, sealed files, the cache."""

from __future__ import annotations

from modelwright.command import cache as cached
from modelwright.command import keys as does
from modelwright.command.words import options
from modelwright.command.words.options import Verbs, verb
from modelwright.wording import say


def keys(verbs: Verbs) -> None:
    about = say("your own signing key, and the keys of others that you trust")
    made = verb(verbs, "keys", does.keys, about, "keys export -o me.pem", "keys trust colleague.pem")
    words = made.add_subparsers(dest="do", metavar="WORD", required=True)
    options.under(words, "make", say("make your key now; signing makes it too"))
    options.under(words, "list", say("the names of your key and of those you trust"))
    trusted = options.under(words, "trust", say("trust what this public key signs"))
    trusted.add_argument("file", type=options.place, help=say("a public key, as keys export writes it"))
    sealing = options.under(words, "seal", say("make a key that seals runs, in a file of its own"))
    kept = say("the file to write; keep a copy: without it nothing sealed can be read")
    sealing.add_argument("file", type=options.place, help=kept)
    client = options.under(words, "add-client", say("a new key for somebody who asks your server"))
    client.add_argument("name", help=say("what you call them"))
    options.under(words, "list-clients", say("who has such a key"))
    gone = options.under(words, "drop-client", say("make a key of such a name worthless"))
    gone.add_argument("name", help=say("what you called them"))
    exported = options.under(words, "export", say("write your public key, for others to trust"))
    options.out(exported, say("the file to write; without it, it is printed"))


def unseal(verbs: Verbs) -> None:
    about = say("write a sealed file in clear, like a report to be read")
    examples = (
        "unseal runs/mine/report.html -o report.html --key seal.key",
        "unseal runs/mine/artifact/README.md -o card.md --key seal.key",
    )
    made = verb(verbs, "unseal", does.unseal, about, *examples)
    made.add_argument("file", type=options.place, help=say("the sealed file"))
    options.out(made, say("the file to write"), required=True)


def cache(verbs: Verbs) -> None:
    made = verb(verbs, "cache", cached.cache, say("show what is kept between runs, or clear it"), "cache", "cache --clear")
    options.flag(made, "--clear", say("remove all of it"))
