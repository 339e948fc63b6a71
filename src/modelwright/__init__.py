"""modelwright: a model through its whole life, from raw rows to proved answers."""

__version__ = "0.1.0"
