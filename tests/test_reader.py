"""The reader: everything wrong with a recipe is told at once, with its place; everything right comes back as it was."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelwright.nouns import Bounds, Count, NotNegative, Positive, Refused, Share
from modelwright.reader import Broken, Lines, attempt, kind, kinds, override, parse, read, to_toml, write
from modelwright.reader.needs import need


@dataclass(frozen=True)
class SGD:
    rate: Positive = 0.1
    momentum: Share = 0.0


@dataclass(frozen=True)
class AdamW:
    rate: Positive = 0.001
    betas: tuple[float, float] = (0.9, 0.999)


Optimizer = SGD | AdamW


@dataclass(frozen=True)
class MLP:
    widths: tuple[Count, ...] = (128,)
    activation: Literal["relu", "gelu"] = "relu"
    stages: tuple[tuple[Count, ...], ...] = ()


@dataclass(frozen=True)
class Linear:
    """Nothing to set."""


Family = MLP | Linear


@dataclass(frozen=True)
class Shift:
    pixels: Count

    def __post_init__(self) -> None:
        if self.pixels == 13:
            raise Refused("13 pixels bring bad luck: take 12")


@dataclass(frozen=True)
class Flip:
    pass


@dataclass(frozen=True)
class Training:
    epochs: Count
    optimizer: Optimizer
    threads: Literal["auto"] | Count = "auto"
    compiled: Literal["auto"] | bool = "auto"
    clip: NotNegative = 0.0
    stopping: Shift | None = None


@dataclass(frozen=True)
class Form:
    model: Family
    training: Training
    data: Path = Path("rows.csv")
    seed: int = 0
    rows: bool = True
    augmentation: tuple[Shift | Flip, ...] = ()


GOOD = """\
data = "../rows.csv"

[model]
kind = "mlp"
widths = [64, 32]
stages = [[32, 32], [64]]

[training]
epochs = 3
optimizer = {kind = "sgd", rate = 1}
threads = 2

[[augmentation]]
kind = "flip"

