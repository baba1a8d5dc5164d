"""The engine is killed between turns, and the talk goes on: the transcript is sent again."""

from __future__ import annotations

from chatapp.engine.protocol import Generate
from chatapp.proofs.asking import GREEDY, Answer, Talk, ask, user
from chatapp.proofs.experiment import Experiment
from chatapp.proofs.lab import Lab
from chatapp.proofs.record import Record


async def run(lab: Lab, record: Record) -> None:
    fact = lab.facts.told[0]
    lines = [fact.say, "Write a sentence about the sea.", "Now one about the moon.", fact.question]
    mortal = lab.another()
    kept, killed = Talk(lab.engine), Talk(mortal)
    answers: list[tuple[Answer, Answer]] = []
    processes = []
    for number, line in enumerate(lines):
        record.progress(number / (len(lines) + 1), f"turn {number + 1} of {len(lines)}, twice")
        one = await kept.say(line)
        two = await killed.say(line)
        answers.append((one, two))
        processes.append(mortal.pid)
        mortal.kill()
    record.progress(len(lines) / (len(lines) + 1), "the same question with the transcript withheld")
    withheld = await ask(
        lab.engine, Generate(messages=[user(lines[-1])], sampling=GREEDY, hashes=True)
    )

    record.table(
        "The same conversation, in one process and in a new process for every turn",
        ["turn", "said", "tokens sent", "process", "answer", "bits equal"],
        [
            [n, line, len(two.prompt), pid, two.text.strip(), one.bits == two.bits]
            for n, (line, (one, two), pid) in enumerate(
                zip(lines, answers, processes, strict=True), 1
            )
        ],
    )
    record.same("Every turn was answered by another process.", len(lines), len(set(processes)))
    for number, (one, two) in enumerate(answers, 1):
        record.same(
            f"Turn {number} gave the same tokens and the same distributions, bit for bit.",
            one.bits,
            two.bits,
        )
    last = answers[-1][1]
    record.sent("The last turn: everything was sent again", last)
    record.sent("The same question with the transcript withheld", withheld)
    record.answers(
        "With the transcript, the answer uses what was said three turns before.", fact, last.text
    )
    record.lacks("Without the transcript, it does not.", fact, withheld.text)
    record.differ("Without it the distribution is another one.", last.first, withheld.first)


EXPERIMENT = Experiment(
    name="resend",
    title="Sent again, every time",
    claim="The model process remembers nothing: killed after every turn, it answers the same, "
    "because the whole transcript is sent again.",
    run=run,
)
