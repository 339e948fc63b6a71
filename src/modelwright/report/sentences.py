"""The sentences at the head of the page, for somebody who has one minute. Knows no HTML."""

from __future__ import annotations

from pathlib import Path

from modelwright.nouns import Classes, Gaps, Hidden, Reply, Score, Tagged, Vector
from modelwright.report import figures
from modelwright.report.story import Story
from modelwright.wording import say, say_many


def headline(story: Story) -> str:
    """What it is and how good it is."""
    first, facts = story.scores[0], {"label": story.label, "n": f"{story.scores[0].n:,}"}
    scored = f"{figures.score_name(first.name)} {figures.value(first)}"
    if isinstance(story.port, Hidden):
        return say("It finds tokens that are hidden in texts, with {score} on {n} passages that it had never seen.",
                   score=scored, n=facts["n"])  # fmt: skip
    if isinstance(story.port, Gaps):
        return say("It fills gaps in texts, with {score} on {n} passages that it had never seen.", score=scored, n=facts["n"])
    if isinstance(story.port, Tagged):
        return say("It tags words, with {score} on {n} rows that it had never seen.", score=scored, n=facts["n"])
    if isinstance(story.port, Vector):
        return say("It finds texts that mean alike, with {score} on {n} that it had never seen.", score=scored, n=facts["n"])
    if story.label is None:
        return say("It goes on with texts, with {score} on {n} passages that it had never seen.", score=scored, n=facts["n"])
    if isinstance(story.port, Classes) and first.name == "accuracy":
        right = f"{round(first.value * first.n):,}"
        names = story.port.names
        if len(names) == 2:
            facts |= {"one": names[0], "other": names[1]}
            return say("It tells {one} from {other}, and was right on {right} of {n} rows that it had never seen.",
                       one=names[0], other=names[1], right=right, n=facts["n"])  # fmt: skip
        return say("It tells {classes} classes of {label} apart, and was right on {right} of {n} rows that it had never seen.",
                   classes=f"{len(names):,}", right=right, **facts)  # fmt: skip
    if first.name == "mae":
        return say("It predicts {label}, and was {error} off on average on {n} rows that it had never seen.",
                   error=figures.value(first), **facts)  # fmt: skip
    if isinstance(story.port, Reply):
        return say("It replies with {label}, with {score} on {n} texts that it had never seen.", score=scored, **facts)
    return say("It predicts {label}, with {score} on {n} rows that it had never seen.",
               score=scored, **facts)  # fmt: skip


def noise(story: Story) -> str:
    """What the gradient's noise says of the batch; empty where it was not seen."""
    seen = story.ledger.measured.noise
    if seen is None:
        return ""
    return say("An update could use {rows}: with more behind it a step gains little, for the gradient is known well by then.",
               rows=figures.useful(seen))  # fmt: skip


def certainty(score: Score) -> str:
    return say("95 % sure: between {low} and {high}", low=figures.told(score.name, score.low, score.high - score.low),
               high=figures.told(score.name, score.high, score.high - score.low))  # fmt: skip


def verdict(story: Story) -> tuple[str, str]:
    """How it stands against the strongest baseline: better, unproved or worse; and the sentence."""
    if not story.baselines:
        return "unproved", say("No baseline was asked for, so nothing here says whether a simpler model would do as well.")
    rivals = {name: scores[0] for name, scores in story.baselines.items()}
    sign = -1 if figures.lower_is_better(story.scores[0].name) else 1
    name = max(rivals, key=lambda rival: sign * rivals[rival].value)
    ours, theirs = story.scores[0], rivals[name]
    facts = {"rival": phrase(name), "theirs": figures.value(theirs)}
    standing = _standing(story, name, ours, theirs, sign)
    if standing == "better":
        return standing, say("Proved better than {rival} ({theirs}), on the same rows.", **facts)
    if standing == "worse":
        return standing, say("Worse than {rival} ({theirs}): use that, or train longer.", **facts)
    return standing, say("Not proved better than {rival} ({theirs}): so few rows cannot tell them apart.", **facts)


