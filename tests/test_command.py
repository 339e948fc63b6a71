"""The command line as a person meets it: each verb, each wrong word, each bad file; exit codes, sentences, nothing lost."""

import gzip
import json
import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from PIL import Image

from modelwright import data, vault
from modelwright.__main__ import main
from modelwright.recipe import open_recipe

QUICK = ["--set", "training.epochs=2", "--quiet"]


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="module")
def artifact(tmp_path_factory):
    folder = tmp_path_factory.mktemp("command") / "run"
    assert main(["run", "digits", "-o", str(folder), *QUICK]) == 0
    return folder / "artifact"


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    path = tmp_path_factory.mktemp("rows") / "rows.csv"
    data.read(open_recipe("digits").data).columns.drop("target").head(5).write_csv(path)
    return path


def said(capsys, *words):
    """Exit code, standard output and standard error of one command."""
    capsys.readouterr()
    code = main(list(words))
    shown = capsys.readouterr()
    return code, shown.out, shown.err


def a_table(path: Path, height: int = 120) -> Path:
    dice = np.random.default_rng(0)
    x = dice.normal(size=(height, 2))
    frame = pl.DataFrame(
        {"a": x[:, 0], "b": x[:, 1], "colour": dice.choice(["red", "blue"], height), "y": np.where(x[:, 0] > 0, "yes", "no")}
    )
    frame.write_csv(path)
    return path


# --- each verb ------------------------------------------------------------------------------------------------------------


VERBS = ("init", "show", "schema", "check", "run", "compress", "predict", "verify", "prove", "keys", "unseal", "cache")


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help_with_two_examples(capsys, verb):
    with pytest.raises(SystemExit) as end:
        main([verb, "--help"])
    assert end.value.code == 0
    examples = capsys.readouterr().out.split("examples:")[1].strip().splitlines()
    assert len(examples) == 2 and all(line.strip().startswith(f"modelwright {verb}") for line in examples)


def test_the_name_alone_shows_the_life(capsys):
    code, out, _ = said(capsys)
    assert code == 0 and out.index("init") < out.index("check") < out.index("predict") < out.index("verify")


def test_init_writes_a_recipe_that_runs(here, capsys):
    a_table(here / "data.csv")
    assert said(capsys, "init", "data.csv", "--label", "y", "-o", "mine.toml")[0] == 0
    assert (here / "mine.toml").read_text().startswith("# 120 rows")
    assert said(capsys, "run", "mine.toml", *QUICK)[0] == 0 and (here / "runs/mine/report.html").exists()


def test_init_of_a_table_as_people_have_them_runs(here, capsys):
    """Blanks by other names, a column that names rows, dates, an amount to learn: all settled in what init writes."""
    dice = np.random.default_rng(0)
    lines = ["id;day;size;price;;"]
    for n in range(90):
        size = dice.normal()
        day = f"{n % 28 + 1:02d}.{n % 12 + 1:02d}.20{n % 80 + 10}"
        lines.append(f"C{n:04d};{day};{'NaN' if n == 9 else size};{'N/A' if n == 8 else size * 3};;")
    (here / "data.csv").write_text("\ufeff" + "\n".join(lines), encoding="utf-8")
    assert said(capsys, "init", "data.csv", "--label", "price", "-o", "mine.toml")[0] == 0
    text = (here / "mine.toml").read_text()
    assert 'ignore = ["id", "day", "unnamed_5", "unnamed_6"]' in text
    assert 'missing = "median"' in text and 'target = "number"' in text
    code, out, err = said(capsys, "check", "mine.toml", "--set", 'check.accept=["missing"]')
    assert code == 0 and "price" in out and not err


