"""chatapp: a terminal chat on a local model that shows and proves what the model receives."""

__version__ = "0.1.0"
