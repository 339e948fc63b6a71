"""The words of what is done with an artifact, or with two finished runs."""

from __future__ import annotations

from argparse import ArgumentParser

from modelwright.command import artifacts as does
from modelwright.command.adopting import adopt as takes_in
from modelwright.command.explaining import explain as tells
from modelwright.command.generating import generate as goes_on
from modelwright.command.merging import merge as folds_in
from modelwright.command.words import options
from modelwright.command.words.options import Verbs, verb
from modelwright.wording import say


def predict(verbs: Verbs) -> None:
    about = say("answer raw rows with an artifact")
    examples = "predict runs/digits/artifact rows.csv -o answers.csv", "predict ARTIFACT rows.jsonl -o answers.parquet"
    made = verb(verbs, "predict", does.predict, about, *examples)
    options.artifact(made)
    options.rows(made)
    options.out(made, say("where the answers go: .csv, .jsonl or .parquet"), required=True)


def compress(verbs: Verbs) -> None:
    about = say("make an artifact smaller, and prove on its test rows what that costs")
    examples = (
        "compress runs/digits/artifact --loss 0.02 -o smaller",
        "compress ARTIFACT --data housing.csv --keep 0.5 --loss 500 -o smaller",
    )
    made = verb(verbs, "compress", does.compress, about, *examples)
    options.artifact(made)
    options.data(made, say("the data it was made from"))
    made.add_argument("--loss", type=float, default=0.01, help=say("what may be lost: a share, or the label's unit"))
    made.add_argument("--keep", type=float, help=say("prune as well: the share of each layer's units that stays"))
    made.add_argument("--epochs", type=int, default=5, help=say("how long a pruned model learns on"))
    options.out(made, say("the folder of the smaller artifact"), required=True)


def explain(verbs: Verbs) -> None:
    about = say("tell why an artifact answers a row as it does, or which columns matter")
    examples = (
        "explain runs/digits/artifact rows.csv --row 3 -o why.html",
        "explain ARTIFACT rows.csv --method permutation --budget 30s",
    )
    made = verb(verbs, "explain", tells, about, *examples)
    options.artifact(made)
    options.rows(made)
    made.add_argument("--row", type=int, default=0, help=say("which row, counted from 0"))
    made.add_argument("--word", type=int, help=say("of tags: which word, counted from 0; the first that has one without it"))
    methods = ["shapley", "lime", "integrated_gradients", "occlusion", "permutation"]
    made.add_argument("--method", choices=methods, default="shapley", help=say("shapley without it; permutation needs labels"))
    made.add_argument("--budget", default="10s", metavar="TIME", help=say("how long it may take: 10s, 500ms, 2m"))
    options.out(made, say("a page to draw it on"))


def export(verbs: Verbs) -> None:
    about = say("write an artifact in another format, once raw rows have proved it the same")
    examples = (
        "export runs/digits/artifact --to onnx -o digits-onnx",
        "export ARTIFACT --to onnx --data rows.csv -o exported",
        "export runs/shakespeare_gpt/artifact --to huggingface -o gpt",
    )
    made = verb(verbs, "export", does.export, about, *examples)
    formats = say("onnx: a graph, and a reader without modelwright; huggingface: what transformers loads")
    options.artifact(made)
    made.add_argument("--to", choices=["onnx", "huggingface"], required=True, help=formats)
    options.out(made, say("the folder to write"), required=True)
    options.data(made, say("onnx: 200 raw rows to prove it with; they need no label"))


def adopt(verbs: Verbs) -> None:
    about = say("make an artifact of weights that others published, with their tokenizer")
    examples = "adopt downloads/MiniLM -o minilm", "adopt SmolLM2-135M-Instruct.Q4_1.gguf -o smollm"
    made = verb(verbs, "adopt", takes_in, about, *examples)
    theirs = say("a folder of Hugging Face with config, safetensors and tokenizer.json, its name in the hub, or a GGUF file")
    made.add_argument("model", type=options.place, help=theirs)
    commit = say("a commit, branch or tag of the hub; the newest without it")
    made.add_argument("--revision", default="", metavar="COMMIT", help=commit)
    options.out(made, say("the folder of the artifact"), required=True)


def merge(verbs: Verbs) -> None:
    about = say("fold what was learned beside a base into it: an artifact that leans on no other")
    made = verb(verbs, "merge", folds_in, about, "merge runs/assistant_lora/artifact -o assistant")
    options.artifact(made)
    options.out(made, say("the folder of the artifact"), required=True)