def _standing(story: Story, name: str, ours: Score, theirs: Score, sign: int) -> str:
    """By pairs of answers where they were compared, else by intervals that do not touch."""
    if story.gain is not None and story.gain[0] == name:
        low, high = story.gain[1].low, story.gain[1].high
    else:
        low, high = sorted((sign * (ours.low - theirs.high), sign * (ours.high - theirs.low)))
    return "better" if low > 0 else "worse" if high < 0 else "unproved"


def phrase(name: str) -> str:
    """A baseline inside a sentence."""
    if name.startswith("linear on "):
        return say("a linear model of {n} rows", n=name.split()[2])
    words = {
        "linear": say("a linear model"),
        "majority": say("always answering the most frequent class"),
        "mean": say("always answering the mean"),
        "unigram": say("how often each token comes"),
        "bigram": say("how often each token follows another"),
        "copy": say("saying the text itself once more"),
        "dictionary": say("a dictionary of single words"),
        "lead": say("saying the first words of the text"),
        "tf_idf": say("which words two texts share (TF-IDF)"),
    }
    return words.get(name, name)


def count_of_mistakes(story: Story) -> str:
    """How many answers were wrong, where that is a number."""
    first = next((score for score in story.scores if score.name == "accuracy"), None)
    if first is None:
        return ""
    wrong = first.n - round(first.value * first.n)
    return say_many("{n} wrong answer of {all} on the test rows.", "{n} wrong answers of {all} on the test rows.", wrong,
                    all=f"{first.n:,}")  # fmt: skip


def commands(story: Story) -> tuple[tuple[str, str], ...]:
    """What to do with it next: a sentence and a command each."""
    folder = story.folder.rstrip("/\\")
    first = (
        (say("Let a model of classes begin with it."),
         f"modelwright run RECIPE --set model.kind=base --set model.artifact={quoted(folder + '/artifact')}")
        if isinstance(story.port, Hidden) else
        (say("Look at what it was given to learn."), f"modelwright check {quoted(folder + '/recipe.toml')}")
        if isinstance(story.port, Gaps) else
        (say("Let it answer each text with a vector. Texts need no partner."),
         f"modelwright predict {quoted(folder + '/artifact')} rows.csv -o vectors.parquet")
        if isinstance(story.port, Vector) else
        (say("Let it go on with a text of yours."), f'modelwright generate {quoted(folder + "/artifact")} "Once"')
        if story.label is None else
        (say("Let it reply to a text of yours."), f'modelwright generate {quoted(folder + "/artifact")} "Open the file"')
        if isinstance(story.port, Reply) else
        (say("Let it tag rows of words. They need no tags."),
         f"modelwright predict {quoted(folder + '/artifact')} rows.jsonl -o tags.jsonl")
        if isinstance(story.port, Tagged) else
        (say("Answer new rows. They need the same columns, without {label}.", label=story.label),
         f"modelwright predict {quoted(folder + '/artifact')} rows.csv -o answers.csv")
    )  # fmt: skip
    return (
        first,
        (say("Try another setting, in a folder of its own."),
         f"modelwright run {quoted(folder + '/recipe.toml')} --set training.epochs=20 -o {quoted(folder + '-2')}"),
        (say("Hold the two against each other, on the same test rows."),
         f"modelwright compare {quoted(folder)} {quoted(folder + '-2')}"),
    )  # fmt: skip


def checks(story: Story) -> tuple[tuple[str, str], ...]:
    """How to hold this page to its word."""
    folder = story.folder.rstrip("/\\")
    return (
        (say("Every byte of the artifact against its manifest, and every score here computed again."),
         verifying(folder + "/artifact", story.data)),
        (say("Killed at random instants and resumed, training must end with the same weights, bit for bit."),
         f"modelwright prove resume {quoted(folder + '/recipe.toml')}"),
    )  # fmt: skip


def verifying(artifact: str | Path, data: str) -> str:
    """The command that computes every score again: rows that are not bundled have to be named, for an artifact carries none."""
    return f"modelwright verify {quoted(artifact)}" + (f" --data {quoted(data)}" if data else "")


def quoted(path: str | Path) -> str:
    """As sh and PowerShell both read it."""
    return f'"{path}"' if any(character in str(path) for character in " &()[]{}'$;") else str(path)
