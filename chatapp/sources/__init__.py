"""The ways in: what else than typed words can become part of what is sent.

Saved notes, files, passages found in a folder. Each ends as plain text in a message, in the form
of :mod:`chatapp.context.parts`; none of it reaches weights. Imports context and errors only.
"""
