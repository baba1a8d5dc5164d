"""Dialogs over the main screen: each asks one question, answers it to its caller, and is gone.

They keep no state of their own and reach no engine: values go in, a result comes out.
"""
