"""The open training of the reader: from labelled texts to the shipped model, on two CPU cores."""
