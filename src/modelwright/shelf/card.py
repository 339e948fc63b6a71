"""The card that lies with an artifact, for people."""

from __future__ import annotations

from typing import Any

from modelwright import __version__
from modelwright.nouns import Artifact, Encoding, Gaps, Hidden, Origin, Tagged, Tokens, Vector
from modelwright.reader import kind
from modelwright.wording import say


def card(artifact: Artifact) -> str:
    """The model card: what the label says, in words, for people who never saw the run."""
    parts = ", ".join(f"{part} {len(ids):,}" for part, ids in artifact.rows.items())
    scores = "\n".join(f"| {s.name} | {s.value:.4g} | {s.low:.4g} to {s.high:.4g} | {s.n:,} |" for s in artifact.scores)
    story = "\n".join(f"- {line}" for line in artifact.story)
    facts = {"kind": kind(type(artifact.family)), "label": artifact.codec.encoding.label}
    title, use = _answers(artifact.codec.encoding, facts)
    rows = say("Made by modelwright {version}. Rows: {parts}.", version=__version__, parts=parts)
    made = f"""{rows}
{say("No row of the data lies in this folder, only row numbers.")}"""
    judged = f"""## {say("How good it is on the test rows")}

| {say("score")} | {say("value")} | {say("95 % interval")} | {say("rows")} |
|---|---|---|---|
{scores}"""
    begun = _begun(artifact.origin) if artifact.origin else ""
    return f"""# {title}

{made if artifact.rows else say("Made by modelwright {version}.", version=__version__)}

{begun}{judged if artifact.scores else say("It was not judged here.")}

## {say("How to use it")}

```
modelwright {use}
modelwright verify {{FOLDER}}
```

## {say("How it came to be")}

{story}
"""


def _answers(encoding: Encoding, facts: dict[str, Any]) -> tuple[str, str]:
    """What the model does, and the words that let it."""
    if encoding.wants is Tokens:
        return say("texts, gone on with by {kind}", **facts), 'generate {FOLDER} "Once"'
    if encoding.wants is Gaps:
        return say("gaps in texts, filled by {kind}", **facts), "verify {FOLDER} --data rows.csv"
    if encoding.wants is Hidden:
        return say("hidden tokens of texts, found by {kind}", **facts), "verify {FOLDER} --data rows.csv"
    if encoding.wants is Tagged:
        return say("tags of words, given by {kind}", **facts), "predict {FOLDER} rows.jsonl -o tags.jsonl"
    if encoding.wants is Vector:
        return say("texts, each a vector by {kind}", **facts), "predict {FOLDER} rows.csv -o vectors.parquet"
    return say("{label}, predicted by {kind}", **facts), "predict {FOLDER} rows.csv -o answers.csv"


def _begun(origin: Origin) -> str:
    """Whose weights it began with, a line each."""
    lines = {
        say("model"): origin.model,
        say("its own base"): origin.base,
        say("licence"): origin.licence or say("not said by its makers: ask them before you pass it on"),
        say("revision"): origin.revision,
        say("weights"): f"{origin.format}, SHA-256 {origin.digest}",
    }
    told = "\n".join(f"- {word}: {text}" for word, text in lines.items() if text)
    return f"""## {say("Whose weights it began with")}

{told}

"""
