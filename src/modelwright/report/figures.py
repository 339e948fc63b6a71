"""Figures as a person reads them: 97.8 %, 3 min 12 s, 71 KB. The screen and the page say them alike. Knows no HTML."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from modelwright.nouns import Costs, Gained, Score
from modelwright.wording import say, say_many

SHARES = ("accuracy", "precision", "recall", "f1", "token", "tag")
"""Scores that are shares of 1 and told in percent; a name may go on with its average."""


def score_name(name: str) -> str:
    """f1_macro -> F1, every class alike"""
    words = {
        "accuracy": say("accuracy"),
        "precision_macro": say("precision (macro)"),
        "precision_micro": say("precision (micro)"),
        "precision_weighted": say("precision (weighted)"),
        "recall_macro": say("recall (macro)"),
        "recall_micro": say("recall (micro)"),
        "recall_weighted": say("recall (weighted)"),
        "f1_macro": say("F1 (macro)"),
        "f1_micro": say("F1 (micro)"),
        "f1_weighted": say("F1 (weighted)"),
        "log_loss": say("log loss"),
        "mse": say("mean squared error"),
        "mae": say("mean absolute error"),
        "r2": "R²",
        "bits_per_byte": say("bits per byte"),
        "perplexity": say("perplexity"),
        "bleu": "BLEU",
        "chrf": "chrF",
        "rouge_1": "ROUGE-1",
        "rouge_2": "ROUGE-2",
        "rouge_l": "ROUGE-L",
        "token_accuracy": say("hidden tokens found"),
        "f1_of_entities": say("F1 of entities"),
        "precision_of_entities": say("precision of entities"),
        "recall_of_entities": say("recall of entities"),
        "tag_accuracy": say("words tagged rightly"),
    }
    stem, at, most = name.rpartition("_at_")
    words |= {"spearman": say("Spearman's correlation"), "ndcg": "nDCG", "recall_at": say("recall")}
    if at and most.isdigit():
        return {"ndcg": f"nDCG@{most}", "recall": say("recall@{n}", n=most)}.get(stem, name)
    return words.get(name, name)


def part_name(part: str) -> str:
    return {"train": say("training"), "validation": say("validation"), "test": say("test")}.get(part, part)


def baseline_name(name: str) -> str:
    """linear on 20,000 rows -> the same in the language in use"""
    if name.startswith("linear on "):
        return say("linear, from {n} rows", n=name.split()[2])
    words = {"linear": say("linear"), "majority": say("majority"), "mean": say("mean")}
    words |= {"unigram": say("unigram"), "bigram": say("bigram"), "copy": say("copying"), "dictionary": say("dictionary")}
    words |= {"tf_idf": "TF-IDF", "lead": say("first words")}
    return words.get(name, name)


def is_share(name: str) -> bool:
    return name.split("_")[0] in SHARES


def lower_is_better(name: str) -> bool:
    return name in ("log_loss", "mse", "mae", "bits_per_byte", "perplexity")


# --- scores -------------------------------------------------------------------------------------------------------------


def value(score: Score) -> str:
    """97.8 %, or 31,240: no more digits than its interval bears."""
    return told(score.name, score.value, score.high - score.low)


def interval(score: Score) -> str:
    """95.2 - 99.2, in the unit of the value"""
    low, high = (told(score.name, end, score.high - score.low).removesuffix(" %") for end in (score.low, score.high))
    return f"{low} - {high}"


def span(score: Score) -> str:
    """95.2 – 99.2, as a page sets it"""
    return interval(score).replace(" - ", " – ")


def with_interval(score: Score) -> str:
    """accuracy 97.8 % [95.2 - 99.2]"""
    return f"{score_name(score.name)} {value(score)} [{interval(score)}]"


def gained(found: Gained) -> str:
    """gained: bits per byte 1.20 [1.10 - 1.30] before, 1.00 [0.90 - 1.10] after"""
    first, second = found.before[0], found.after[0]
    later = f"{value(second)} [{interval(second)}]"
    both = say("{before} before, {after} after", before=with_interval(first), after=later)
    if not found.name:
        return say("gained: {figures}", figures=both)
    facts = {"texts": f"{found.texts:,}", "name": found.name, "figures": both}
    return say("elsewhere, on {texts} texts of {name}: {figures}", **facts)


def gained_lines(found: Sequence[Gained]) -> tuple[tuple[str, str, str], ...]:
    """The page's table: a line for each score of each set of texts: what it is, before, after."""
    return tuple(
        (
            f"{score_name(before.name)} · " + (say("elsewhere, {name}", name=one.name) if one.name else say("test rows")),
            f"{value(before)} [{interval(before)}]",
            f"{value(after)} [{interval(after)}]",
        )
        for one in found
        for before, after in zip(one.before, one.after)
    )


def told(name: str, figure: float, width: float) -> str:
    """A figure of the score of this name, to the digits that an interval of this width bears."""
    if is_share(name):
        return f"{number(100 * figure, 100 * width)} %"
    return number(figure, max(width, 0.001) if name == "r2" else width)


def number(figure: float, width: float) -> str:
    """Two digits of the width: 31,240 where it is 1,200; 0.082 where it is 0.034."""
    if not math.isfinite(figure):
        return str(figure)
    if abs(figure) >= 1e7:
        power = math.floor(math.log10(abs(figure)))
        return f"{figure / 10**power:.2f}e{power}"
    places = 1 - math.floor(math.log10(width)) if width > 0 else 3
    text = f"{figure:,.{min(6, max(0, places))}f}"
    return text.removeprefix("-") if not float(text.replace(",", "")) else text


def amount(figure: float) -> str:
    """Four digits of a number: 0.01234, 12.34, 12,340."""
    return number(figure, abs(figure) / 100) if figure else "0"


