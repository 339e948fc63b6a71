"""Sources: what each format gives, what is refused and how, and that no bytes give anything but Rows or Refused."""

from __future__ import annotations

import gzip
import io
import json
import pickle
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from modelwright import data
from modelwright.data.sources import CIFAR10, CSV, IDX, JSON, JSONL, Arrays, Bundled, Frame, Parquet, Pictures, Text
from modelwright.data.sources.delimited import records, whole_records
from modelwright.data.sources.only import Only
from modelwright.data.splits import Given, Stratified
from modelwright.nouns import Refused


def put(folder: Path, name: str, content: bytes | str) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def refusal(source: data.Source) -> str:
    with pytest.raises(Refused) as caught:
        data.read(source)
    return str(caught.value)


# --- CSV ----------------------------------------------------------------------------------------------------------------


def test_csv_reads_every_column_as_text(tmp_path: Path) -> None:
    rows = data.read(CSV(put(tmp_path, "a.csv", 'id,x,label\n00123,1.50,yes\n7,,"no"\n8,"",no\n')))
    assert rows.columns.schema == {"id": pl.String, "x": pl.String, "label": pl.String}
    assert rows.columns.rows() == [("00123", "1.50", "yes"), ("7", None, "no"), ("8", "", "no")]
    assert rows.ids.tolist() == [0, 1, 2]
    assert rows.ids.dtype == np.int64


def test_csv_cells_hold_line_ends_quotes_and_separators(tmp_path: Path) -> None:
    rows = data.read(CSV(put(tmp_path, "a.csv", '"a\nb",c\r\n"x\r\ny","say ""hi"", you"\r\n\r\n"",z\r\n\n')))
    assert rows.columns.columns == ["a\nb", "c"]
    assert rows.columns.rows() == [("x\r\ny", 'say "hi", you'), ("", "z")]


@pytest.mark.parametrize(
    ("name", "text"), [("a.csv", "a;b,c;d\n1;2;3\n"), ("a.tsv", "a\tb,c\td\n1\t2\t3\n"), ("a.csv", "a|b,c|d\n1|2|3\n")]
)
def test_csv_finds_its_separator(tmp_path: Path, name: str, text: str) -> None:
    assert data.read(CSV(put(tmp_path, name, text))).columns.row(0) == ("1", "2", "3")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "gbk", "utf-16", "utf-16-le-bom"])
def test_csv_finds_its_encoding(tmp_path: Path, encoding: str) -> None:
    text = "城市,标签\n北京,是\n上海,否\n"
    content = b"\xff\xfe" + text.encode("utf-16-le") if encoding == "utf-16-le-bom" else text.encode(encoding)
    rows = data.read(CSV(put(tmp_path, "a.csv", content)))
    assert rows.columns.rows() == [("北京", "是"), ("上海", "否")]
    assert rows.columns.columns == ["城市", "标签"]


def test_csv_of_another_encoding_names_byte_line_and_way_out(tmp_path: Path) -> None:
    path = put(tmp_path, "a.csv", b'city,label\n"M\nunich",a\nK\xf6ln,b\n')
    told = refusal(CSV(path))
    assert "line 4" in told and "0xf6" in told and 'encoding = "gb18030"' in told and "latin-1" in told
    assert data.read(CSV(path, encoding="latin-1")).columns["city"].to_list() == ["M\nunich", "Köln"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "gb18030"])
def test_a_wrong_byte_is_told_by_its_line_far_into_a_file(tmp_path: Path, encoding: str) -> None:
    start = "城,b\n".encode(encoding)
    row = "京,1\n".encode("utf-16-le" if encoding == "utf-16" else encoding)
    wrong = b"\x00\xdc" if encoding == "utf-16" else b"\xff"
    path = put(tmp_path, "a.csv", start + row * 1_700_000 + wrong + row)
    assert "line 1,700,002" in refusal(CSV(path, encoding=encoding))  # type: ignore[arg-type]


