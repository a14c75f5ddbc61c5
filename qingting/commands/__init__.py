"""The verbs of the command line, a file for each noun; `qingting.cli` puts them together."""
