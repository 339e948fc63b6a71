"""The Python API and its manners: no print, no exit, no global left changed, no network."""

import os
import signal
import socket
import sys
import textwrap
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch

import modelwright
from modelwright.nouns import Refused, Rows

TREE = {
    "codec": {"kind": "columns", "label": "y"},
    "model": {"kind": "mlp", "widths": [8]},
    "training": {"epochs": 3, "batch": 16, "optimizer": {"kind": "adam", "rate": 0.01}},
}


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def a_table(height=150):
    dice = np.random.default_rng(0)
    x = dice.normal(size=(height, 2))
    return pl.DataFrame({"a": x[:, 0], "b": x[:, 1], "y": np.where(x[:, 0] > 0, "yes", "no")})


def globals_of_torch():
    return (
        torch.get_num_threads(),
        torch.get_float32_matmul_precision(),
        torch.get_rng_state().numpy().tobytes(),
        torch.get_default_dtype(),
        torch.is_grad_enabled(),
        torch.are_deterministic_algorithms_enabled(),
        torch.backends.mkldnn.enabled,
    )


def test_train_predict_and_load_from_a_table(here):
    table = a_table()
    trained = modelwright.train(TREE, data=table)
    answers = trained.artifact.predict(table)
    assert (
        isinstance(answers, pl.DataFrame)
        and answers.columns == ["row", "answer", "probability", "fault"]
        and len(answers) == 150
    )
    assert (answers["answer"] == table["y"]).mean() > 0.8
    again = modelwright.load(trained.artifact.folder)
    assert again.predict(table).equals(answers)


def test_module_and_codec_are_plain(here):
    model = modelwright.train(TREE, data=a_table()).artifact
    batch, faults = model.codec.encode(Rows(np.arange(4), a_table().head(4)))
    assert isinstance(model.module, torch.nn.Module) and faults.is_empty()
    assert model.module(batch)["label"].shape == (4, 2)
    assert torch.equal(model.encode(a_table().head(4))["inputs"], batch["inputs"])


def test_pandas_in_pandas_out_and_the_others_likewise(here):
    model = modelwright.train(
        TREE, data={"a": a_table()["a"].to_numpy(), "b": a_table()["b"].to_numpy(), "y": a_table()["y"].to_list()}
    ).artifact
    wanted = model.predict(a_table())["answer"].to_list()
    assert model.predict({"a": a_table()["a"].to_list(), "b": a_table()["b"].to_list()})["answer"].to_list() == wanted
    assert model.predict(a_table().drop("y").to_dicts())["answer"].to_list() == wanted
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(a_table().drop("y").to_dict(as_series=False), index=range(100, 250))
    answers = model.predict(frame)
    assert (
        isinstance(answers, pandas.DataFrame)
        and list(answers.index) == list(range(100, 250))
        and answers["answer"].to_list() == wanted
    )


def test_a_torch_dataset_is_rows_too(here):
    x = torch.randn(120, 3, generator=torch.Generator().manual_seed(0))
    dataset = torch.utils.data.TensorDataset(x, (x[:, 0] > 0).long())
    tree = {**TREE, "codec": {"kind": "columns", "label": "label"}}
    assert modelwright.train(tree, data=dataset).scores[0].n > 0


def test_they_show_themselves_in_a_notebook(here):
    trained = modelwright.train(TREE, data=a_table())
    assert "accuracy" in trained._repr_html_() and "accuracy" in trained.artifact._repr_html_()
    assert "<iframe" in trained.report._repr_html_()


def test_a_fault_is_refused_as_on_the_command_line(here):
    with pytest.raises(Refused, match="widths"):
        modelwright.train({**TREE, "model": {"kind": "mlp", "witdhs": [3]}}, data=a_table())
    with pytest.raises(Refused, match="handed over in Python"):
        modelwright.train({**TREE, "data": {"kind": "in_python"}})


def test_manners(here, capfd, monkeypatch):
    before = globals_of_torch(), Path.cwd(), dict(os.environ), signal.getsignal(signal.SIGINT), list(sys.path)
    monkeypatch.setattr(sys, "exit", lambda *code: pytest.fail("it exits"))
    model = modelwright.train(TREE, data=a_table()).artifact
    model.predict(a_table())
    assert (globals_of_torch(), Path.cwd(), dict(os.environ), signal.getsignal(signal.SIGINT), list(sys.path)) == before
    shown = capfd.readouterr()
    assert shown.out == "" and shown.err == ""


def test_the_main_job_needs_no_network(here, monkeypatch):
    def refuse(*words, **more):
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(socket, "create_connection", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    trained = modelwright.train("digits", out=here / "r")
    assert trained.scores[0].value > 0.95


NETS = """
from __future__ import annotations
from dataclasses import dataclass
from typing import ClassVar
from modelwright.nouns import Cells


@dataclass(frozen=True)
class TinyNet:
    room: ClassVar[str] = "model"
    accepts: ClassVar[tuple[type, ...]] = (Cells,)

    width: int = 4

    def build(self, reads, writes):
        import torch
        from modelwright.models.networks.inputs import Flat

        class Net(torch.nn.Module):
            def __init__(self, width):
                super().__init__()
                self.inputs = Flat(reads, 1)
                self.stack = torch.nn.Sequential(torch.nn.Linear(self.inputs.width, width), torch.nn.Tanh(),
                                                 torch.nn.Linear(width, writes[0].kind.units))

            def forward(self, batch):
                return {writes[0].name: self.stack(self.inputs(batch))}

        return Net(self.width)
"""


def test_a_kind_from_outside_trains_and_is_asked_for_at_loading(here, monkeypatch):
    (here / "mynets.py").write_text(textwrap.dedent(NETS))
    monkeypatch.syspath_prepend(str(here))
    import mynets

    trained = modelwright.train({**TREE, "model": {"kind": "tiny_net", "width": 6}}, data=a_table(), kinds=[mynets.TinyNet])
    folder = trained.artifact.folder
    content = b"".join(file.read_bytes() for file in folder.iterdir())
    assert b"tiny_net" in content and b"mynets" not in content
    with pytest.raises(Refused, match="--kinds"):
        modelwright.load(folder)
    assert modelwright.load(folder, kinds=[mynets.TinyNet]).predict(a_table()).equals(trained.artifact.predict(a_table()))


def test_the_command_line_takes_kinds_too(here, capsys):
    from modelwright.__main__ import main

    (here / "ournets.py").write_text(textwrap.dedent(NETS))
    a_table().write_csv(here / "data.csv")
    (here / "mine.toml").write_text(
        '[data]\nkind = "csv"\npath = "data.csv"\n[codec]\nkind = "columns"\nlabel = "y"\n'
        '[model]\nkind = "tiny_net"\nwidth = 5\n[training]\nepochs = 2\n'
    )
    assert main(["run", "mine.toml", "--quiet"]) == 2
    assert main(["--kinds", "ournets", "run", "mine.toml", "--quiet"]) == 0
    assert main(["verify", "runs/mine/artifact", "--kinds", "ournets"]) == 0
