"""Folders of Hugging Face: one file for each shape, with a table of names that is read in both directions. Verb: adopt."""
