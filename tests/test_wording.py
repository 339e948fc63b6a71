"""Every sentence can be found, has its translation with the same {places}, and the compiled catalogue is the written one."""

import importlib.util
import sys
import textwrap
from pathlib import Path

import pytest

pytest.importorskip("babel")

from modelwright import wording

HERE = Path(__file__).parent.parent
_found = importlib.util.spec_from_file_location("catalogue", HERE / "scripts" / "catalogue.py")
assert _found is not None
assert _found.loader is not None
catalogue = importlib.util.module_from_spec(_found)
sys.modules["catalogue"] = catalogue
_found.loader.exec_module(catalogue)

FOREIGN = [language for language in wording.LANGUAGES if language != "en"]


@pytest.mark.parametrize("language", FOREIGN)
def test_every_sentence_is_translated_and_none_is_left_over(language):
    assert catalogue.faults(catalogue.SOURCE, wording.CATALOGUES, language) == []


def test_there_are_sentences():
    found = catalogue.calls(catalogue.SOURCE)
    assert len(found) > 100
    assert any(call.wanted == 2 for call in found)


# --- the checker finds what it is for ---------------------------------------------------------------------------------------

GOOD = """
    from modelwright.wording import say, say_many
    say("{path} is empty.", path=1)
    say("Nothing here.")
    say_many("1 row in {file}", "{n} rows in {file}", 3, file=2)
"""
TRANSLATED = {"{path} is empty.": "{path} 是空的。", "Nothing here.": "什么都没有。", "1 row in {file}": "{file} 中有 {n} 行"}


@pytest.fixture
def place(tmp_path):
    """A source with three sentences and their whole catalogue."""
    write(tmp_path, GOOD)
    catalogue.update(tmp_path, tmp_path, "zh_CN")
    translate(tmp_path, TRANSLATED)
    assert catalogue.faults(tmp_path, tmp_path, "zh_CN") == []
    return tmp_path


def write(place: Path, source: str) -> None:
    (place / "code.py").write_text(textwrap.dedent(source), encoding="utf-8")


def translate(place: Path, words: dict[str, str], compiled: bool = True) -> None:
    """Fills in translations as a translator would; the .mo follows or is left behind."""
    po = place / "zh_CN" / "LC_MESSAGES" / "modelwright.po"
    told = catalogue.read(po, "zh_CN")
    for message in told:
        forms = catalogue._forms(message.id) if message.id else ("",)
        if forms[0] in words:
            message.string = words[forms[0]] if len(forms) == 1 else (words[forms[0]],)
            message.flags.discard("fuzzy")
    with po.open("wb") as file:
        catalogue.write_po(file, told)
    if compiled:
        with po.with_suffix(".mo").open("wb") as file:
            catalogue.write_mo(file, told)


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("say(sentence)", "literal"),
        ('say(f"{path} is empty.")', "literal"),
        ('say("a" + "b")', "literal"),
        ('say("")', "literal"),
        ('say_many("1 row", rows, 2)', "literal"),
        ("wording.say(sentence)", "literal"),
        ("from modelwright.wording import say as s", "under its own name"),
        ('say("{path} is empty.", file=1)', "{path} is in the sentence but not given"),
        ('say("{path} is empty.", path=1, file=1)', "file is given but not in the sentence"),
        ('say("{path is empty.", path=1)', "expected '}'"),
        ('say("New here.")', "not translated: New here."),
    ],
)
def test_a_faulty_call_is_found(place, line, fault):
    write(place, textwrap.dedent(GOOD) + line)
    found = catalogue.faults(place, place, "zh_CN")
    assert any(fault in told for told in found), found


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        ({"{path} is empty.": "是空的。"}, "{path} is not in the translation"),
        ({"{path} is empty.": "{path} {file} 是空的。"}, "{file} is only in the translation"),
        ({"{path} is empty.": "{path:.1f} 是空的。"}, "{path:.1f} is only in the translation"),
        ({"{path} is empty.": "{path 是空的。"}, "in the translation"),
        ({"{path} is empty.": ""}, "not translated"),
        ({"1 row in {file}": "{file} 中有行"}, "{n} is not in the translation"),
    ],
)
def test_a_faulty_translation_is_found(place, words, fault):
    translate(place, words)
    found = catalogue.faults(place, place, "zh_CN")
    assert any(fault in told for told in found), found


def test_a_sentence_that_is_gone_and_a_compiled_catalogue_left_behind_are_found(place):
    translate(place, {"Nothing here.": "空。"}, compiled=False)
    assert catalogue.faults(place, place, "zh_CN") == ["the .mo is not in step with the .po: Nothing here."]
    translate(place, {})
    write(place, GOOD.replace('say("Nothing here.")', ""))
    assert catalogue.faults(place, place, "zh_CN") == ["no longer used: Nothing here."]
    (place / "zh_CN" / "LC_MESSAGES" / "modelwright.mo").unlink()
    assert "is not there" in catalogue.faults(place, place, "zh_CN")[-1]


def test_templates_are_read_too(place):
    (place / "page.html").write_text('<p>{{ say("On the page, {name}.", name=x) }}</p>\n{{ say(x) }}', encoding="utf-8")
    found = catalogue.faults(place, place, "zh_CN")
    assert "not translated: On the page, {name}." in found
    assert any(told.startswith("page.html:2") for told in found)


def test_an_update_keeps_what_is_translated_and_changes_nothing_twice(place):
    po = place / "zh_CN" / "LC_MESSAGES" / "modelwright.po"
    write(place, GOOD + '    say("One more entirely different remark")\n')
    catalogue.update(place, place, "zh_CN")
    once = po.read_bytes()
    assert catalogue.faults(place, place, "zh_CN") == ["not translated: One more entirely different remark"]
    catalogue.update(place, place, "zh_CN")
    assert po.read_bytes() == once
    write(place, GOOD)
    catalogue.update(place, place, "zh_CN")
    assert catalogue.faults(place, place, "zh_CN") == []


def test_what_is_said_is_the_translation(place, monkeypatch):
    monkeypatch.setattr(wording, "CATALOGUES", place)
    before = wording._spoken.set(None)
    try:
        wording.speak("zh_CN")
        assert wording.spoken() == "zh_CN"
        assert wording.say("{path} is empty.", path="a.csv") == "a.csv 是空的。"
        assert wording.say_many("1 row in {file}", "{n} rows in {file}", 1234, file="a.csv") == "a.csv 中有 1,234 行"
    finally:
        wording._spoken.reset(before)
    assert wording.say("{path} is empty.", path="a.csv") == "a.csv is empty."


def test_sentences_stand_together_as_the_language_writes_them():
    with wording.speaking("en"):
        assert wording.together("One.", "", "Two.") == "One. Two."
    with wording.speaking("zh_CN"):
        assert wording.together("一。", "二。") == "一。二。"