@pytest.mark.parametrize(("other", "commas"), [("{n}", True), ("1.00{m}", True), ("{n}.5", False)])
def test_init_reads_a_spreadsheet_with_decimal_commas(here, capsys, other, commas):
    """Where another column has points that are no marks of thousands, nothing is guessed."""
    lines = ["size;other;price"]
    lines += [f"{n},5;{other.format(n=n, m=n % 10)};{1 + n % 9}.{n:03d},25" for n in range(80)]
    (here / "data.csv").write_text("\n".join(lines), encoding="utf-8")
    code, out, err = said(capsys, "init", "data.csv", "--label", "price")
    assert code == (0 if commas else 2), err
    assert not commas or ('decimal = ","' in out and 'target = "number"' in out and "ignore" not in out)
    if commas:
        (here / "mine.toml").write_text(out, encoding="utf-8")
        assert said(capsys, "check", "mine.toml", "--set", 'check.accept=["leak"]')[0] == 0
        assert said(capsys, "run", "mine.toml", *QUICK)[0] == 0


@pytest.mark.parametrize("cell", ["${},000", "{} %"])
def test_a_label_of_amounts_that_are_no_numbers_is_refused_before_anything_is_drafted(here, capsys, cell):
    (here / "data.csv").write_text("a;price\n" + "".join(f"{n};{cell.format(n)}\n" for n in range(60)))
    for verb in ("init", "check", "run"):
        code, _, err = said(capsys, verb, "data.csv", "--label", "price")
        assert code == 2 and "price" in err and cell.format(0) in err and "1234.5" in err


def test_labels_that_are_all_different_are_named(here, capsys):
    (here / "data.csv").write_text("a,name\n" + "".join(f"{n},Anna {n}\n" for n in range(60)))
    code, _, err = said(capsys, "check", "data.csv", "--label", "name")
    assert code == 2 and "Anna 0" in err and "column name" in err


def test_what_run_leaves_out_of_a_table_is_said(here, capsys):
    a_table(here / "data.csv")
    frame = pl.read_csv(here / "data.csv").with_columns(pl.Series("id", [f"C{n}" for n in range(120)]))
    frame.write_csv(here / "data.csv")
    code, out, err = said(capsys, "check", "data.csv", "--label", "y")
    assert code == 0 and "id" in err and "id" not in out.split()


def test_a_text_that_is_read_is_never_said_to_be_left_out(here, capsys):
    words = "I saw this film with my old friend number {n} and we {what} it a great deal"
    told = [f"{words.format(n=n, what=['loved', 'hated'][n % 2])},film {n},{n % 5},{n % 2}" for n in range(60)]
    (here / "data.csv").write_text("\n".join(["text,name,stars,y", *told]), encoding="utf-8")
    code, _, err = said(capsys, "show", "data.csv", "--label", "y")
    assert code == 0 and not err


@pytest.mark.parametrize("name", ["sales.xlsx", "sales.XLS", "all.zip", "model.pkl"])
def test_files_of_other_programs_are_told_how_to_come_here(here, capsys, name):
    (here / name).write_bytes(b"PK")
    for words in (("check", name, "--label", "y"), ("run", name), ("init", name, "--label", "y")):
        code, _, err = said(capsys, *words)
        assert code == 2 and "CSV" in err and name in err and "TOML" not in err


@pytest.mark.parametrize(("sizes", "wanted"), [
    ([(20, 30), (20, 30)], None), ([(20, 30), (40, 30), (26, 60)], "size = [26, 30]"), ([(512, 256)], "size = [128, 64]"),
])  # fmt: skip
def test_init_of_pictures_brings_them_to_one_size_that_can_be_learned(here, capsys, sizes, wanted):
    for place in range(30):
        height, width = sizes[place % len(sizes)]
        (here / "pets" / "ab"[place % 2]).mkdir(parents=True, exist_ok=True)
        colour = np.random.default_rng(place).integers(0, 255, (height, width, 3), np.uint8)
        Image.fromarray(colour).save(here / f"pets/{'ab'[place % 2]}/{place}.png")
    code, out, err = said(capsys, "init", "pets", "--label", "label")
    assert code == 0, err
    assert wanted in out if wanted else "size = " not in out
    (here / "mine.toml").write_text(out, encoding="utf-8")
    recipe = open_recipe(here / "mine.toml")
    rows = data.read(recipe.data)
    batch, faults = recipe.codec.fit(data.chunks(rows, np.arange(20))).encode(rows)
    assert not len(faults) and batch["inputs"].shape[0] == 30