def test_csv_bare_carriage_returns_and_gzip(tmp_path: Path) -> None:
    assert data.read(CSV(put(tmp_path, "a.csv", "a,b\r1,2\r3,4\r"))).columns.rows() == [("1", "2"), ("3", "4")]
    packed = gzip.compress(b"a,b\n" + b"1,2\n" * 1000)
    assert len(data.read(CSV(put(tmp_path, "a.csv.gz", packed)))) == 1000
    assert "cut short" in refusal(CSV(put(tmp_path, "b.csv.gz", packed[:-9])))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is empty"),
        ("\n\n", "needs a header"),
        ("a,b\n", "has no rows"),
        ("a,b\n1,2\n1,2,3\n", "line 3: 3 cells, but the header names 2"),
        ('a,b\n"1\n\n1",2\n5\n', "line 5: 1 cell, but the header names 2"),
        ("a,b\n1\n", "line 2: 1 cell,"),
        ("a,b,a,b\n1,2,3,4\n", "names a, b more than once"),
        ('a,b\n1,"2\n3,4\n', "line 2: a quote is opened and never closed"),
    ],
)
def test_csv_that_is_no_table_is_refused(tmp_path: Path, text: str, said: str) -> None:
    assert said in refusal(CSV(put(tmp_path, "a.csv", text)))


def test_csv_names_what_has_no_name(tmp_path: Path) -> None:
    assert data.columns(CSV(put(tmp_path, "a.csv", ",b,\n1,2,3\n"))) == ("unnamed_1", "b", "unnamed_3")


def test_csv_leaves_out_lines_below_the_header_and_counts_them_as_lines(tmp_path: Path) -> None:
    """As Orange writes them: types, then roles."""
    text = "Category\tText\nd\tstring\nclass\t\nsci\ta b\nrec\tc\n"
    rows = data.read(CSV(put(tmp_path, "a.tab", text), skip=2))
    assert rows.columns.rows() == [("sci", "a b"), ("rec", "c")] and rows.ids.tolist() == [0, 1]
    told = refusal(CSV(put(tmp_path, "b.tab", text + "one cell\n"), skip=2))
    assert "line 6" in told


def test_csv_of_one_column_has_no_blank_rows(tmp_path: Path) -> None:
    assert data.read(CSV(put(tmp_path, "a.csv", 'a\n1\n\n""\n3'))).columns["a"].to_list() == ["1", "", "3"]


def test_csv_with_a_test_file_says_the_part(tmp_path: Path) -> None:
    source = CSV(put(tmp_path, "a.csv", "a,b\n1,2\n3,4\n"), test=put(tmp_path, "b.csv", "b,a\n6,5\n"))
    rows = data.read(source)
    assert rows.columns.rows() == [("1", "2", "train"), ("3", "4", "train"), ("5", "6", "test")]
    assert rows.ids.tolist() == [0, 1, 2] and source.split == Given()
    other = CSV(source.path, test=put(tmp_path, "c.csv", "a,c\n6,5\n"))
    assert "same columns: b, c" in refusal(other)


def test_a_path_that_is_not_there_names_the_near_ones(tmp_path: Path) -> None:
    put(tmp_path, "housing.csv", "a\n1\n")
    assert "Did you mean housing.csv?" in refusal(CSV(tmp_path / "housings.csv"))
    assert "is a folder" in refusal(CSV(tmp_path))
    assert "nor is the folder" in refusal(CSV(tmp_path / "no" / "a.csv"))


@given(
    st.lists(st.tuples(*[st.text(st.sampled_from('a1",\n\r;é城 '), max_size=6)] * 3), min_size=1, max_size=40),
    st.integers(1, 7),
    st.integers(1, 60),
)
@settings(max_examples=150, deadline=None)
def test_csv_gives_back_what_was_written_whatever_the_chunks(
    tmp_path_factory: pytest.TempPathFactory, cells, height, block
) -> None:
    path = put(
        tmp_path_factory.mktemp("csv"),
        "a.csv",
        pl.DataFrame(cells, schema=["a", "b", "c"], orient="row").write_csv(quote_style="always"),
    )
    chunks = list(CSV(path).chunks(height))
    assert [row for chunk in chunks for row in chunk.columns.rows()] == cells
    assert np.concatenate([chunk.ids for chunk in chunks]).tolist() == list(range(len(cells)))
    assert all(len(chunk) <= height for chunk in chunks)
    content = path.read_bytes()
    pieces = list(whole_records(content[start : start + block] for start in range(0, len(content), block)))
    assert b"".join(pieces) == content
    assert [record for piece in pieces for _, record in records(piece, 1)] == [record for _, record in records(content, 1)]


