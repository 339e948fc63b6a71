"""The recipe of a look, as a plain tree and as text with remarks."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from modelwright import data
from modelwright.drafting.looking import Look
from modelwright.reader import to_toml, write
from modelwright.wording import say


def draft(seen: Look, start: Path | None = None) -> dict[str, Any]:
    """The plain tree of a recipe that runs on these rows. Its path starts at the folder `start`, where the recipe will lie."""
    return {
        "format": 1,
        "seed": 0,
        "data": {**write(seen.source), "path": _path(seen.source, start)},
        "codec": _codec(seen),
        "model": _model(seen),
        "training": {
            "epochs": _epochs(seen),
            "batch": 32 if seen.height < 50_000 else 128,
            "optimizer": {"kind": "adam", "rate": 0.001},
            "stopping": {"patience": 5},
        },
    }


def _path(source: data.Source, start: Path | None) -> str:
    """Relative where the rows lie at or below `start`, so that both can be moved together; else absolute."""
    path = Path(write(source)["path"]).absolute()
    below = start is not None and path.is_relative_to(start.absolute())
    return path.relative_to(start.absolute()).as_posix() if below and start is not None else str(path)


def _codec(seen: Look) -> dict[str, Any]:
    if seen.picture:
        return {"kind": "pictures", "label": seen.label, **({"size": list(seen.size)} if seen.size else {})}
    if seen.sound:
        return {"kind": "log_mel", "label": seen.label}
    if seen.tags is not None:
        words, scheme = seen.tags
        return {"kind": "tags", "column": words, "label": seen.label, "scheme": scheme}
    target = {"target": "number"} if seen.target == "number" else {}
    if seen.text is not None:
        return {"kind": "words", "label": seen.label, "column": seen.text}
    decimal = {"decimal": ","} if seen.commas else {}
    filled = {"missing": "median"} if seen.missing else {}
    ignored = {"ignore": list(seen.left_out)} if seen.left_out else {}
    return {"kind": "columns", "label": seen.label, **target, **decimal, **filled, **ignored}


def _model(seen: Look) -> dict[str, Any]:
    if seen.picture:
        return {"kind": "cnn", "stages": [[16, 16], [32, 32]], "head": [128], "dropout": 0.2}
    if seen.sound:
        return {"kind": "cnn", "stages": [[16, 16], [32, 32], [64]], "head": [64], "dropout": 0.2}
    if seen.tags is not None:
        return {"kind": "encoder"}
    if seen.text is not None:
        return {"kind": "lstm", "embedding": 32, "width": 64}
    return {"kind": "mlp", "widths": [64, 32], "dropout": 0.1}


def _epochs(seen: Look) -> int:
    """As many as give some 30,000 updates at most: minutes on a laptop."""
    return max(5, min(60, 1_000_000 // max(seen.height, 1)))


def commented(tree: Mapping[str, Any], seen: Look) -> str:
    """The recipe as text, each section under a line that says what it orders."""
    remarks = {
        "[data]": say("where the rows come from, and which part is kept for judging"),
        "[codec]": say("what each column means; learned on training rows alone"),
        "[model]": say("the network: another kind is another word here"),
        "[training]": say("how it learns; it stops when validation stops getting better"),
    }
    head = "# " + say(
        "{rows} rows, label {label}. Run it: modelwright run THIS_FILE", rows=f"{seen.height:,}", label=seen.label
    )
    lines = [head]
    left_out = say("left out, as nothing can be learned there: each row another word, none, or no text")
    for line in to_toml(tree).splitlines():
        lines += [f"# {remarks[line]}"] if line in remarks else []
        lines += [f"# {left_out}"] if line.startswith("ignore = ") else []
        lines.append(line)
    return "\n".join(lines) + "\n"
