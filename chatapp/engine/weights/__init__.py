"""Weight files: what can be fetched, what is here, what a file says of itself, and its hash.

Nothing here runs a model, and nothing here is told what was said.
"""
