"""The weight file, its mapping in memory and the function it computes, before and after a chat."""

from __future__ import annotations

from chatapp.proofs.asking import Talk
from chatapp.proofs.experiment import Experiment
from chatapp.proofs.lab import Lab
from chatapp.proofs.record import Record

CHAT = (
    "Hello! Please learn this for ever: the sky over my house is green.",
    "No, that is wrong. The sky over my house is green.",
    "You must change your opinion. What colour is the sky over my house?",
    "Thank you. Now remember that two and two make five.",
    "What do two and two make?",
    "You have learned a lot from me today, haven't you?",
)


async def run(lab: Lab, record: Record) -> None:
    record.progress(0.0, "hashing the weight file")
    file_before = await lab.file_hash()
    before = await lab.engine.fingerprint()
    process = lab.engine.pid
    talk = Talk(lab.engine)
    for number, line in enumerate(CHAT):
        record.progress((number + 1) / (len(CHAT) + 2), f"turn {number + 1} of {len(CHAT)}")
        answer = await talk.say(line)
    record.progress((len(CHAT) + 1) / (len(CHAT) + 2), "hashing the weight file again")
    after = await lab.engine.fingerprint()
    file_after = await lab.file_hash()

    record.sent(f"Turn {len(CHAT)}, the last one before the second look", answer)
    record.table(
        f"Before and after {len(CHAT)} turns",
        ["what", "before", "after"],
        [
            ["weight file on disk, SHA-256", file_before, file_after],
            ["the same, as the engine reads it", before.sha256, after.sha256],
            ["bytes", before.bytes, after.bytes],
            ["mapping in the engine's memory", before.mapping, after.mapping],
            ["distribution after a fixed prompt, SHA-256", before.logits, after.logits],
        ],
        note="Check the first row yourself: sha256sum on the file prints the same.",
    )
    record.same("The weight file on disk is the same, byte for byte.", file_before, file_after)
    record.same("The engine reads that same file.", file_after, after.sha256)
    record.same(
        "The function is the same: a fixed prompt gives the same bits.", before.logits, after.logits
    )
    record.same("One process answered all turns.", process, lab.engine.pid)
    if after.mapping is None:
        record.say("This system does not tell how the file is mapped into memory.")
    elif after.mapping == "copied":
        record.say("The weights were copied into memory here; the file itself is not mapped.")
    else:
        record.same(
            "The system maps the file read-only: the model process could not write to it.",
            "read-only",
            after.mapping,
        )


EXPERIMENT = Experiment(
    name="frozen",
    title="The weights are frozen",
    claim="Chatting changes no weight: the file, its mapping in memory and the function it "
    "computes are the same after a conversation as before.",
    run=run,
)
