"""Which observable each key of a recipe must change: small data, small recipes, the table, and what is looked at."""