def test_init_never_overwrites(here, capsys):
    a_table(here / "data.csv")
    (here / "mine.toml").write_text("mine")
    code, _, err = said(capsys, "init", "data.csv", "--label", "y", "-o", "mine.toml")
    assert code == 2 and "mine.toml" in err and (here / "mine.toml").read_text() == "mine"


def test_run_of_a_table_does_it_all_and_keeps_the_recipe(here, capsys):
    a_table(here / "data.csv")
    assert said(capsys, "run", "data.csv", "--label", "y", *QUICK)[0] == 0
    assert 'label = "y"' in (here / "runs/data/recipe.toml").read_text()


def test_commands_that_are_shown_can_be_pasted_though_paths_have_spaces(here, capsys):
    a_table(here / "my data.csv")
    assert said(capsys, "init", "my data.csv", "--label", "y", "-o", "my own.toml")[1].rstrip().endswith('run "my own.toml"')
    code, out, _ = said(capsys, "run", "my data.csv", "--label", "y", "--set", "training.epochs=2")
    shown = [line.partition("modelwright ")[2] for line in out.splitlines() if "modelwright " in line]
    assert code == 0 and len(shown) == 2
    (here / "rows.csv").write_bytes((here / "my data.csv").read_bytes())
    for command in shown:
        capsys.readouterr()
        assert main(shlex.split(command)) == 0, command
        assert "not recomputed" not in capsys.readouterr().out, "the command that is shown recomputes the scores"
    code, out, _ = said(capsys, "train", "my own.toml", "--set", "training.epochs=2", "-o", "the run")
    assert code == 0 and '"the run' in out


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "gbk"])
def test_a_terminal_that_cannot_show_a_sign_makes_no_fault(here, encoding):
    (here / "数据.csv").write_text("数,y\n" + "".join(f"{n},{'是否'[n % 2]}\n" for n in range(60)), encoding="utf-8")
    words = [sys.executable, "-m", "modelwright", "--lang", "zh_CN", "check", "数据.csv", "--label"]
    told = {**os.environ, "PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"}
    for label, code in (("y", 0), ("wrong", 2)):
        done = subprocess.run([*words, label], env=told, capture_output=True, check=False)
        assert done.returncode == code, done.stderr
        assert (done.stdout or done.stderr).strip()


def test_what_was_dropped_first_is_named_with_its_file(here, capsys):
    for place in range(40):
        (here / "pets" / "ab"[place % 2]).mkdir(parents=True, exist_ok=True)
        colour = np.random.default_rng(place).integers(0, 255, (16, 16, 3), np.uint8)
        Image.fromarray(colour).save(here / f"pets/{'ab'[place % 2]}/{place}.png")
    for place in range(0, 40, 3):
        file = here / f"pets/{'ab'[place % 2]}/{place}.png"
        file.write_bytes(file.read_bytes()[:300])
    code, out, err = said(capsys, "run", "pets", "--label", "label", "--set", "training.epochs=1")
    assert code == 0, err
    told = next(line for line in out.splitlines() if "dropped:" in line)
    named = next(place for place in range(40) if f"{place}.png" in told)
    assert named % 3 == 0 and "picture" in told


