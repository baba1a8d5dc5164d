"""The whole story: corrected, forgotten, consented, exported, trained; then a new session knows.

The chat's side of it is the real one: a conversation, kept by consent, reviewed, exported. The
training is the separate program, started as a program: it reads a folder and writes another.
"""

from __future__ import annotations

import asyncio
import importlib.util
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

from chatapp.archive import exports, reviews
from chatapp.archive.exporting import Split, verify
from chatapp.archive.records import Weights
from chatapp.archive.review import decide
from chatapp.archive.store import Store
from chatapp.conversation import Conversation, Node
from chatapp.conversation.corrections import Correction
from chatapp.engine.weights.gguf import read_header
from chatapp.keeping.archive import Archive
from chatapp.keeping.keeper import Keeper
from chatapp.keeping.turns import Answered
from chatapp.proofs import costs, ways
from chatapp.proofs.asking import GREEDY
from chatapp.proofs.experiment import Experiment
from chatapp.proofs.facts import Fact
from chatapp.proofs.files import file_hash
from chatapp.proofs.lab import Lab
from chatapp.proofs.odds import Odds, odds
from chatapp.proofs.record import Record, Untested

__all__ = ["EXPERIMENT"]

_NEEDED: Final = ("torch", "transformers", "trl", "peft")
_MOST: Final = 1800.0
"""Seconds that the training may take."""


async def run(lab: Lab, record: Record) -> None:
    """All of it on the first correction among the lab's facts."""
    if lab.options.adapter is not None:
        raise Untested("the story begins with the base alone: leave out --adapter")
    if any(importlib.util.find_spec(name) is None for name in _NEEDED):
        raise Untested("the fine-tuning job is not installed: pip install 'chatapp[finetune]'")
    if not lab.facts.corrections:
        raise Untested("the facts hold no correction")
    with tempfile.TemporaryDirectory(prefix="chatapp-learning-") as folder:
        await _Story(lab, record, lab.facts.corrections[0], Path(folder)).tell()