[[augmentation]]
kind = "shift"
pixels = 2
"""


def faults_of(text: str, **more) -> list[str]:
    tree, lines = parse(text, "mine.toml")
    with pytest.raises(Refused) as refused:
        read(Form, tree, lines=lines, **more)
    return [" ".join(sentence.split()) for sentence in refused.value.sentences]


def replaced(*pairs: tuple[str, str]) -> str:
    text = GOOD
    for old, new in pairs:
        assert text.count(old) == 1
        text = text.replace(old, new)
    return text


def test_a_good_recipe_is_read_into_its_kinds():
    tree, lines = parse(GOOD, "mine.toml", Path("/home/me/recipes"))
    form = read(Form, tree, lines=lines)
    assert form == Form(
        MLP((64, 32), stages=((32, 32), (64,))),
        Training(3, SGD(rate=1.0), threads=2),
        Path("/home/me/rows.csv"),
        augmentation=(Flip(), Shift(2)),
    )
    assert type(form.training.optimizer.rate) is float, "a whole number where a number is wanted becomes one"


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("widths =", "witdhs =", "5 model.witdhs no such key; did you mean widths?"),
        (
            "threads = 2",
            "batch = 2",
            "11 training.batch no such key; there are epochs, optimizer, threads, compiled, clip, stopping",
        ),
        ("epochs = 3\n", "", "8 training.epochs is missing: a whole number of at least 1 is needed"),
        ('kind = "mlp"', 'kind = "mpl"', '4 model.kind = "mpl" no such kind; did you mean mlp?'),
        ('kind = "mlp"', 'kind = "zebra"', '4 model.kind = "zebra" no such kind; there are mlp, linear'),
        ('kind = "mlp"', "kind = 3", "4 model.kind = 3 no such kind; there are mlp, linear"),
        ('kind = "mlp"\n', "", "3 model needs a kind: mlp, linear"),
        ("epochs = 3", "epochs = true", "9 training.epochs = true a whole number of at least 1 is needed"),
        ("epochs = 3", "epochs = 3.0", "9 training.epochs = 3.0 a whole number of at least 1 is needed"),
        ("epochs = 3", "epochs = 0", "9 training.epochs = 0 a whole number of at least 1 is needed"),
        ("rate = 1", "rate = 0", "10 training.optimizer.rate = 0 a number above 0 is needed"),
        ("rate = 1", 'rate = "fast"', '10 training.optimizer.rate = "fast" a number above 0 is needed'),
        ("rate = 1", "rate = nan", "10 training.optimizer.rate = nan a number above 0 is needed"),
        ("rate = 1", "rate = inf", "10 training.optimizer.rate = inf a number above 0 is needed"),
        ("rate = 1", "rate = true", "10 training.optimizer.rate = true a number above 0 is needed"),
        ("rate = 1", "momentum = 1.0", "10 training.optimizer.momentum = 1.0 a number of at least 0 and below 1 is needed"),
        (
            "threads = 2",
            'threads = "atuo"',
            '11 training.threads = "atuo" "auto" or a whole number of at least 1 is needed; did you mean auto?',
        ),
        ("threads = 2", "threads = 0", '11 training.threads = 0 "auto" or a whole number of at least 1 is needed'),
        ("threads = 2", "compiled = 1", '11 training.compiled = 1 "auto" or true or false is needed'),
        ("threads = 2", "stopping = 1", "11 training.stopping = 1 a table of its own is needed"),
        ("threads = 2", "optimizer2 = 1", "11 training.optimizer2 no such key; did you mean optimizer?"),
        ("widths = [64, 32]", "widths = 64", "5 model.widths = 64 a list, each a whole number of at least 1 is needed"),
        ("widths = [64, 32]", "widths = [64, -1]", "5 model.widths[1] = -1 a whole number of at least 1 is needed"),
        ("[[32, 32], [64]]", "[32, [64]]", "6 model.stages[0] = 32 a list, each a whole number of at least 1 is needed"),
        (
            "widths = [64, 32]",
            'activation = "rleu"',
            '5 model.activation = "rleu" one of "relu", "gelu" is needed; did you mean relu?',
        ),
        (
            '{kind = "sgd", rate = 1}',
            '{kind = "adamw", betas = [0.9]}',
            "10 training.optimizer.betas = [0.9] a list of 2 (a number, a number) is needed",
        ),
        ("pixels = 2", "pixels = 13", "16 augmentation[1] 13 pixels bring bad luck: take 12"),
        ("pixels = 2", "", "16 augmentation[1].pixels is missing: a whole number of at least 1 is needed"),
        ('data = "../rows.csv"', "data = 3", "1 data = 3 a path in quotes is needed"),
        ('data = "../rows.csv"', "data = 2026-01-01", "1 data = 2026-01-01 a path in quotes is needed"),
        ('data = "../rows.csv"', "rows = 1", "1 rows = 1 true or false is needed"),
        ("[model]", "[moddel]", "3 moddel no such key; did you mean model?"),
        ("threads = 2", "rate = 2", "11 training.rate no such key here; it belongs in training.optimizer"),
        ("threads = 2", "pixels = 2", "11 training.pixels no such key here; it belongs in training.stopping"),
        ('data = "../rows.csv"', "pixels = 1", "1 pixels no such key here; it belongs in training.stopping or augmentation"),
    ],
)
def test_every_fault_has_a_place_a_path_and_a_way_out(old, new, told):
    assert faults_of(replaced((old, new))) == [f"mine.toml:{told}", "1 fault, nothing was run."]


def test_a_plain_key_where_many_tables_stand():
    text = GOOD.partition("[[aug")[0] + '[augmentation]\nkind = "flip"\n'
    assert faults_of(text)[0] == "mine.toml:13 augmentation there may be several: write [[augmentation]]"


def test_all_faults_come_at_once_in_the_order_of_the_text():
    text = replaced(
        ("widths", "witdhs"), ("epochs = 3", "epochs = -3"), ("rate = 1", 'rate = "fast"'), ("pixels = 2", "pixels = 0")
    )
    told = faults_of(text)
    assert [sentence.split()[0] for sentence in told[:-1]] == ["mine.toml:5", "mine.toml:9", "mine.toml:10", "mine.toml:18"]
    assert told[-1] == "4 faults, nothing was run."


def test_what_was_good_of_a_broken_recipe_is_kept_for_checks_across_sections():
    tree, lines = parse(replaced(("widths", "witdhs"), ("epochs = 3", "epochs = -3")), "mine.toml")
    form, faults = attempt(Form, tree, lines=lines)
    assert len(faults) == 2
    assert isinstance(form, Broken)
    assert form.good["model"].cls is MLP
    assert form.good["training"].good["optimizer"] == SGD(rate=1.0)


def test_a_section_alone_is_read_with_its_dotted_path():
    with pytest.raises(
        Refused, match=r"^artifact/label.json  model\.kind = \"gpt\"   no such kind; there are mlp, linear\n1 fault"
    ):
        read(Family, {"kind": "gpt"}, "model", Lines("artifact/label.json"))


def test_without_lines_the_dotted_path_stands_alone():
    with pytest.raises(Refused, match=r"^seed = 1.5   a whole number is needed\n1 fault, nothing was run\.$"):
        read(Form, {"seed": 1.5, "model": {"kind": "linear"}, "training": {"epochs": 1, "optimizer": {"kind": "sgd"}}})


def test_numbers_too_large_for_a_float_are_refused_not_crashed_on():
    with pytest.raises(Refused, match="a number above 0 is needed"):
        read(SGD, {"rate": 10**400})


# --- kinds from outside ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class MyNet:
    depth: Count = 2
    room: ClassVar[str] = "model"


@dataclass(frozen=True)
class MyShift:
    room: ClassVar[str] = "augmentation"


def test_a_kind_from_outside_joins_the_section_it_names_and_no_other():
    tree, _ = parse(
        replaced(('kind = "mlp"', 'kind = "my_net"'), ("widths = [64, 32]\nstages = [[32, 32], [64]]", "depth = 4"))
    )
    assert read(Form, tree, extra=(MyNet, MyShift)).model == MyNet(4)
    with pytest.raises(Refused, match="no such kind"):
        read(Form, tree, extra=(MyShift,))
    with pytest.raises(Refused, match="there are sgd, adamw"):
        read(Optimizer, {"kind": "my_net"}, "training.optimizer", extra=(MyNet,))
    tree["model"] = {"kind": "linear"}
    tree["augmentation"] = [{"kind": "my_shift"}]
    form = read(Form, tree, extra=(MyNet, MyShift))
    assert form.augmentation == (MyShift(),)
    assert read(Form, write(form, Form), extra=(MyNet, MyShift)) == form


def test_a_kind_from_outside_may_not_take_a_word_that_is_taken():
    @dataclass(frozen=True)
    class Linear:
        room: ClassVar[str] = "model"

    with pytest.raises(ValueError, match="has a kind of that word already"):
        read(Family, {"kind": "mlp"}, "model", extra=(Linear,))


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("CrossEntropy", "cross_entropy"),
        ("MLP", "mlp"),
        ("GRU", "gru"),
        ("AdamW", "adamw"),
        ("SGD", "sgd"),
        ("CIFAR10", "cifar10"),
        ("L1", "l1"),
        ("F1", "f1"),
        ("ViT", "vit"),
        ("LoRA", "lora"),
        ("JSONL", "jsonl"),
        ("LogLoss", "log_loss"),
        ("Linear", "linear"),
    ],
)
def test_the_word_of_a_class(name, word):
    assert kind(type(name, (), {})) == word


def test_kinds_of_a_union():
    assert kinds(Optimizer) == (SGD, AdamW)
    assert kinds(SGD) == (SGD,)
    assert kinds(Shift | None) == (Shift,)
    assert kinds(Literal["auto"] | int) == ()


# --- ranges: the sentence, the check and the numbers agree -----------------------------------------------------------------

limits = st.none() | st.integers(-3, 3)


@given(limits, limits, limits, limits, st.floats(-4, 4) | st.integers(-4, 4))
def test_bounds_let_in_just_what_they_say(least, most, above, below, value):
    from typing import Annotated

    wanted = Annotated[float, Bounds(least, most, above, below)]
    fits = not (
        (least is not None and value < least)
        or (most is not None and value > most)
        or (above is not None and value <= above)
        or (below is not None and value >= below)
    )
    read_value, faults = attempt(wanted, value)
    assert (not faults) == fits
    if fits:
        assert read_value == value
    for limit in (least, most, above, below):
        assert limit is None or f" {limit}" in need(wanted)


# --- writing and reading back ---------------------------------------------------------------------------------------------

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
counts = st.integers(1, 1000)
families = st.just(Linear()) | st.builds(
    MLP,
    st.lists(counts, max_size=3).map(tuple),
    st.sampled_from(["relu", "gelu"]),
    st.lists(st.lists(counts, max_size=2).map(tuple), max_size=2).map(tuple),
)
rates = st.floats(1e-300, 1e300)
optimizers = st.builds(SGD, rates, st.floats(0, 1, exclude_max=True)) | st.builds(AdamW, rates, st.tuples(rates, rates))
trainings = st.builds(
    Training,
    counts,
    optimizers,
    st.just("auto") | counts,
    st.just("auto") | st.booleans(),
    rates,
    st.none() | st.just(Shift(2)),
)
forms = st.builds(
    Form,
    families,
    trainings,
    texts.map(Path),
    st.integers(),
    st.booleans(),
    st.lists(st.just(Flip()) | st.just(Shift(3)), max_size=3).map(tuple),
)


@given(forms)
def test_what_is_written_reads_back_equal(form):
    tree = write(form, Form)
    assert read(Form, tree) == form
    again, _ = parse(to_toml(tree))
    assert read(Form, again) == form


def test_write_is_fully_expanded_and_names_kinds_only_where_there_is_a_choice():
    form = Form(Linear(), Training(1, SGD()), augmentation=(Flip(),))
    assert write(form, Form) == {
        "model": {"kind": "linear"},
        "training": {
            "epochs": 1,
            "optimizer": {"kind": "sgd", "rate": 0.1, "momentum": 0.0},
            "threads": "auto",
            "compiled": "auto",
            "clip": 0.0,
            "stopping": None,
        },
        "data": "rows.csv",
        "seed": 0,
        "rows": True,
        "augmentation": [{"kind": "flip"}],
    }
    assert write(SGD()) == {"kind": "sgd", "rate": 0.1, "momentum": 0.0}, "a kind alone says which it is"


# --- overrides ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("assignment", "path", "value"),
    [
        ("training.epochs=5", ("training", "epochs"), 5),
        ("training.epochs = 5", ("training", "epochs"), 5),
        ('training.optimizer={kind = "adamw"}', ("training", "optimizer"), {"kind": "adamw"}),
        ("model.widths=[1, 2]", ("model", "widths"), [1, 2]),
        ("model.widths[1]=7", ("model", "widths"), [64, 7]),
        ("augmentation[1].pixels=4", ("augmentation", 1, "pixels"), 4),
        ("model.activation=gelu", ("model", "activation"), "gelu"),
        ('model.activation="gelu"', ("model", "activation"), "gelu"),
        ("data=C:\\rows\\a b.csv", ("data",), "C:\\rows\\a b.csv"),
        ("rows=false", ("rows",), False),
        ("data=a=b", ("data",), "a=b"),
        ("seed=1\nrows=false", ("seed",), "1\nrows=false"),
        ("new.table.key=1", ("new", "table", "key"), 1),
    ],
)
def test_an_override_replaces_one_value_and_leaves_the_given_tree_alone(assignment, path, value):
    tree, lines = parse(GOOD, "mine.toml")
    before = repr(tree)
    changed, lines = override(tree, [assignment], lines)
    assert repr(tree) == before
    node = changed
    for part in path:
        node = node[part]
    assert node == value
    assert lines.place(path if "[" not in assignment.partition("=")[0] else (*path, 1)) == "--set"


@pytest.mark.parametrize(
    ("assignment", "told"),
    [
        ("training.epochs", "write it as KEY=VALUE"),
        ("=3", "write it as KEY=VALUE"),
        ("a..b=3", "write it as KEY=VALUE"),
        ("model.widths=[1,", "the value is not TOML"),
        ("model.widths=", "--set"),
        ("model.widths[5]=1", "the list has no item"),
        ("data.more=1", "there is no table that more could stand in"),
        ("training.epochs=0", "^--set        training.epochs = 0   a whole number of at least 1 is needed"),
        ("training.epocks=3", "training.epocks   no such key; did you mean"),
    ],
)
def test_a_wrong_override_says_so(assignment, told):
    tree, lines = parse(replaced(("rate = 1", "rate = 0")) if told.startswith("^") else GOOD, "mine.toml")
    with pytest.raises(Refused) as refused:
        changed, lines = override(tree, [assignment], lines)
        read(Form, changed, lines=lines)
    assert "--set" in str(refused.value)
    assert " ".join(told.lstrip("^").split()) in " ".join(str(refused.value).split())


def test_a_relative_path_starts_at_the_recipe_unless_the_command_line_set_it():
    tree, lines = parse(GOOD, "mine.toml", Path("/home/me/recipes"))
    assert read(Form, tree, lines=lines).data == Path("/home/me/rows.csv")
    tree, lines = override(tree, ["data=here/rows.csv"], lines)
    assert read(Form, tree, lines=lines).data == Path.cwd() / "here" / "rows.csv"


def test_nan_never_slips_through_a_bound():
    assert attempt(NotNegative, math.nan)[1]
    assert attempt(float, math.inf)[1]
