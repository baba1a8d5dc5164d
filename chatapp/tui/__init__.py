"""The screen. It holds no logic that a caller without a screen would need.

Nothing here may import the model's vocabulary, templates or Markdown at import time: the first
frame comes before them.
"""
