"""Parts of guessing what a function gives: its verb, its wording, its catalog's names."""