@given(st.binary(max_size=80) | st.text(st.sampled_from('a1",\n\r\t;|\0é城'), max_size=60).map(str.encode))
@example(b'a,b\n1,x"y\n2,"a"b\n3,4\n')
@example(b"\xff\xfea")
@example(b"\x1f\x8b\x08")
@settings(max_examples=400, deadline=None)
def test_csv_of_any_bytes_gives_rows_or_refused(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = put(tmp_path_factory.mktemp("csv"), "a.csv", content)
    try:
        rows = data.read(CSV(path))
    except Refused:
        return
    assert len(rows) and set(rows.columns.dtypes) == {pl.String}


# --- JSONL, Parquet, texts, pictures ------------------------------------------------------------------------------------


def test_jsonl_gives_text_and_all_keys(tmp_path: Path) -> None:
    text = '{"a": 1.50, "b": "x"}\n\n{"a": null, "c": true, "d": [1, "é"]}\n{"a": 12345678901234567890123}\n'
    rows = data.read(JSONL(put(tmp_path, "a.jsonl", text)))
    assert rows.columns.columns == ["a", "b", "c", "d"]
    assert rows.columns.rows() == [
        ("1.50", "x", None, None),
        (None, None, "true", '["1", "é"]'),
        ("12345678901234567890123", None, None, None),
    ]
    assert [len(chunk) for chunk in JSONL(tmp_path / "a.jsonl").chunks(2)] == [2, 1]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"a": 1}\n[1]\n', "line 2 is not an object"),
        ('{"a": 1}\n\n{"a"\n', "line 3 is not JSON"),
        ("", "is empty"),
        ("\n", "has no rows"),
        ("{}\n", "has no rows"),
        ("[" * 100_000, "line 1 is not JSON"),
    ],
)
def test_jsonl_that_is_none_is_refused_by_line(tmp_path: Path, text: str, said: str) -> None:
    assert said in refusal(JSONL(put(tmp_path, "a.jsonl", text)))


leaves = st.none() | st.floats() | st.text(max_size=3)
trees = st.recursive(leaves, lambda inner: st.dictionaries(st.text(max_size=2), inner, max_size=3))


@given(st.binary(max_size=60) | st.lists(trees, max_size=4).map(lambda some: "\n".join(map(json.dumps, some)).encode()))
@settings(max_examples=150, deadline=None)
def test_jsonl_of_any_bytes_gives_rows_or_refused(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    try:
        rows = data.read(JSONL(put(tmp_path_factory.mktemp("jsonl"), "a.jsonl", content)))
    except Refused:
        return
    assert len(rows) and set(rows.columns.dtypes) == {pl.String}


def test_json_gives_the_objects_of_all_its_files(tmp_path: Path) -> None:
    put(tmp_path, "b.json", '{"a": 2.50, "paragraphs": "alone"}')
    put(tmp_path, "a.json", '[{"a": 1, "paragraphs": ["x", "", "y"]}, {"c": [1], "paragraphs": null}]')
    put(tmp_path, "notes.json", '"none of ours"')
    files = ("*.json", "!notes*")
    rows = data.read(JSON(tmp_path, files, ("paragraphs",)))
    assert rows.columns.columns == ["a", "paragraphs", "c"]
    assert rows.columns.rows() == [("1", "x\n\ny", None), (None, None, '["1"]'), ("2.50", "alone", None)]
    assert data.read(JSON(tmp_path / "a.json")).columns["paragraphs"].to_list() == ['["x", "", "y"]', None]
    assert [len(chunk) for chunk in JSON(tmp_path, files).chunks(1)] == [1, 1, 1]
    assert data.from_path(tmp_path / "a.json") == JSON(tmp_path / "a.json")
    assert 'There is no column "verses"' in refusal(JSON(tmp_path, files, ("verses",)))
    assert "neither a list of objects nor an object" in refusal(JSON(tmp_path))
    assert 'no file that fits files = ["*.txt"]' in refusal(JSON(tmp_path, ("*.txt",)))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[{"a": 1},\n{"a": }]', "line 2 is not JSON"),
        ('[{"a": 1}, 3]', "number 2 of its list is not an object"),
        ("[]", "has no rows"),
        ('[{"a": 1}', "is not JSON"),
        ("[" * 100_000, "too deep"),
    ],
)
def test_json_that_is_none_is_refused(tmp_path: Path, text: str, said: str) -> None:
    assert said in refusal(JSON(put(tmp_path, "a.json", text)))


