"""Several processes as one job: how many there are is checked, and who writes is decided here.

``torchrun`` (or ``accelerate launch`` with several machines) starts the same command in each.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from chatapp.errors import ChatappError, TrainingError

T = TypeVar("T")


class Processes:
    """All processes of this job, from the inside of one. ``first`` is true in the one that writes.

    Raises :class:`TrainingError` if there are not as many as were expected: a launcher that starts
    one process instead of two otherwise goes unnoticed.
    """

    def __init__(self, *, cpu: bool, expected: int | None) -> None:
        from accelerate import PartialState

        self._state = PartialState(cpu=cpu)
        self.world: int = self._state.num_processes
        self.rank: int = self._state.process_index
        self.first: bool = self._state.is_main_process
        self.first_here: bool = self._state.is_local_main_process
        if expected is not None and expected != self.world:
            raise TrainingError(
                f"{expected} processes were expected, and {self.world} "
                f"{'is' if self.world == 1 else 'are'} running. (torchrun --nproc_per_node starts "
                "as many as it says.)"
            )

    def wait(self) -> None:
        """Until all have come here."""
        if self.world > 1:
            self._state.wait_for_everyone()

    def from_first(self, make: Callable[[], T]) -> T:
        """What the first process makes, in all of them; its error as well."""
        made: list[Any] = [None, None]
        if self.first:
            try:
                made[0] = make()
            except ChatappError as error:
                made[1] = error
        if self.world > 1:
            from accelerate.utils import broadcast_object_list

            broadcast_object_list(made)
        if made[1] is not None:
            raise made[1]
        result: T = made[0]
        return result

    def here(self, make: Callable[[], T]) -> T:
        """``make`` in one process of each machine first, then in the others, who find it made."""
        if self.first_here:
            result = make()
            self.wait()
            return result
        self.wait()
        return make()

    def close(self) -> None:
        if self.world > 1:
            import torch.distributed

            torch.distributed.destroy_process_group()
