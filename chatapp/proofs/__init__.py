"""Claims about language models, measured on the real one, with evidence that others can check."""