def test_parquet_keeps_types_and_refuses_damage(tmp_path: Path) -> None:
    frame = pl.DataFrame({"a": range(1000), "b": [f"t{n}" for n in range(1000)]})
    frame.write_parquet(tmp_path / "a.parquet", row_group_size=100)
    chunks = list(Parquet(tmp_path / "a.parquet").chunks(300))
    assert [len(chunk) for chunk in chunks] == [300, 300, 300, 100]
    assert pl.concat([chunk.columns for chunk in chunks]).equals(frame)
    damaged = put(tmp_path, "b.parquet", (tmp_path / "a.parquet").read_bytes()[:-20])
    assert "cannot be read as Parquet" in refusal(Parquet(damaged))


def test_text_files_and_folders(tmp_path: Path) -> None:
    rows = data.read(Text(put(tmp_path, "a.txt", "one\r\n\ntwo\n")))
    assert rows.columns.to_dict(as_series=False) == {"text": ["one", "two"]}
    for part in ("train", "test"):
        put(tmp_path, f"reviews/{part}/good/1.txt", f"fine\n{part}")
        put(tmp_path, f"reviews/{part}/bad/1.txt", "很差".encode("gbk"))
    source = data.from_path(tmp_path / "reviews")
    rows = data.read(source)
    assert isinstance(source, Text) and source.split == Given()
    assert rows.columns.columns == ["text", "label", "part"]
    assert set(rows.columns.rows()) == {
        ("很差", "bad", "test"), ("fine\ntest", "good", "test"), ("很差", "bad", "train"), ("fine\ntrain", "good", "train"),
    }  # fmt: skip


def test_pictures_are_paths_by_label_in_the_same_order(tmp_path: Path) -> None:
    for name in ("dogs/b.PNG", "cats/2.jpg", "cats/10.jpg", "cats/deep/3.png", "cats/.hidden.png", "cats/notes.txt", "top.png"):
        put(tmp_path, f"pets/{name}", b"x")
    rows = data.read(Pictures(tmp_path / "pets"))
    names = [Path(path).relative_to(tmp_path / "pets").as_posix() for path in rows.columns["picture"]]
    assert names == ["cats/10.jpg", "cats/2.jpg", "cats/deep/3.png", "dogs/b.PNG"]
    assert rows.columns["label"].to_list() == ["cats"] * 3 + ["dogs"]
    assert isinstance(data.from_path(tmp_path / "pets"), Pictures)
    assert "one folder for each label" in refusal(Pictures(put(tmp_path, "flat/1.png", b"x").parent))


# --- rows that are wanted ---------------------------------------------------------------------------------------------------

SAYING = [{"who": "ann", "n": "1"}, {"who": "bo", "n": "2"}, {"who": None, "n": "3"}, {"who": "ann", "n": "4"}]


def told(folder: Path, kind: type[CSV] | type[JSON] | type[JSONL] | type[Parquet], only: Only) -> data.Source:
    """SAYING in a file of this kind."""
    path = folder / f"rows.{kind.__name__.lower()}"
    frame = pl.DataFrame(SAYING)
    if kind is Parquet:
        frame.write_parquet(path)
    elif kind is CSV:
        frame.write_csv(path)
    else:
        objects = [json.dumps(row) for row in SAYING]
        path.write_text("\n".join(objects) if kind is JSONL else f"[{', '.join(objects)}]", encoding="utf-8")
    return kind(path, only=only)