@dataclass(slots=True)
class _Story:
    lab: Lab
    record: Record
    fact: Fact
    folder: Path

    async def tell(self) -> None:
        lab, record, fact = self.lab, self.record, self.fact
        base_sha256 = await lab.file_hash()
        record.progress(0.02, "the question, in a new session")
        before = await odds(lab.engine, fact, [])
        talk, keeper = await self._chat(base_sha256)
        told = await self._correct(talk, keeper)
        record.progress(0.08, "the question again, in a new session")
        after = await odds(lab.engine, fact, [])
        self._forgotten(before, told, after)
        export = await self._export(keeper)
        record.progress(0.15, "training: a program of its own")
        started = time.monotonic()
        adapter = await self._train(export)
        seconds = time.monotonic() - started
        if adapter is None:
            return
        record.progress(0.92, "a new session, with the adapter and without it")
        tuned = ways.with_adapter(lab, adapter)
        await tuned.start()
        learnt = await odds(tuned, fact, [])
        again = await odds(lab.engine, fact, [])
        self._learnt(before, learnt, again)
        self._files(base_sha256, await lab.file_hash(), adapter)
        await self._ways(before, told, learnt, talk, adapter, seconds)

    # ── the chat ────────────────────────────────────────────────────────────────────────────────

    async def _chat(self, sha256: str) -> tuple[Conversation, Keeper]:
        lab = self.lab
        (self.folder / "transcripts").mkdir(mode=0o700)
        counter = await lab.counter(lab.engine)
        talk = Conversation(lab.engine, counter, sampling=GREEDY)
        by = Answered(Weights(model=lab.weights.stem, sha256=sha256), talk.window)
        keeper = Keeper(Archive(self.folder / "transcripts"), talk, by=lambda: by)
        return talk, keeper

    async def _say(self, keeper: Keeper, text: str) -> Node:
        async for _ in keeper.follow(keeper.conversation.send(text)):
            pass
        return keeper.conversation.nodes[-1]

    async def _correct(self, talk: Conversation, keeper: Keeper) -> Odds:
        """Ask, get it wrong, correct it; what the transcript with the correction gives then."""
        fact, record = self.fact, self.record
        record.progress(0.04, "asked, and corrected")
        reply = await self._say(keeper, fact.question)
        record.lacks("Asked for the first time, the model is wrong.", fact, reply.content)
        facts = reply.facts
        assert facts is not None
        wrong = fact.wrong if fact.wrong in reply.content else ""
        correction = Correction(
            context=list(facts.messages),
            reply=reply,
            wrong=wrong,
            right=fact.right if wrong else fact.sentence,
            said=fact.say,
        )
        await self._say(keeper, fact.say)
        await keeper.correct(correction)
        record.progress(0.06, "asked again, with the correction in the transcript")
        return await odds(self.lab.engine, fact, talk.messages())

    def _forgotten(self, before: Odds, told: Odds, after: Odds) -> None:
        fact, record = self.fact, self.record
        record.sent("With the correction in the transcript", told.answer)
        record.rose(
            f"With the correction in its transcript “{fact.right}” is more probable.",
            before.right,
            told.right,
        )
        record.lacks("A new session is as wrong as before.", fact, after.answer.text)
        record.same(
            "The new session gives the bits from before the correction.",
            [*before.answer.bits, before.logits],
            [*after.answer.bits, after.logits],
        )

    # ── consent, review, export ─────────────────────────────────────────────────────────────────

    async def _export(self, keeper: Keeper) -> Path:
        """From the kept session to a folder of files. Before consent there is nothing to export."""
        record, target = self.record, self.folder / "export"
        record.progress(0.10, "consent, review, export")
        record.check(
            "While the log is off, nothing of the session is on the disk.",
            not keeper.archive.begun,
            expected="no file",
            found="a file" if keeper.archive.begun else "no file",
        )
        await keeper.set_state("training")
        run = partial(exports.run, target=target, split=Split(fraction=0))

        def reviewed(store: Store) -> dict[str, Any]:
            for example in list(reviews.waiting(store)):
                reviews.put(store, decide(example, "approved"))
            return run(store).manifest

        manifest = await keeper.archive.call(reviewed)
        await keeper.archive.close()
        found = verify(target)
        record.check(
            "The export holds one reviewed record, with its consent, and every hash is right.",
            found.ok and found.rows == 1,
            expected="1 record, no problem",
            found=f"{found.rows} record, {'; '.join(found.problems) or 'no problem'}",
        )
        consents = manifest["consents"]
        record.say(f"Consent of the one record: “{consents[0]['wording']}”" if consents else "")
        return target

    # ── training ────────────────────────────────────────────────────────────────────────────────

    async def _train(self, export: Path) -> Path | None:
        """The separate program; its adapter, or None if it did not accept one (which is noted)."""
        out = self.folder / "adapter"
        command = [
            sys.executable,
            "-m",
            "chatapp.training",
            str(export),
            "--base",
            str(self.lab.weights),
            "--out",
            str(out),
            "--cache",
            str(self.folder / "unpacked"),
        ]
        status, last = await _program(command, self._follow)
        told = _json(out / "provenance.json")
        accepted = status == 0 and told.get("status") == "accepted"
        self.record.check(
            "The fine-tuning job wrote an adapter, tested it as a chat will use it, and accepted "
            "it.",
            accepted,
            expected="accepted",
            found=str(told.get("status") or last or f"exit status {status}"),
        )
        return out / "adapter.gguf" if accepted else None

    def _follow(self, line: str, steps: int) -> None:
        self.record.progress(min(0.15 + 0.015 * steps, 0.9), f"training: {line}")

    def _learnt(self, before: Odds, learnt: Odds, again: Odds) -> None:
        fact, record = self.fact, self.record
        record.sent("A new session, base + adapter", learnt.answer)
        record.answers("A new session with the adapter knows it.", fact, learnt.answer.text)
        record.sent("A new session, base alone", again.answer)
        record.lacks("A new session with the base alone is as wrong as ever.", fact,
                     again.answer.text)  # fmt: skip
        record.same(
            "The base alone gives the very bits from the beginning.",
            [*before.answer.bits, before.logits],
            [*again.answer.bits, again.logits],
        )

    def _files(self, before: str, after: str, adapter: Path) -> None:
        record = self.record
        record.same("The base is the same file.", before, after)
        sha256 = file_hash(adapter)
        record.differ("The adapter is a new file.", before, sha256)
        told = _json(adapter.with_name("provenance.json"))
        record.same(
            "The adapter says that it was made for this base.", before, told.get("base_sha256")
        )
        record.same("It says which file it is.", sha256, told.get("adapter_sha256"))

    # ── what each way costs ─────────────────────────────────────────────────────────────────────

    async def _ways(
        self,
        before: Odds,
        told: Odds,
        learnt: Odds,
        talk: Conversation,
        adapter: Path,
        seconds: float,
    ) -> None:
        """The three ways to new information, measured on the same fact."""
        lab, record = self.lab, self.record
        log = _json(adapter.with_name("provenance.json"))
        header = await asyncio.to_thread(read_header, lab.weights, with_vocabulary=False)
        arithmetic = costs.Arithmetic.of(header)
        ways.show(
            record,
            [
                ways.nothing(before),
                ways.in_context(before, told),
                ways.fine_tuned("fine-tuned", learnt.right, adapter, seconds),
                await ways.another_version(lab, self.fact),
            ],
        )
        from chatapp.engine.weights.catalogue import load_catalogue

        entry = load_catalogue().by_sha256(await lab.file_hash())
        chat, _ = costs.of_chat(talk.turns, arithmetic)
        training = log.get("training")
        told_of = {"tokens": 0, **(training if isinstance(training, dict) else {})}
        works = [
            chat,
            costs.of_tuning(
                costs.Tuning.of("this fine-tuning", {**told_of, "seconds": seconds}), arithmetic
            ),
            costs.of_pretraining(
                entry.training_tokens if entry else None,
                entry.training_tokens_source if entry else None,
                arithmetic,
            ),
        ]
        record.blocks.extend(costs.blocks(works, arithmetic))


async def _program(command: list[str], tell: Callable[[str, int], None]) -> tuple[int, str]:
    """Run a program; each line that it prints is told. Its exit status and last line."""
    process = await asyncio.create_subprocess_exec(
        *command,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        # Warnings of its libraries to their programmers are nothing to follow.
        env={**os.environ, "PYTHONWARNINGS": "ignore"},
    )
    assert process.stdout is not None
    last, steps = "", 0
    try:
        async with asyncio.timeout(_MOST):
            async for raw in process.stdout:
                line = raw.decode("utf-8", "replace").strip()
                if line:
                    last, steps = line, steps + 1
                    tell(line[:120], steps)
            return await process.wait(), last
    except TimeoutError:
        return -1, f"it did not end within {_MOST:.0f} s"
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


def _json(path: Path) -> dict[str, Any]:
    try:
        told = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return told if isinstance(told, dict) else {}


EXPERIMENT: Final = Experiment(
    name="learning",
    title="The only road from a chat to weights",
    claim="A correction is forgotten by the next session. Only after consent, an export and a "
    "separate training does a new session know it: with a new file, beside a base that is the "
    "same as before.",
    run=run,
)
"""Takes minutes, and the fine-tuning job's packages: it runs when it is named."""
