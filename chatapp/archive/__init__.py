"""The logging pipeline: nothing is kept unless somebody asks, and nothing leaves unreviewed.

What was said reaches this room only by consent, and leaves it only as files that a person exported.
No arrow runs between this room and the engine.
"""
