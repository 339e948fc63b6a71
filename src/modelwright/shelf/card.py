"""The card that lies with an artifact, for people."""

from __future__ import annotations

from modelwright import __version__
from modelwright.nouns import Artifact
from modelwright.reader import kind
from modelwright.wording import say


def card(artifact: Artifact) -> str:
    """The model card: what the label says, in words, for people who never saw the run."""
    parts = ", ".join(f"{part} {len(ids):,}" for part, ids in artifact.rows.items())
    scores = "\n".join(f"| {s.name} | {s.value:.4g} | {s.low:.4g} to {s.high:.4g} | {s.n:,} |" for s in artifact.scores)
    story = "\n".join(f"- {line}" for line in artifact.story)
    facts = {"kind": kind(type(artifact.family)), "label": artifact.codec.encoding.label}
    goes_on = artifact.codec.encoding.label is None
    title = say("texts, gone on with by {kind}", **facts) if goes_on else say("{label}, predicted by {kind}", **facts)
    use = 'generate {FOLDER} "Once"' if goes_on else "predict {FOLDER} rows.csv -o answers.csv"
    return f"""# {title}

{say("Made by modelwright {version}. Rows: {parts}.", version=__version__, parts=parts)}
{say("No row of the data lies in this folder, only row numbers.")}

## {say("How good it is on the test rows")}

| {say("score")} | {say("value")} | {say("95 % interval")} | {say("rows")} |
|---|---|---|---|
{scores}

## {say("How to use it")}

```
modelwright {use}
modelwright verify {{FOLDER}}
```

## {say("How it came to be")}

{story}
"""