def test_how_a_table_is_read_can_be_said_in_the_same_breath(here, capsys):
    rows = "".join(f"K\xf6ln {n % 7}~{n}~{'ja' if n % 2 else 'nein'}\n" for n in range(80))
    (here / "data.csv").write_bytes(f"ort~n~y\n{rows}".encode("latin-1"))
    code, _, err = said(capsys, "init", "data.csv", "--label", "y")
    assert code == 2 and "--set data.encoding=" in err
    told = ["--set", "data.encoding=latin-1", "--set", "data.separator=~"]
    code, _, err = said(capsys, "check", "data.csv", "--label", "y", *told)
    assert code == 0, err
    assert said(capsys, "init", "data.csv", "--label", "y", *told, "--set", "training.epochs=3", "-o", "mine.toml")[0] == 0
    recipe = open_recipe(here / "mine.toml")
    assert (recipe.data.encoding, recipe.training.epochs) == ("latin-1", 3)
    assert "Köln 0" in data.read(recipe.data).columns["ort"]
    code, _, err = said(capsys, "init", "data.csv", "--label", "y", "--set", "data.encodign=latin-1")
    assert code == 2 and "did you mean encoding?" in err


def test_a_label_that_differs_by_a_space_is_shown_with_it(here, capsys):
    (here / "data.csv").write_text("a,price \n" + "".join(f"{n},{n}\n" for n in range(60)))
    code, _, err = said(capsys, "check", "data.csv", "--label", "price")
    assert code == 2 and 'Did you mean "price "?' in err


def test_the_label_is_never_guessed(here, capsys):
    a_table(here / "data.csv")
    code, _, err = said(capsys, "run", "data.csv")
    assert code == 2 and "--label" in err and "a, b, colour, y" in err


def test_json_is_one_object_and_all_else_is_on_standard_error(here, capsys):
    code, out, err = said(capsys, "run", "digits", "--set", "training.epochs=2", "--json")
    told = json.loads(out)
    assert code == 0 and {"run", "artifact", "report", "scores", "baselines", "predicted", "measured", "reused"} <= told.keys()
    assert told["scores"][0]["name"] == "accuracy" and "evaluate" in err


def test_quiet_says_nothing(here, capsys):
    assert said(capsys, "run", "digits", *QUICK) == (0, "", "")


def test_show_is_the_whole_recipe_and_reads_back(here, capsys):
    code, out, _ = said(capsys, "show", "digits", "--set", "training.epochs=3")
    (here / "full.toml").write_text(out)
    assert code == 0 and "epochs = 3" in out
    assert said(capsys, "show", "full.toml")[1] == out


def test_schema_is_json_and_knows_every_section(capsys):
    code, out, _ = said(capsys, "schema")
    assert code == 0 and {"data", "codec", "model", "training"} <= json.loads(out)["properties"].keys()


def test_verify_says_what_it_did_and_did_not(here, artifact, capsys):
    code, out, _ = said(capsys, "verify", str(artifact))
    assert code == 0 and "accuracy" in out and "same" in out
    a_table(here / "data.csv")
    assert main(["run", "data.csv", "--label", "y", *QUICK]) == 0
    code, out, _ = said(capsys, "verify", "runs/data/artifact")
    assert code == 0 and "scores not recomputed" in out
    assert said(capsys, "verify", "runs/data/artifact", "--require-scores")[0] == 1
    code, out, _ = said(capsys, "verify", "runs/data/artifact", "--data", "data.csv", "--require-scores")
    assert code == 0 and "same" in out


def test_chinese_is_chosen_by_a_word(capsys, artifact):
    english, chinese = said(capsys, "verify", str(artifact))[1], said(capsys, "--lang", "zh_CN", "verify", str(artifact))[1]
    assert english != chinese and any("\u4e00" <= letter <= "\u9fff" for letter in chinese)
    assert said(capsys, "verify", str(artifact), "--lang", "zh_CN")[1] == chinese
    assert said(capsys, "verify", str(artifact))[1] == english


def test_cache_is_shown_and_cleared(capsys, tmp_path, monkeypatch):
    monkeypatch.setenv("MODELWRIGHT_CACHE", str(tmp_path / "cache"))
    vault.put_file(tmp_path / "cache" / "tuning" / "x.json", b"12345")
    assert json.loads(said(capsys, "cache", "--json")[1])["bytes"] == 5
    assert said(capsys, "cache", "--clear")[0] == 0
    assert json.loads(said(capsys, "cache", "--json")[1])["bytes"] == 0


