"""What the base itself answers, by the very model that is trained: it is held to these answers.

Many questions side by side, in a fifth of the time that the chat's engine takes for one after the
other. The two compute with other roundings, so long answers part ways; the evaluation asks the
chat's engine.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from chatapp.training.base import VERSION
from chatapp.training.engines import Progress
from chatapp.training.machine import Machine
from chatapp.training.model import computing, load
from chatapp.training.prompts import Prompts, asked

AT_ONCE: Final = 32
"""So many questions are answered side by side."""


class Speaker:
    """The base in an unpacked folder; it is loaded when it is first asked."""

    def __init__(
        self,
        base: Path,
        prompts: Prompts,
        machine: Machine,
        targets: Sequence[str],
        tell: Progress = lambda step, done, total: None,
    ) -> None:
        self._base, self._prompts, self._tell = base, prompts, tell
        self._machine, self._targets = machine, targets
        self._model: Any = None

    def say(self, questions: Sequence[str], tokens: int) -> list[str]:
        """The most probable reply to each, of at most so many tokens, each in a fresh session."""
        if questions and self._model is None:
            self._model = load(self._base, self._machine, self._targets)
        found: list[str] = []
        for start in range(0, len(questions), AT_ONCE):
            part = questions[start : start + AT_ONCE]
            found += self._answers([self._prompts.prompt(asked(text)) for text in part], tokens)
            self._tell("The base's own answers", len(found), len(questions))
        return found

    def say_once(self, questions: Sequence[str], tokens: int) -> list[str]:
        """The same, kept in a file beside the folder: each adapter of a base is held to it. A file
        that is damaged, or of another recipe or machine, is written anew."""
        import torch

        machine = self._machine
        how = [machine.device, machine.precision, machine.threads, AT_ONCE, torch.__version__]
        told = json.dumps([list(questions), tokens, VERSION, *how])
        path = self._base.with_name(f"said-{self._base.name}.json")
        try:
            kept = json.loads(path.read_bytes())
        except (OSError, ValueError):
            kept = None
        match kept:
            case {"of": str(of), "said": [*texts]} if of == told:
                return [str(text) for text in texts]
        said = self.say(questions, tokens)
        with contextlib.suppress(OSError):  # a full disk: asked again the next time
            path.write_text(json.dumps({"of": told, "said": said}, ensure_ascii=False), "utf-8")
        return said

    def _answers(self, prompts: Sequence[tuple[int, ...]], tokens: int) -> list[str]:
        import torch

        longest = max(map(len, prompts))
        ends = sorted(self._prompts.ends)
        filler = ends[0] if ends else 0
        # Padded in front, so that all answers begin at one place; nothing attends to it.
        ids = torch.tensor([[filler] * (longest - len(one)) + list(one) for one in prompts])
        mask = torch.tensor([[0] * (longest - len(one)) + [1] * len(one) for one in prompts])
        device = self._machine.device
        with torch.no_grad(), computing(self._machine):
            whole = self._model.generate(
                input_ids=ids.to(device),
                attention_mask=mask.to(device),
                max_new_tokens=tokens,
                do_sample=False,
                eos_token_id=ends or None,
                pad_token_id=filler,
            )
        return [self._prompts.text(one) for one in whole[:, longest:].tolist()]
