"""Showing the screen to others: a read-only view in a browser, and recordings. No Textual here."""