def generate(verbs: Verbs) -> None:
    about = say("let a model that learned from texts go on with one, or with many")
    examples = (
        'generate runs/shakespeare_gpt/artifact "To be" --temperature 0.8',
        'generate ARTIFACT "Once" --tokens 50 --temperature 1 --min-p 0.05 --seed 1',
        'generate ARTIFACT "A user as JSON: " --schema user.json',
        'generate ARTIFACT "What is the capital of France?" --chat',
        "generate ARTIFACT --prompts questions.jsonl -o answers.jsonl",
    )
    made = verb(verbs, "generate", goes_on, about, *examples)
    options.artifact(made)
    made.add_argument("prompt", nargs="?", help=say("what it goes on from"))
    options.flag(made, "--chat", say("the prompt is a question: it is asked in the chat template that came with the model"))
    made.add_argument("--system", metavar="TEXT", help=say("with --chat: what the model is told before the question"))
    lines = say("many prompts: .txt, a line each; .jsonl; .csv")
    made.add_argument("--prompts", type=options.place, metavar="FILE", help=lines)
    options.out(made, say("where the answers of --prompts go: .csv, .jsonl or .parquet"))
    many = say("prompts that are answered side by side; 8 without it")
    made.add_argument("--batch", type=options.count, default=8, metavar="N", help=many)
    made.add_argument("--tokens", type=options.count, default=200, metavar="N", help=say("how many at most; 200 without it"))
    options.flag(made, "--bf16", say("weights in half the bytes: quicker, and now and then another token"))
    ends = say("a text at which it ends; may be given often")
    made.add_argument("--stop", action="append", default=[], metavar="TEXT", help=ends)
    _chosen(made)
    form = made.add_mutually_exclusive_group()
    schema = say("a file with the JSON schema that the answer keeps to")
    form.add_argument("--schema", type=options.place, metavar="FILE", help=schema)
    form.add_argument("--pattern", default="", metavar="REGEX", help=say("a regular expression that the whole answer matches"))


def _chosen(made: ArgumentParser) -> None:
    """How each token is chosen."""
    bold = say("0: always the likeliest; 1: as it learned; above: bolder")
    made.add_argument("--temperature", type=float, default=0.0, metavar="T", help=bold)
    made.add_argument("--top-k", type=int, default=0, metavar="K", help=say("only the K likeliest; 0 is all"))
    likely = say("only the likeliest that together have this chance")
    made.add_argument("--top-p", type=float, default=1.0, metavar="P", help=likely)
    least = say("only those with at least this share of the likeliest one's chance")
    made.add_argument("--min-p", type=float, default=0.0, metavar="P", help=least)
    again = say("above 1: what was said already is less likely")
    made.add_argument("--repetition", type=float, default=1.0, metavar="R", help=again)
    beams = say("hold N texts side by side and say the likeliest whole")
    made.add_argument("--beams", type=int, default=1, metavar="N", help=beams)
    short = say("of beams: 1 judges each text by its mean token, 0 favours short ones")
    made.add_argument("--length", type=float, default=1.0, metavar="POWER", help=short)
    made.add_argument("--seed", type=int, default=0, help=say("another seed, another text"))


def verify(verbs: Verbs) -> None:
    about = say("check every byte of an artifact and recompute its scores")
    examples = "verify runs/digits/artifact --signer colleague.pem", "verify ARTIFACT --data housing.csv --require-scores"
    made = verb(verbs, "verify", does.verify, about, *examples)
    options.artifact(made)
    options.data(made, say("the data it was made from"))
    options.flag(made, "--require-scores", say("exit 1 where the scores were not recomputed"))
    made.add_argument("--signer", metavar="KEY", help=say("a public key's file or whole name: any other signer is refused"))


def serve(verbs: Verbs) -> None:
    about = say("answer raw rows over HTTP, on this machine")
    examples = "serve runs/digits/artifact", "serve runs/digits/artifact price=runs/mine/artifact --port 8081"
    made = verb(verbs, "serve", does.serve, about, *examples)
    made.add_argument("artifacts", nargs="+", metavar="ARTIFACT", help=say("an artifact's folder, or NAME=FOLDER"))
    made.add_argument("--host", default="127.0.0.1", help=say("the address to listen at"))
    options.flag(made, "--keys", say("ask for a key on this machine too; elsewhere one always is"))
    made.add_argument("--port", type=options.port, default=8080, help=say("the port to listen at; 0 is any free one"))


def compare(verbs: Verbs) -> None:
    about = say("hold two finished runs against each other, on the same test rows")
    examples = "compare runs/digits runs/digits-2", "compare runs/linear runs/mlp --json"
    made = verb(verbs, "compare", does.compare, about, *examples)
    made.add_argument("a", type=options.place, help=say("the folder of a run"))
    made.add_argument("b", type=options.place, help=say("the folder of another"))
