"""The command line's own room: its words, what each verb does, and what the screen shows."""