# --- bad input ------------------------------------------------------------------------------------------------------------

TABLES = {
    "empty": (b"", "empty"),
    "header only": (b"a,b,y\n", "row"),
    "ragged": (b"a,b,y\n1,2,no\n1,2\n3,4,yes\n", "2 cells"),
    "no text": (b"a,b,y\n" + b"\x81\x30\xff\xfe,2,no\n" * 3, "encoding"),
    "two columns of one name": (b"a,a,y\n1,2,no\n", "names a more"),
}


@pytest.mark.parametrize("case", TABLES, ids=str)
def test_a_bad_table_is_a_sentence(here, capsys, case):
    content, word = TABLES[case]
    (here / "data.csv").write_bytes(content)
    code, out, err = said(capsys, "run", "data.csv", "--label", "y")
    assert code == 2 and "data.csv" in err and word in err and "Traceback" not in err and out == ""
    assert not (here / "runs").exists()


@pytest.mark.parametrize(
    "words",
    [
        ["run", "nothere.toml"], ["run", "nothere.csv", "--label", "y"], ["check", "nothere.toml"], ["verify", "nothere"],
        ["predict", "nothere", "rows.csv", "-o", "a.csv"], ["show", "nothere"], ["init", "nothere.csv", "--label", "y"],
    ],
    ids=" ".join,
)  # fmt: skip
def test_a_path_that_is_not_there_is_named(here, capsys, words):
    code, _, err = said(capsys, *words)
    assert code == 2 and "nothere" in err and "Traceback" not in err


def test_all_faults_of_a_recipe_at_once(here, capsys):
    (here / "bad.toml").write_text(
        'format = 1\n[data]\nkind = "bundled"\nname = "digits"\n[codec]\nkind = "words"\nlabel = "target"\n'
        '[model]\nkind = "cnn"\nwitdh = 3\n[training]\nepochs = "many"\n'
    )
    code, _, err = said(capsys, "run", "bad.toml")
    assert code == 2 and "bad.toml:10" in err and "bad.toml:12" in err and "Tokens" in err and "nothing was run" in err
    assert not (here / "runs").exists()


def test_a_column_gone_at_prediction_time(here, artifact, rows, capsys):
    pl.read_csv(rows, infer_schema=False).drop("pixel_3_4").write_csv(here / "gone.csv")
    code, _, err = said(capsys, "predict", str(artifact), "gone.csv", "-o", "a.csv")
    assert code == 2 and "pixel_3_4" in err and not (here / "a.csv").exists()


def test_an_unreadable_picture_among_others(here, capsys):
    for label, shade in (("dark", 20), ("light", 220)):
        (here / "pictures" / label).mkdir(parents=True)
        for number in range(20):
            noise = np.random.default_rng(number).integers(0, 30, (12, 12), dtype=np.uint8)
            Image.fromarray(noise + np.uint8(shade)).save(here / "pictures" / label / f"{number}.png")
    assert said(capsys, "init", "pictures", "--label", "label", "-o", "p.toml")[0] == 0
    assert said(capsys, "run", "p.toml", *QUICK, "--set", "model.stages=[[4]]", "--set", "model.head=[8]")[0] == 0
    (here / "pictures" / "dark" / "broken.png").write_bytes(b"this is no picture")
    code, out, _ = said(capsys, "predict", "runs/p/artifact", "pictures", "-o", "a.csv", "--json")
    answers = pl.read_csv(here / "a.csv")
    assert code == 0 and json.loads(out)["faulty"] == 1
    assert len(answers) == 41 and answers["fault"].count() == 1 and answers["answer"].null_count() == 1


