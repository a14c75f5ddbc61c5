"""How well the reader reads: figures on labelled texts, and floors below which they may not fall."""
