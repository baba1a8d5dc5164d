"""The screen in a browser, for a class: one model, shared fairly among visitors.

``door`` lets visitors in, ``web`` serves the page, ``process`` runs one screen for each visitor,
``broker`` shares the engine among them, ``visit`` and ``screen`` are what runs in a visitor's
process. Nothing of one visitor reaches another.
"""