@pytest.mark.parametrize("change", ["flip", "more", "less"])
def test_a_damaged_artifact_is_refused_before_it_is_parsed(here, artifact, rows, capsys, monkeypatch, change):
    copy = here / "copy"
    copy.mkdir()
    for file in artifact.iterdir():
        (copy / file.name).write_bytes(file.read_bytes())
    if change == "flip":
        content = bytearray((copy / "weights.safetensors").read_bytes())
        content[1000] ^= 1
        (copy / "weights.safetensors").write_bytes(content)
    elif change == "more":
        (copy / "evil.pkl").write_bytes(b"x")
    else:
        (copy / "codec.safetensors").unlink()
    name = {"flip": "weights.safetensors", "more": "evil.pkl", "less": "codec.safetensors"}[change]
    monkeypatch.setattr("modelwright.shelf.taking.assembled", lambda *parts: pytest.fail("parsed before it was checked"))
    for words in (["verify", "copy"], ["predict", "copy", str(rows), "-o", "a.csv"]):
        code, _, err = said(capsys, *words)
        assert code == 2 and name in err
    assert not (here / "a.csv").exists()


def test_a_newer_artifact_names_what_reads_it(here, artifact, capsys):
    label = json.loads((artifact / "label.json").read_text())
    files = vault.take_folder(artifact)
    files["label.json"] = json.dumps({**label, "format": 99, "made_by": "modelwright 9.9"}).encode()
    vault.put_folder(here / "newer", files)
    code, _, err = said(capsys, "verify", "newer")
    assert code == 2 and "99" in err and "9.9" in err


def test_an_artifact_of_a_foreign_kind_asks_for_kinds(here, artifact, capsys):
    label = json.loads((artifact / "label.json").read_text())
    files = vault.take_folder(artifact)
    files["label.json"] = json.dumps({**label, "family": {"kind": "my_net"}}).encode()
    vault.put_folder(here / "foreign", files)
    code, _, err = said(capsys, "verify", "foreign")
    assert code == 2 and "--kinds" in err and "my_net" in err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["show", "a" * 5000], "no path to look for"),
        (["predict", "a" * 5000, "rows.csv", "-o", "b.csv"], "no path to look for"),
        (["serve", "artifact", "--port", "99999"], "0 to 65535"),
        (["run", "digits", "--processes", "some"], "a whole number from 1"),
        (["prove", "resume", "digits", "--kills", "0"], "a whole number from 1"),
        (["run", "digits", "--resume", "--fresh"], "--fresh: goes not together with --resume"),
        (["--lang", "klingon", "show", "digits"], "klingon is not spoken here"),
        (["show", "digits", "--lang", ""], "en, zh_CN"),
    ],
)
def test_a_word_that_nothing_could_be_done_with_is_refused_before_anything_is_done(here, words, told, capsys):
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 2
    assert told in capsys.readouterr().err
    assert not list(here.iterdir())


@pytest.mark.parametrize("language", ["zh", "zh-CN", "zh_TW", "en_GB"])
def test_a_language_is_known_however_it_is_spelled(here, language, capsys):
    code, _, err = said(capsys, "--lang", language, "show", "nowhere")
    assert code == 2 and ("不" in err) == language.startswith("zh")


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("broken", "def (", "SyntaxError"),
        ("failing", "\n1 / 0\n", "failing.py:2  ZeroDivisionError"),
        ("", "", "ValueError"),
        (".relative", "", "TypeError"),
        ("missing", None, "No module named 'missing'"),
    ],
)
def test_kinds_that_cannot_be_imported_are_their_authors_to_mend(here, name, text, told, capsys):
    if name and text:
        (here / f"{name}.py").write_text(text, encoding="utf-8")
    code, _, err = said(capsys, "--kinds", name, "show", "digits")
    assert code == 2 and told in err and "fault of modelwright" not in err


def test_a_module_without_a_kind_is_not_passed_over(here, capsys):
    (here / "nothing.py").write_text("class Mine:\n    pass\n", encoding="utf-8")
    code, _, err = said(capsys, "--kinds", "nothing", "show", "digits")
    assert code == 2 and "--kinds nothing: there is no kind in it" in err and "room" in err


