"""Tokenizers: texts to token numbers and back. A recipe orders one, rows or somebody's weights teach it."""
