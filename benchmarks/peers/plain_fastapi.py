"""What one writes who has an artifact and FastAPI: each request calls the model by itself, in a thread of the pool.

python -m peers.plain_fastapi ARTIFACT PORT
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import torch
import uvicorn
from fastapi import FastAPI

from modelwright import shelf
from modelwright.nouns import Rows

torch.set_num_threads(1)  # fastest for one row at a time
artifact = shelf.take(Path(sys.argv[1]))
names = artifact.codec.writes[0].kind.names
app = FastAPI()


@app.post("/predict/digits")
def predict(row: dict[str, Any]) -> dict[str, Any]:
    frame = pl.DataFrame({name: [value] for name, value in row.items()})
    batch, faults = artifact.codec.encode(Rows(np.zeros(1, np.int64), frame))
    if len(faults):
        return {"answer": None, "fault": " ".join(faults["sentence"])}
    with torch.inference_mode():
        said = artifact.codec.decode(artifact.module(batch))
    chances = said["chances"][0].to_list()
    return {"answer": said["answer"][0], "probability": max(chances), "chances": dict(zip(names, chances))}


if __name__ == "__main__":
    uvicorn.run(app, port=int(sys.argv[2]), log_level="error")