@pytest.mark.parametrize("name", ["packed.csv.gz", "table.tab", "table.pq", "numbers.npy", "UPPER.CSV"])
def test_whatever_init_reads_a_recipe_is_drafted_of_by_the_other_verbs_too(here, name, capsys):
    frame = pl.read_csv(a_table(here / "plain.csv")).select("a", "b")
    label = "b"
    if name.endswith(".gz"):
        (here / name).write_bytes(gzip.compress(frame.write_csv().encode()))
    elif name.endswith(".npy"):
        np.save(here / name, frame.to_numpy())
        label = "x_1"
    elif name.endswith(".pq"):
        frame.write_parquet(here / name)
    else:
        frame.write_csv(here / name, separator="\t" if name.endswith(".tab") else ",")
    code, out, err = said(capsys, "show", name, "--label", label, "--json")
    assert code == 0, err
    assert json.loads(out)["codec"]["label"] == label


def test_answers_are_never_written_over_their_own_rows(here, artifact, rows, capsys):
    own = here / "mine.csv"
    own.write_bytes(rows.read_bytes())
    code, _, err = said(capsys, "predict", str(artifact), "mine.csv", "-o", str(own))
    assert code == 2 and "holds the rows" in err
    assert own.read_bytes() == rows.read_bytes()


def test_whoever_names_the_run_is_told_of_its_artifact_and_not_to_remove_it(artifact, capsys):
    code, _, err = said(capsys, "verify", str(artifact.parent))
    assert code == 2 and str(artifact) in err.splitlines()[-1] and "Remove" not in err


def test_a_word_under_keys_takes_what_every_verb_takes_on_either_side(capsys):
    assert said(capsys, "keys", "list", "--json") == said(capsys, "keys", "--json", "list")
    assert json.loads(said(capsys, "keys", "list-clients", "--json")[1]) == {"clients": []}
    assert said(capsys, "keys", "list", "--quiet", "--lang", "zh_CN") == (0, "", "")


def test_every_example_of_the_life_stands_apart_from_what_it_is_for(capsys):
    lines = [line for line in said(capsys)[1].splitlines() if line.startswith("  modelwright ")]
    assert len(lines) == 13
    assert all("  " in line.strip() for line in lines if "predict" not in line and "export" not in line)


def test_a_folder_under_a_file_cannot_be_written(here, capsys):
    (here / "file").write_text("x")
    code, _, err = said(capsys, "run", "digits", "-o", "file/run", *QUICK)
    assert code == 2 and "file" in err and (here / "file").read_text() == "x"


def test_what_is_ours_says_so_and_keeps_the_traceback(here, capsys, monkeypatch):
    monkeypatch.setattr("modelwright.life.gather", lambda *parts: 1 / 0)
    code, _, err = said(capsys, "run", "digits", *QUICK)
    kept = vault.cache_folder() / "last-error.txt"
    assert code == 3 and str(kept) in err and "Traceback" not in err and "ZeroDivisionError" in kept.read_text()


# --- processes --------------------------------------------------------------------------------------------------------------


def started(*words: str) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-m", "modelwright", *words], stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def wait_for(path: Path, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not path.exists():
        assert time.monotonic() < deadline, f"{path} never came"
        time.sleep(0.05)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT for one child alone")
def test_ctrl_c_leaves_a_snapshot_a_second_run_is_refused_and_resume_ends_it(here, capsys):
    words = ["run", "digits", "-o", "r", "--quiet", "--set", "training.epochs=2000", "--set", "training.snapshot_every=0.05"]
    child = started(*words)
    wait_for(here / "r" / "snapshots" / "latest")
    code, _, err = said(capsys, *words, "--resume")
    assert code == 2 and "Another process" in err
    child.send_signal(signal.SIGINT)
    _, told = child.communicate(timeout=60)
    assert child.returncode == 130 and "--resume" in told and "Traceback" not in told
    assert vault.latest_snapshot(here / "r" / "snapshots") is not None
    code, _, err = said(capsys, *words)
    assert code == 2 and "--resume" in err
