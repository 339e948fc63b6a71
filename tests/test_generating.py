"""Answers that keep to something: stop words, JSON schemas, patterns; many prompts at once from a file."""

from __future__ import annotations

import json
import random
import re

import polars as pl
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from modelwright import generating, shelf
from modelwright.__main__ import main
from modelwright.data.codecs import documents
from modelwright.data.codecs.documents import passages
from modelwright.data.codecs.tokens import tokenizing
from modelwright.data.codecs.tokens.tokenizing import END, FIRST
from modelwright.generating import Keeping
from modelwright.generating.grammars import grammar
from modelwright.generating.saying import Saying
from modelwright.machine import tuned
from modelwright.models import Decoder, build
from modelwright.models.sampling import Sampling
from modelwright.nouns import Artifact, Refused, Tuning, Unkept

SIGNS = "".join(chr(code) for code in range(32, 127)) + "\né"
USER = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "maxLength": 5},
        "age": {"type": "integer", "minimum": 0, "maximum": 150},
        "kind": {"enum": ["cat", "dog"]},
        "tags": {"type": "array", "items": {"type": "boolean"}, "maxItems": 3},
    },
    "required": ["name", "age", "kind", "tags"],
    "additionalProperties": False,
}


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    with tuned(Tuning(threads=1)):
        yield


def artifact(kind: documents.Tokenizer, seed: int, louder: float = 3.0, signs: str = SIGNS) -> Artifact:
    """A model that learned nothing: what it says is chance, and all the more held to its form."""
    tokenizer = tokenizing.fit(kind, lambda: iter([pl.Series([signs * 3 + " the then there other the then"])]))
    codec = passages.Passages(documents.Documents(longest=64, tokenizer=kind), tokenizer, 64)
    module = build(Decoder(1, 32, 2), codec.reads, codec.writes, seed).eval()
    with torch.no_grad():
        for weight in module.parameters():
            weight.mul_(louder)
    return Artifact(Decoder(1, 32, 2), codec, module)


CHARACTERS, PAIRS = artifact(documents.Character(), 0), artifact(documents.BPE(300), 1)


def answers(one: Artifact, how: Sampling, keeping: Keeping, prompt: str = "a") -> str:
    return "".join(generating.generate(one, generating.begin(one, prompt), how, keeping))


# --- stop words ---------------------------------------------------------------------------------------------------------


@given(
    st.lists(st.text("abc", min_size=0, max_size=3), max_size=12), st.lists(st.text("abc", min_size=1, max_size=4), max_size=3)
)
@settings(max_examples=300)
def test_what_is_shown_stands_before_the_first_stop_word_and_never_is_a_part_of_one(pieces, stops):
    spelled = (*(b"",) * FIRST, *(piece.encode() for piece in pieces))
    saying, shown, whole = Saying(spelled, tuple(stops)), "", "".join(pieces)
    for place in range(len(pieces)):
        on = saying.told(FIRST + place)
        shown += saying.ready()
        so_far = "".join(pieces[: place + 1])
        met = any(stop in so_far for stop in stops)
        assert on == (not met)
        if met:
            break
        assert so_far.startswith(shown)
        held = so_far[len(shown) :]
        assert not held or any(stop.startswith(held) and stop != held for stop in stops), "only what may become one is held"
    ends = [whole.index(stop) for stop in stops if stop in whole]
    if not ends:
        assert shown + saying.finish() == whole
    else:
        first = next(n for n in range(len(pieces) + 1) if any(stop in "".join(pieces[:n]) for stop in stops))
        heard = "".join(pieces[:first])
        assert shown + saying.finish() == heard[: min(heard.index(stop) for stop in stops if stop in heard)]


def test_half_a_character_is_no_text_yet_and_a_fork_goes_its_own_way():
    spelled = (*(b"",) * FIRST, b"\xc3", b"\xa9", b"!")
    saying = Saying(spelled, ("\xe9!",))
    assert saying.told(FIRST)
    assert saying.ready() == ""
    assert saying.told(FIRST + 1)
    assert saying.ready() == "", "it may become a stop word"
    other = saying.fork()
    assert not saying.told(FIRST + 2)
    assert saying.stopped
    assert saying.finish() == ""
    assert other.told(FIRST + 1)
    assert other.finish().startswith("\xe9")


