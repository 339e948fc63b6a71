"""The law of the house: a file imports only from rooms above its own, so that the tree is the architecture diagram."""

import ast
import re
from pathlib import Path

import pytest

HOUSE = Path(__file__).parent.parent / "src" / "modelwright"
ORDER = [
    "nouns",
    "wording",
    "reader",
    "vault",
    "parallel",
    "machine",
    "data",
    "models",
    "objectives",
    "training",
    "evaluation",
    "compression",
    "explanation",
    "protection",
    "shelf",
    "generating",
    "exchange",
    "recipe",
    "drafting",
    "folder",
    "report",
    "serving",
    "learning",
    "stages",
    "planning",
    "telling",
    "preparing",
    "life",
    "foreseeing",
    "using",
    "rehearsing",
    "smaller",
    "merging",
    "comparing",
    "proving",
    "notebook",
    "testing",
    "command",
    "__main__",
]
FORBIDDEN = {"utils", "util", "common", "helpers", "core", "manager", "handler", "factory"}


def room_of(file: Path, house: Path) -> str:
    return file.relative_to(house).parts[0].removesuffix(".py")


def imports(file: Path, house: Path):
    """The rooms a file imports, wherever the import stands: absolute, relative, `import a.b`, inside a function."""
    package = ["modelwright", *file.relative_to(house).with_suffix("").parts]
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            start = package[: -node.level] if node.level else []
            stem = [*start, *(node.module or "").split(".")] if node.module else start
            names = [".".join([*stem, alias.name]) for alias in node.names]
        else:
            continue
        for name in names:
            parts = name.split(".")
            if parts[0] == "modelwright" and len(parts) > 1:
                yield parts[1]


def breaches(house: Path) -> list[str]:
    found = []
    for file in sorted(house.rglob("*.py")):
        room = room_of(file, house)
        for other in imports(file, house):
            if room == "__init__" or other == room or other.startswith("__version"):
                continue
            if other not in ORDER or ORDER.index(other) > ORDER.index(room):
                found.append(f"{file.relative_to(house)}: {room} -> {other}")
    return found


def test_rooms_import_only_from_rooms_above():
    assert breaches(HOUSE) == []


def test_every_room_has_its_place_in_the_line():
    rooms = {room_of(file, HOUSE) for file in HOUSE.rglob("*.py")} - {"__init__"}
    assert rooms <= set(ORDER)
    assert not {part for file in HOUSE.rglob("*.py") for part in file.with_suffix("").parts} & FORBIDDEN


def test_the_page_about_the_house_shows_the_rooms_that_are_there_in_their_order():
    page = (HOUSE.parent.parent / "docs" / "architecture.md").read_text(encoding="utf-8")
    rows = [line.split("|")[1] for line in page.splitlines() if line.startswith("| `")]
    named = [name for row in rows for name in re.findall(r"`(\w+/?)`", row)]
    assert [name.rstrip("/") for name in named] == ORDER
    assert [name for name in named if name.endswith("/") != (HOUSE / name.rstrip("/")).is_dir()] == []


@pytest.mark.parametrize(
    "line",
    [
        "import modelwright.life",
        "from modelwright import life",
        "from ..life import run",
        "from .. import life",
        "def f():\n    from modelwright.life import run",
        "import modelwright.life.run as x",
    ],
)
def test_the_law_sees_a_planted_breach(tmp_path, line):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "planted.py").write_text(line)
    assert breaches(tmp_path) == ["data/planted.py: data -> life"]


def calls_that_write(house: Path) -> list[str]:
    """Places outside the vault that put bytes on disk by themselves."""
    writing = {"write_text", "write_bytes", "mkdir", "rename", "unlink", "rmtree", "savez"}
    found = []
    for file in sorted(house.rglob("*.py")):
        if room_of(file, house) == "vault":
            continue
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            name = getattr(node.func, "attr", getattr(node.func, "id", ""))
            modes = [a.value for a in node.args if isinstance(a, ast.Constant) and isinstance(a.value, str)]
            opens = name == "open" and any(set(mode) & set("wax+") and len(mode) <= 3 for mode in modes)
            if opens or name in writing:
                found.append(f"{file.relative_to(house)}:{node.lineno} {name}")
    return found


def test_only_the_vault_commits_bytes():
    allowed = {"data/writing.py"}  # streams into a path that the vault opened and will commit
    assert [place for place in calls_that_write(HOUSE) if place.split(":")[0] not in allowed] == []


def test_nothing_knows_pickle():
    named = {"pickle", "cPickle", "dill", "joblib", "cloudpickle", "shelve", "marshal"}
    for file in HOUSE.rglob("*.py"):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        imported = {n.name.split(".")[0] for node in ast.walk(tree) if isinstance(node, ast.Import) for n in node.names}
        imported |= {(node.module or "").split(".")[0] for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
        text = file.read_text(encoding="utf-8")
        assert not imported & named, file
        assert "torch.load(" not in text and "torch.save(" not in text and "allow_pickle=True" not in text, file


def test_the_page_of_the_house_names_every_room_in_its_order():
    page = (HOUSE.parents[1] / "docs/architecture.md").read_text(encoding="utf-8")
    rows = [line.split("|")[1] for line in page.splitlines() if line.startswith("| `")]
    named = [room.strip("` /") for row in rows for room in row.split(",")]
    assert named == [room for room in ORDER if room != "__init__"]
    folders = {room.strip("` /") for row in rows for room in row.split(",") if room.strip().endswith("/`")}
    assert folders == {room for room in named if (HOUSE / room).is_dir()}
