"""What the verbs keys and unseal do: the user's own key, those that are trusted, and what is sealed."""

from __future__ import annotations

from argparse import Namespace

from modelwright.command.asked import answer, refuse_there
from modelwright.wording import say


def keys(words: Namespace) -> int:
    does = {"make": _make, "list": _list, "trust": _trust, "export": _export, "seal": _seal,
            "add-client": _add_client, "list-clients": _list_clients, "drop-client": _drop_client}  # fmt: skip
    return does[words.do](words)


def _make(words: Namespace) -> int:
    from modelwright import protection

    there = protection.export() is not None
    name = protection.own_key().public.name
    told = say("Your key is {key}; it was there already.", key=name) if there else say("Your key is {key}.", key=name)
    return answer(words, {"key": name, "made": not there}, told)


def _list(words: Namespace) -> int:
    from modelwright import protection

    known = protection.known_keys()
    hows = {"own": say("yours"), "trusted": say("trusted")}
    lines = [f"{name}  {hows[how]}" for name, how in known.items()]
    none = say("No key yet: the first run makes yours, or modelwright keys make does.")
    return answer(words, {"keys": dict(known)}, "\n".join(lines) or none)


def _trust(words: Namespace) -> int:
    from modelwright import protection

    name = protection.trust(words.file).name
    return answer(words, {"trusted": name}, say("What {key} signs is trusted from now on.", key=name))


def _export(words: Namespace) -> int:
    from modelwright import protection, vault

    public = protection.own_key().public
    pem = public.pem()
    if words.out is None:
        return answer(words, {"key": public.name, "public": pem.decode()}, pem.decode())
    refuse_there(words.out)
    vault.put_file(words.out, pem)
    return answer(words, {"key": public.name, "file": str(words.out)}, say("{path} holds your public key.", path=words.out))


def _seal(words: Namespace) -> int:
    from modelwright.protection import seals

    seals.make(words.file)
    line = f'[protection] seal = {{kind = "key_file", path = "{words.file.as_posix()}"}}'
    made = say("{path} holds a new key. Keep a copy: without it nothing that it seals can be read again.", path=words.file)
    return answer(words, {"file": str(words.file)}, f"{made}\n" + say("In a recipe: {line}", line=line))


def unseal(words: Namespace) -> int:
    from modelwright import vault

    refuse_there(words.out)
    vault.put_file(words.out, vault.take_file(words.file))
    return answer(words, {"file": str(words.out)}, say("{path} is written, in clear.", path=words.out))


def _add_client(words: Namespace) -> int:
    from modelwright import serving

    key = serving.clients.add(words.name)
    told = say("The key of {name}, shown this once: {key}", name=words.name, key=key)
    return answer(words, {"client": words.name, "key": key}, told)


def _list_clients(words: Namespace) -> int:
    from modelwright import serving

    names = serving.clients.names()
    none = say("No client yet: modelwright keys add-client NAME makes a key for one.")
    return answer(words, {"clients": list(names)}, "\n".join(names) or none)


def _drop_client(words: Namespace) -> int:
    from modelwright import serving

    serving.clients.drop(words.name)
    return answer(words, {"dropped": words.name}, say("{name} is a stranger from now on.", name=words.name))