@pytest.mark.parametrize("kind", [CSV, JSON, JSONL, Parquet])
def test_only_the_rows_that_are_asked_for_are_read_and_keep_their_numbers(kind, tmp_path):
    rows = data.read(told(tmp_path, kind, Only("who", ("ann",))))
    assert rows.ids.tolist() == [0, 3]
    assert rows.columns["n"].to_list() == ["1", "4"]
    assert data.read(told(tmp_path, kind, Only("who", ("bo", "ann")))).ids.tolist() == [0, 1, 3]


def test_only_holds_for_rows_in_many_pieces(tmp_path):
    path = put(tmp_path, "many.csv", "who\n" + "\n".join("ab"[n % 3 == 0] for n in range(1000)))
    pieces = list(CSV(path, only=Only("who", ("b",))).chunks(7))
    assert np.concatenate([piece.ids for piece in pieces]).tolist() == list(range(0, 1000, 3))


def test_a_share_of_them_is_the_same_in_whatever_pieces_and_about_as_many(tmp_path):
    path = put(tmp_path, "many.csv", "who\n" + "\n".join("ab"[n % 2] for n in range(4000)))
    found = [np.concatenate([piece.ids for piece in CSV(path, only=Only("who", ("b",), 0.3)).chunks(n)]) for n in (7, 5000)]
    assert found[0].tolist() == found[1].tolist() and (found[0] % 2 == 1).all()
    assert 520 < len(found[0]) < 680
    more = data.read(CSV(path, only=Only("who", ("b",), 0.6))).ids
    assert np.isin(found[0], more).all() and len(more) < 2000


@pytest.mark.parametrize(
    ("only", "words"),
    [
        (Only("who", ("ann", "bob")), ('"bob"', '"who"', "ann, bo")),
        (Only("whom", ("ann",)), ('"whom"', "who, n")),
        (Only("who", ()), ('"who"', "ann, bo")),
    ],
)
def test_only_refuses_what_no_row_says(only, words, tmp_path):
    said = refusal(told(tmp_path, CSV, only))
    assert all(word in said for word in words), said


# --- IDX, CIFAR-10, arrays, bundled --------------------------------------------------------------------------------------


def idx(array: np.ndarray) -> bytes:
    return bytes((0, 0, 8, array.ndim)) + b"".join(n.to_bytes(4, "big") for n in array.shape) + array.tobytes()


@pytest.fixture
def mnist(tmp_path: Path) -> Path:
    chance = np.random.default_rng(0)
    for part, count in (("train", 7), ("t10k", 3)):
        put(tmp_path, f"{part}-images-idx3-ubyte", idx(chance.integers(0, 256, (count, 5, 4), dtype=np.uint8)))
        put(tmp_path, f"{part}-labels-idx1-ubyte.gz", gzip.compress(idx(np.arange(count, dtype=np.uint8))))
    return tmp_path


def test_idx_raw_and_gzip(mnist: Path) -> None:
    rows = data.read(data.from_path(mnist))
    raw = np.frombuffer((mnist / "train-images-idx3-ubyte").read_bytes()[16:], np.uint8).reshape(7, 5, 4)
    assert rows.columns.schema["picture"] == pl.Array(pl.UInt8, (5, 4))
    assert (rows.columns["picture"].to_numpy()[:7] == raw).all()
    assert rows.columns["label"].to_list() == [*"0123456", *"012"]
    assert rows.columns["part"].to_list() == ["train"] * 7 + ["test"] * 3
    assert [len(chunk) for chunk in IDX(mnist).chunks(4)] == [4, 3, 3]


def test_idx_that_is_broken_is_refused(mnist: Path) -> None:
    images = mnist / "train-images-idx3-ubyte"
    whole = images.read_bytes()
    images.write_bytes(whole[:-1])
    assert "cut short" in refusal(IDX(mnist))
    images.write_bytes(whole + b"x")
    assert "goes on after the 7 items" in refusal(IDX(mnist))
    images.write_bytes(b"\0\0\x0d" + whole[3:])
    assert "00 00 0d 03" in refusal(IDX(mnist))
    images.write_bytes(whole[:7] + b"\x06" + whole[8:])
    assert "holds 6 pictures" in refusal(IDX(mnist))
    images.write_bytes(whole[:4] + b"\xff" * 12 + whole[16:])
    assert "cannot be" in refusal(IDX(mnist))
    labels = mnist / "t10k-labels-idx1-ubyte.gz"
    images.write_bytes(whole)
    labels.write_bytes(labels.read_bytes()[:-6])
    assert "does not unpack" in refusal(IDX(mnist))
    images.unlink()
    assert "no train-images" in refusal(IDX(mnist))