@pytest.mark.parametrize("one", [CHARACTERS, PAIRS], ids=["characters", "pairs"])
def test_a_model_ends_at_a_stop_word(one):
    whole = answers(one, Sampling(most=60, temperature=1.0, seed=5, never=(END,)), Keeping())
    stop = whole[20:23]
    short = answers(one, Sampling(most=60, temperature=1.0, seed=5, never=(END,)), Keeping((stop,)))
    assert short == whole[: whole.index(stop)]
    with pytest.raises(Refused, match="A stop word is empty"):
        Keeping(("",))


# --- forms --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("one", [CHARACTERS, PAIRS], ids=["characters", "pairs"])
@pytest.mark.parametrize("seed", range(4))
def test_an_answer_held_to_a_schema_is_an_instance_of_it(one, seed):
    told = answers(one, Sampling(most=300, temperature=1.0, seed=seed), Keeping(schema=USER))
    found = json.loads(told)
    assert list(found) == ["name", "age", "kind", "tags"]
    assert isinstance(found["name"], str)
    assert len(found["name"]) <= 5
    assert type(found["age"]) is int
    assert 0 <= found["age"] <= 150
    assert found["kind"] in ("cat", "dog")
    assert len(found["tags"]) <= 3
    assert all(type(tag) is bool for tag in found["tags"])


@pytest.mark.parametrize("pattern", [r"[a-c]{3,5}-[0-9]{2}", r"(yes|no)", r"(the )+then", "é+!"])
@pytest.mark.parametrize("one", [CHARACTERS, PAIRS], ids=["characters", "pairs"])
@pytest.mark.parametrize(
    "how", [Sampling(most=200, temperature=2.0, seed=1), Sampling(most=12, beams=3)], ids=["drawn", "beams"]
)
def test_an_answer_held_to_a_pattern_matches_it_whole(one, how, pattern):
    assert re.fullmatch(pattern, answers(one, how, Keeping(pattern=pattern)))


def test_an_answer_that_is_cut_before_it_has_its_form_is_told():
    with pytest.raises(Unkept, match="After 5 tokens the answer has not the form"):
        answers(CHARACTERS, Sampling(most=5), Keeping(schema=USER))


@pytest.mark.parametrize(
    ("keeping", "sentence"),
    [
        ({"schema": {"type": "nothing"}}, "No answer can be held to this JSON schema"),
        ({"schema": {"type": "object", "dependentSchemas": {"a": {}}}}, "No answer can be held to this JSON schema"),
        ({"schema": {"type": "string", "minLength": 3, "maxLength": 2}}, "No answer can be held to this JSON schema"),
        ({"schema": {"x-guidance": {"lenient": True}, "type": "object", "unheard": 1, "dependentSchemas": {}}}, "No answer"),
        ({"pattern": "(a"}, "No answer can be held to this pattern"),
        ({"pattern": "a(?=b)"}, "No answer can be held to this pattern"),
        ({"pattern": "a", "schema": {}}, "give one of the two"),
    ],
)
def test_a_form_that_cannot_be_held_is_refused(keeping, sentence):
    with pytest.raises(Refused, match=sentence):
        answers(CHARACTERS, Sampling(most=5), Keeping(**keeping))


def test_a_form_that_the_model_has_no_sign_for_is_refused():
    few = artifact(documents.Character(), 0, signs="abc")
    with pytest.raises(Refused, match="No token of this model goes on with the form"):
        answers(few, Sampling(most=5), Keeping(pattern="a[0-9]"))


def test_no_control_token_and_no_unknown_fits_a_form():
    form = grammar(PAIRS.codec, Keeping(pattern="(?s:.)*"))
    allowed = form.allowed().tolist()
    assert [number for number in range(FIRST) if allowed[number]] == [END], "it is whole at once, and may end"
    assert sum(allowed) > 200


# --- many prompts -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    shelf.put(PAIRS, home / "artifact")
    return home


