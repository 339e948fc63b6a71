"""Every sentence a person reads goes through here: say() looks it up in the catalogue of the chosen language.

The catalogues are gettext's: LANG/LC_MESSAGES/modelwright.po beside this file, and the .mo that msgfmt makes of it.
"""

import gettext
import locale
import os
from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from pathlib import Path

CATALOGUES = Path(__file__).parent
LANGUAGES = ("en", "zh_CN")

_spoken: ContextVar[gettext.NullTranslations | None] = ContextVar("_spoken", default=None)


def speak(language: str | None = None) -> None:
    """Chooses the language of this context: one of LANGUAGES, or the one the locale asks for."""
    wanted = language or _asked_for()
    _spoken.set(_catalogue(CATALOGUES, "zh_CN" if wanted.replace("-", "_").lower().startswith("zh") else "en"))


@contextmanager
def speaking(language: str) -> Generator[None, None, None]:
    """The same for a block."""
    before = _spoken.get()
    speak(language)
    try:
        yield
    finally:
        _spoken.set(before)


@cache
def _catalogue(folder: Path, language: str) -> gettext.NullTranslations:
    return gettext.translation("modelwright", folder, [language], fallback=True)


def speaks(language: str) -> bool:
    """Whether it is one of LANGUAGES, with or without a country, however it is spelled."""
    return language.replace("-", "_").lower().partition("_")[0] in {known.partition("_")[0] for known in LANGUAGES}


def spoken() -> str:
    """The language in use: "en" or "zh_CN"."""
    return "zh_CN" if isinstance(_spoken.get(), gettext.GNUTranslations) else "en"


def say(sentence: str, **facts: object) -> str:
    """The sentence in the language in use, its {places} filled with facts."""
    catalogue = _spoken.get()
    text = catalogue.gettext(sentence) if catalogue else sentence
    return text.format(**facts) if facts else text


def say_many(one: str, many: str, n: int, **facts: object) -> str:
    """Like say, in the form that goes with n; {n} is filled too, with thousands apart."""
    catalogue = _spoken.get()
    text = catalogue.ngettext(one, many, n) if catalogue else (one if n == 1 else many)
    return text.format(n=f"{n:,}", **facts)


def together(*sentences: str) -> str:
    """One after the other as the language writes them: Chinese leaves no gap. Empty ones are left out."""
    gap = "" if spoken() == "zh_CN" else " "
    return gap.join(filter(None, sentences))


def _asked_for() -> str:
    for name in ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG"):
        if os.environ.get(name):
            return os.environ[name]
    return locale.getlocale()[0] or "en"