def test_cifar10(tmp_path: Path) -> None:
    chance = np.random.default_rng(0)
    records_ = np.concatenate([np.array([[3], [9]], np.uint8), chance.integers(0, 256, (2, 3072), dtype=np.uint8)], axis=1)
    put(tmp_path, "data_batch_1.bin", records_.tobytes())
    put(tmp_path, "test_batch.bin", records_[:1].tobytes())
    rows = data.read(data.from_path(tmp_path))
    assert rows.columns["label"].to_list() == ["cat", "truck", "cat"]
    assert (rows.columns["picture"].to_numpy()[1] == records_[1, 1:].reshape(3, 32, 32)).all()
    assert rows.columns["part"].to_list() == ["train", "train", "test"]
    put(tmp_path, "data_batch_1.bin", records_.tobytes()[:-1])
    assert "3,073 bytes" in refusal(CIFAR10(tmp_path))
    put(tmp_path, "data_batch_1.bin", b"\x0a" + records_.tobytes()[1:])
    assert "label 10" in refusal(CIFAR10(tmp_path))


def test_arrays(tmp_path: Path) -> None:
    pictures = np.arange(2 * 3 * 4 * 3, dtype=np.uint8).reshape(2, 3, 4, 3)
    np.savez(tmp_path / "a.npz", x_train=pictures, y_train=np.array([1, 2]), x_test=pictures[:1], y_test=np.array([3]))
    rows = data.read(data.from_path(tmp_path / "a.npz"))
    assert rows.columns.columns == ["picture", "y", "part"]
    assert (rows.columns["picture"].to_numpy()[:2] == np.moveaxis(pictures, 3, 1)).all()
    np.save(tmp_path / "b.npy", np.array([[1.5, 2], [3, 4]], dtype=">f4"))
    assert data.read(Arrays(tmp_path / "b.npy")).columns.to_dict(as_series=False) == {"x_0": [1.5, 3], "x_1": [2, 4]}
    np.savez(tmp_path / "c.npz", x=np.array([{"a": 1}], dtype=object))
    assert "pickled objects" in refusal(Arrays(tmp_path / "c.npz"))
    put(tmp_path, "junk.npz", b"no array of any kind")
    assert "neither .npy nor .npz" in refusal(Arrays(tmp_path / "junk.npz"))
    put(tmp_path, "pickle.npy", pickle.dumps({"a": 1}))
    assert "pickled objects" in refusal(Arrays(tmp_path / "pickle.npy"))
    np.savez(tmp_path / "d.npz", x=np.zeros(3), y=np.zeros(4))
    assert "same number of rows" in refusal(Arrays(tmp_path / "d.npz"))
    put(tmp_path, "e.npz", (tmp_path / "a.npz").read_bytes()[:-30])
    assert "cannot be read as arrays" in refusal(Arrays(tmp_path / "e.npz"))


BUNDLED = [("digits", 1797, "0"), ("iris", 150, "setosa"), ("wine", 178, "class_0"), ("diabetes", 442, 151.0)]


@pytest.mark.parametrize(("name", "height", "label"), [*BUNDLED, ("breast_cancer", 569, "malignant")])
def test_bundled(name: str, height: int, label: object) -> None:
    rows = data.read(Bundled(name))  # type: ignore[arg-type]
    assert len(rows) == height and rows.columns["target"][0] == label
    assert all(dtype == pl.Float64 for column, dtype in rows.columns.schema.items() if column != "target")


# --- handed over in Python ------------------------------------------------------------------------------------------------


