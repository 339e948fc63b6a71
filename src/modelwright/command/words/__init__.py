"""The words of each verb: what it is about, its examples, its options. What it does with them stands one floor up."""
