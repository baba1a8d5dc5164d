"""An empty Textual app with one input: the least that could be compared with."""

from textual.app import App, ComposeResult
from textual.widgets import Input


class Empty(App[None]):
    """Nothing but an input."""

    def compose(self) -> ComposeResult:
        yield Input(placeholder="Write a message")


if __name__ == "__main__":
    Empty().run()