def test_a_file_of_prompts_is_answered_as_each_alone(folder, capsys):
    chance = random.Random(0)
    prompts = ["".join(chance.choices(SIGNS, k=chance.choice([1, 3, 9, 30, 80]))).strip() or "x" for _ in range(13)]
    (folder / "prompts.jsonl").write_text(
        "".join(json.dumps({"prompt": one}) + "\n" for one in [*prompts, None]), encoding="utf-8"
    )
    words = ["--temperature", "0.7", "--tokens", "20", "--seed", "3", "--repetition", "1.1", "--stop", "e", "--quiet"]
    place = str(folder / "artifact")
    assert (
        main(
            [
                "generate",
                place,
                "--prompts",
                str(folder / "prompts.jsonl"),
                "-o",
                str(folder / "a.jsonl"),
                "--batch",
                "4",
                *words,
            ]
        )
        == 0
    )
    found = pl.read_ndjson(folder / "a.jsonl").sort("row")
    assert found["row"].to_list() == list(range(14))
    capsys.readouterr()
    for prompt, said in zip(prompts, found["answer"].to_list()):
        assert main(["generate", place, prompt, "--json", *words]) == 0
        assert json.loads(capsys.readouterr().out)["text"] == said
    assert len(set(found["answer"][:13])) > 5
    assert found["fault"].to_list() == [None] * 13 + ["there is no prompt"]


def test_a_file_held_to_a_form_says_which_answers_were_cut(folder, capsys):
    (folder / "three.txt").write_text("a\nb\nc\n", encoding="utf-8")
    (folder / "user.json").write_text(json.dumps(USER), encoding="utf-8")
    words = [
        "generate",
        str(folder / "artifact"),
        "--prompts",
        str(folder / "three.txt"),
        "--schema",
        str(folder / "user.json"),
    ]
    assert main([*words, "-o", str(folder / "cut.csv"), "--tokens", "3"]) == 1
    assert "3 answers were cut before they had the form" in capsys.readouterr().err
    assert pl.read_csv(folder / "cut.csv")["fault"].to_list() == ["cut before it had its form"] * 3
    assert main([*words, "-o", str(folder / "whole.csv"), "--tokens", "300", "--temperature", "1"]) == 0
    assert {frozenset(json.loads(one)) for one in pl.read_csv(folder / "whole.csv")["answer"]} == {frozenset(USER["required"])}


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ([], "Give a prompt, or a file of them"),
        (["a", "--prompts", "p.txt", "-o", "x.csv"], "Give a prompt, or a file of them"),
        (["--prompts", "p.txt"], "--prompts and -o go together"),
        (["a", "-o", "x.csv"], "--prompts and -o go together"),
        (["a", "--beams", "2", "--temperature", "1"], "Beams look for the likeliest text"),
        (["a", "--stop", ""], "A stop word is empty"),
        (["a", "--min-p", "2"], "min_p"),
        (["a", "--schema", "list.json"], "an object of JSON"),
        (["a", "--schema", "nowhere.json"], "nowhere.json"),
    ],
)
def test_words_that_do_not_go_together(folder, words, sentence, capsys, monkeypatch):
    monkeypatch.chdir(folder)
    (folder / "p.txt").write_text("a\n", encoding="utf-8")
    (folder / "list.json").write_text("[1]", encoding="utf-8")
    assert main(["generate", "artifact", *words]) == 2
    assert sentence in capsys.readouterr().err


def test_half_the_bytes_answer_too(folder, capsys):
    words = ["generate", str(folder / "artifact"), "the", "--tokens", "12", "--json"]
    texts: list[str] = []
    for more in ([], ["--bf16"], ["--bf16"]):
        assert main([*words, *more]) == 0
        texts.append(json.loads(capsys.readouterr().out)["text"])
    assert texts[1] == texts[2]
    assert texts[1]


def test_beams_on_the_command_line_say_one_text_and_stop_at_a_word(folder, capsys):
    place = str(folder / "artifact")
    assert main(["generate", place, "the", "--beams", "3", "--tokens", "12", "--json"]) == 0
    whole = json.loads(capsys.readouterr().out)["text"]
    assert main(["generate", place, "the", "--beams", "3", "--tokens", "12"]) == 0
    assert capsys.readouterr().out == f"the{whole}\n"