def sure(chance: float) -> str:
    """A chance in percent, never told as certain: 77, 99.8."""
    return f"{100 * chance:.0f}" if chance < 0.99 else f"{min(99.9, 100 * chance):.1f}"


# --- costs --------------------------------------------------------------------------------------------------------------


def seconds(figure: float) -> str:
    if figure >= 3600:
        return say("{h} h {m} min", h=int(figure // 3600), m=int(figure % 3600 // 60))
    if figure >= 100:
        return say("{m} min {s} s", m=int(figure // 60), s=int(figure % 60))
    return f"{figure:.0f} s" if figure >= 20 else f"{figure:.1f} s" if figure >= 0.1 else f"{1000 * figure:.0f} ms"


def scaled(figure: float, unit: str, powers: str = " KMGTPE") -> str:
    """71 KB, 1.1 TFLOP: steps of 1,000."""
    step = 0
    while figure >= 999.5 and step < len(powers) - 1:
        figure, step = figure / 1000, step + 1
    digits = 0 if figure >= 9.95 or not step else 1
    return f"{figure:,.{digits}f} {powers[step].strip()}{unit}"


def energy(figure: float) -> str:
    return f"{1000 * figure:.2g} mWh" if figure < 0.01 else f"{figure:.2f} Wh" if figure < 10 else f"{figure:,.0f} Wh"


def ledger(predicted: Costs, measured: Costs) -> tuple[tuple[str, str, str, str], ...]:
    """The screen's three lines: what, predicted, measured, and what else was measured."""
    return (
        (say("compute"), _time(predicted), _time(measured), _joined(_energy(measured), _flops(measured), _memory(measured))),
        (say("complexity"), _weights(predicted), _weights(measured), _bytes(measured)),
        (say("data"), _rows(predicted), _rows(measured), _lost(measured)),
    )


def costs(predicted: Costs, measured: Costs) -> tuple[tuple[str, tuple[tuple[str, str, str], ...]], ...]:
    """The page's ledger: for each of the three costs its lines, each with what was predicted and measured ("" is neither)."""
    compute = (
        _line(say("time"), _time, predicted, measured),
        _line(say("processor time"), _processor, predicted, measured),
        _line(say("energy ({meter})", meter=measured.meter), _energy, predicted, measured),
        _line(say("arithmetic"), _flops, predicted, measured),
        _line(say("peak memory"), _memory, predicted, measured),
    )
    complexity = (
        _line(say("weights"), lambda cost: _counted(cost.parameters), predicted, measured),
        _line(say("layers"), lambda cost: _counted(cost.layers), predicted, measured),
        _line(say("size of the weights"), _bytes, predicted, measured),
    )
    data = (
        _line(say("rows used"), lambda cost: _counted(cost.rows_used), predicted, measured),
        _line(say("rows dropped"), lambda cost: _counted(cost.rows_dropped), predicted, measured),
        _line(say("rows repaired"), lambda cost: _counted(cost.rows_repaired), predicted, measured),
        _line(say("rows that an update can use"), _useful, predicted, measured),
    )
    groups = ((say("compute"), compute), (say("complexity"), complexity), (say("data"), data))
    return tuple((name, tuple(line for line in lines if any(line[1:]))) for name, lines in groups)


def _line(what: str, read: Callable[[Costs], str], predicted: Costs, measured: Costs) -> tuple[str, str, str]:
    return what, read(predicted), read(measured)


def useful(noise: tuple[float | None, float, float | None]) -> str:
    """420 [300 - 700] rows: so many behind an update pay, and more gain little."""
    value, low, high = noise
    if value is None or high is None:
        return say("more than {n} rows", n=_even(low, low))
    told = {name: _even(count, high - low) for name, count in (("n", value), ("low", low), ("high", high))}
    return say("{n} rows [{low} - {high}]", **told)


def _even(count: float, width: float) -> str:
    """A count to two digits of the width: 420 where it is 390."""
    step = 10.0 ** max(0, math.floor(math.log10(width)) - 1) if width > 0 else 1.0
    return f"{round(count / step) * step:,.0f}"


def _useful(cost: Costs) -> str:
    return "" if cost.noise is None else useful(cost.noise)


def _counted(count: int | None) -> str:
    return "" if count is None else f"{count:,}"


def _processor(cost: Costs) -> str:
    return "" if cost.cpu_seconds is None else seconds(cost.cpu_seconds)


def _joined(*parts: str) -> str:
    return " · ".join(part for part in parts if part)


def _time(cost: Costs) -> str:
    return "" if cost.seconds is None else seconds(cost.seconds)


def _energy(cost: Costs) -> str:
    return "" if cost.watt_hours is None else energy(cost.watt_hours)


def _flops(cost: Costs) -> str:
    return "" if cost.flops is None else scaled(cost.flops, "FLOP")


def _memory(cost: Costs) -> str:
    return "" if cost.peak_bytes is None else scaled(cost.peak_bytes, "B")


def _weights(cost: Costs) -> str:
    return "" if cost.parameters is None else say_many("{n} weight", "{n} weights", cost.parameters)


def _bytes(cost: Costs) -> str:
    return "" if cost.weight_bytes is None else scaled(cost.weight_bytes, "B")


def _rows(cost: Costs) -> str:
    return "" if cost.rows_used is None else say_many("{n} row", "{n} rows", cost.rows_used)


def _lost(cost: Costs) -> str:
    dropped = "" if cost.rows_dropped is None else say("{n} dropped", n=f"{cost.rows_dropped:,}")
    repaired = say("{n} repaired", n=f"{cost.rows_repaired:,}") if cost.rows_repaired else ""
    return _joined(dropped, repaired, say("an update can use {rows}", rows=_useful(cost)) if cost.noise else "")
