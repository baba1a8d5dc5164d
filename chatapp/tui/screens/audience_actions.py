"""The audience's view: this screen in a browser, to look at only."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import TYPE_CHECKING, Any

from textual.geometry import Region
from textual.screen import Screen
from textual.widgets import Input, TextArea

from chatapp.tui import words
from chatapp.tui.screens.setup_actions import SetupActions

if TYPE_CHECKING:
    from chatapp.showing.frames import Seen
    from chatapp.showing.server import AudienceServer

__all__ = ["AudienceActions"]


class AudienceActions(SetupActions):
    """Nothing is drawn for the audience before somebody opens the view and looks."""

    drawn = 0
    """How often anything was drawn."""
    hide_typing = False
    """Whether what is typed is kept from the audience until it is sent."""
    _audience: AudienceServer | None = None

    def action_audience(self) -> None:
        """Open the view, and show its link."""
        self._dialog(self._open_audience())

    async def _open_audience(self) -> None:
        from chatapp.errors import ChatappError
        from chatapp.tui.dialogs.audience import AudienceDialog

        try:
            server = await self._serve_audience()
        except ChatappError as error:
            self.say(words.one_line(str(error)), wrong=True)
            return
        dialog = AudienceDialog(
            server.door.link, lambda: server.frames.viewers, hide_typing=self.hide_typing
        )
        result = await self.app.push_screen_wait(dialog)
        self.hide_typing = dialog.hide_typing
        self.drawn += 1
        if result == "copy":
            self.app.copy_to_clipboard(server.door.link)
            self.say("The link is in the clipboard.")
        elif result == "stop":
            await self.close_audience()
            self.say("The audience's view is closed. Its link opens nothing any more.")

    async def _serve_audience(self) -> AudienceServer:
        if self._audience is None:
            from chatapp.showing.access import Door
            from chatapp.showing.frames import Frames
            from chatapp.showing.server import AudienceServer

            door = self.given.audience or Door.open()
            if door.closed:
                door = Door.open(door.port)
            server = AudienceServer(door, Frames(lambda: self.drawn, self._look))
            await server.start()
            self._audience = server
            self.refresh_cursor()
        return self._audience

    async def close_audience(self) -> None:
        """Close the view, if it is open."""
        server, self._audience = self._audience, None
        if server is not None:
            await server.close()
            self.refresh_cursor()

    @property
    def cursor_blinks(self) -> bool:
        """Whether it may: for the audience it would be a new picture twice a second."""
        return self._audience is None and super().cursor_blinks

    def _look(self) -> Seen | None:
        from chatapp.tui.picture import read

        if not self.app.is_running:  # it ends: its widgets go one by one
            return None
        return read(self.app, self._hidden() if self.hide_typing else ())

    def _hidden(self) -> list[Region]:
        """Where what is typed stands: in the input, in the request that it would make, and in the
        fields of dialogs.
        """
        regions: list[Region] = []
        for screen in self.app.screen_stack:
            fields = self._written_here() if screen is self else _filled(screen)
            if screen is self.app.screen:
                regions += fields
            else:
                regions += [part for region in fields for part in self._uncovered(region)]
        return regions

    def _written_here(self) -> list[Region]:
        if not self.composer.written:
            return []
        regions = [self.composer.content_region]
        if self.context_view.display and not self.session.busy:
            regions.append(self.context_view.content_region)
        return regions

    def _uncovered(self, region: Region) -> Iterator[Region]:
        """What can still be seen of a region behind a dialog, cell by cell."""
        top = self.app.screen
        if top.is_modal:
            for x, y in product(range(region.x, region.right), range(region.y, region.bottom)):
                if top.get_widget_at(x, y)[0] is top:
                    yield Region(x, y, 1, 1)


def _filled(screen: Screen[Any]) -> list[Region]:
    """The fields of a dialog that hold something, be it typed or there before."""
    return [
        *(one.content_region for one in screen.query(Input) if one.value),
        *(one.content_region for one in screen.query(TextArea) if one.text),
    ]
