"""Scripted demonstrations: a lesson is data, its answers are the model's own, live."""