def test_frame_of_many_kinds() -> None:
    wanted = pl.DataFrame({"a": [1, 2], "b": ["x", None]})
    for table in (
        wanted,
        wanted.lazy(),
        {"a": [1, 2], "b": ["x", None]},
        [{"a": 1, "b": "x"}, {"a": 2}],
        {"a": np.array([1, 2]), "b": ["x", None]},
    ):
        assert data.read(Frame(table)).columns.equals(wanted), type(table)
    assert data.read(Frame(np.array([[1.0, 2.0]]))).columns.columns == ["x_0", "x_1"]
    assert data.read(Frame({"a": [1, "x"]})).columns["a"].to_list() == ["1", "x"]
    for wrong in (3, "text", [], [1, 2], {"a": [1], "b": [1, 2]}):
        with pytest.raises(Refused):
            data.read(Frame(wrong))


def test_frame_of_pandas() -> None:
    pandas = pytest.importorskip("pandas")
    table = pandas.DataFrame(
        {"a": [1, 2], "b": ["x", None], "c": [1.5, None], "d": pandas.Categorical(["u", "v"])}, index=[7, 3]
    )
    rows = data.read(Frame(table))
    assert (
        rows.columns["b"].to_list() == ["x", None] and rows.columns["d"].to_list() == ["u", "v"] and rows.ids.tolist() == [0, 1]
    )
    assert np.isnan(rows.columns["c"][1])


@pytest.mark.parametrize("first", ["sep=;", '"sep=;"', "sep=; "])
def test_the_line_that_excel_puts_above_the_header_tells_the_separator(tmp_path: Path, first: str) -> None:
    rows = data.read(CSV(put(tmp_path, "a.csv", f"{first}\r\na,b;y\r\n1;2\r\n3;4\r\n")))
    assert rows.columns.to_dict(as_series=False) == {"a,b": ["1", "3"], "y": ["2", "4"]}
    with pytest.raises(Refused, match="line 4: 3 cells"):
        data.read(CSV(put(tmp_path, "b.csv", f"{first}\na;y\n1;2\n1;2;3\n")))


def test_a_line_above_the_header_is_named(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="take out what stands above"):
        data.read(CSV(put(tmp_path, "a.csv", "# sales\na,b\n1,2\n")))


# --- finding a source -------------------------------------------------------------------------------------------------------


def test_from_path_refuses_what_it_does_not_know(tmp_path: Path) -> None:
    for path in (put(tmp_path, "a.xlsx", b"x"), put(tmp_path, "only/a.bin", b"x").parent):
        with pytest.raises(Refused):
            data.from_path(path)
    assert data.from_path(put(tmp_path, "b.TSV.gz", b"x")) == CSV(tmp_path / "b.TSV.gz")
    assert CSV(tmp_path / "a.csv").split == Stratified()


def test_fingerprint_is_of_what_rows_say(tmp_path: Path) -> None:
    one = data.fingerprint(data.read(CSV(put(tmp_path, "a.csv", "a,b\n1,\n,23\n"))))
    assert one == data.fingerprint(data.read(CSV(put(tmp_path, "c.csv", 'a;b\n"1";\n;23\n'))))
    others = ["a,b\n1,2\n,3\n", "a,b\n1,\n2,3\n", "a,c\n1,\n,23\n", 'a,b\n1,""\n,23\n', "b,a\n1,\n,23\n", "a,b\n,23\n1,\n"]
    assert one not in [data.fingerprint(data.read(CSV(put(tmp_path, "d.csv", text)))) for text in others]
    for place in ("here", "there"):
        put(tmp_path, f"{place}/cats/1.png", b"picture")
    here, there = (data.fingerprint(data.read(Pictures(tmp_path / place))) for place in ("here", "there"))
    assert here == there
    put(tmp_path, "there/cats/1.png", b"another")
    assert here != data.fingerprint(data.read(Pictures(tmp_path / "there")))


def test_chunks_stream(tmp_path: Path) -> None:
    """The first rows are there before the last are read: what is wrong at the end is told at the end."""
    body = io.BytesIO(b"a,b\n" + (b"1," + b"2" * 97 + b"\n") * 300_000 + b"1,2,3\n")
    chunks = CSV(put(tmp_path, "a.csv", body.getvalue())).chunks(1000)
    assert len(next(chunks)) == 1000
    with pytest.raises(Refused, match=r"line 300,002"):
        for _ in chunks:
            pass
