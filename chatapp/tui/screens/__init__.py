"""The screens that are not dialogs."""
