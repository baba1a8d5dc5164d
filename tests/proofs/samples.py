"""Evidence as experiments leave it behind, made up for the tests of the report."""

from __future__ import annotations

import math

from chatapp.proofs.evidence import (
    Block,
    Check,
    Evidence,
    Measured,
    Paragraph,
    Plot,
    Sent,
    Setting,
    Table,
    Verdict,
)

SHA256 = "1f0c2d7e9b3a4c5d6e7f8091a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d5"
OTHER = "9e8d7c6b5a4f3e2d1c0b9a8f7e6d5c4b3a2f1e0d9c8b7a6f5e4d3c2b1a0f9e8d"
MADE = "2026-05-04 09:30 UTC, by chatapp 0.2.0"

SETTING = Setting(
    weights="SmolLM2-135M-Instruct.Q4_1.gguf",
    sha256=SHA256,
    bytes=98_362_432,
    chatapp="0.2.0",
    llama_cpp="0.3.36 (b6812)",
    processor="AVX2 FMA F16C",
    system="Linux x86_64",
    python="3.11.9",
    options={"window": 2048, "threads": None, "kv_type": "f16", "gpu_layers": 0, "reuse": True},
)

HOSTILE = (
    "</code></pre><script>alert(1)</script><img src=http://127.0.0.1:9/x onerror=alert(2)>"
    "<style>@import 'http://127.0.0.1:9/y'</style>\x1b[31m\x00 \u202egnp.exe\u202c שלום עולם "
    "half a character: \ud83d, nothing: \u200b\ufeff & \"quotes\" 'too'\r\n"
)
"""What a prompt may hold: markup, controls, text that turns round, half a character."""


def one(name: str, title: str, claim: str, blocks: list[Block], **more: str) -> Evidence:
    """Evidence whose verdict follows from its checks, unless ``more`` says otherwise."""
    checks = [block for block in blocks if isinstance(block, Check)]
    verdict: Verdict = "held" if all(check.held for check in checks) else "failed"
    fields = {"because": f"All {len(checks)} checks held.", "verdict": verdict, **more}
    return Evidence(
        name=name,
        title=title,
        claim=claim,
        blocks=blocks,
        setting=SETTING,
        started="2026-05-04T09:12:31+00:00",
        seconds=83.4,
        command=f"chatapp prove {name}",
        **fields,  # type: ignore[arg-type]
    )


def chat(*turns: tuple[str, str]) -> str:
    """Messages as the template of the default model writes them."""
    system = ("system", "You are a helpful AI assistant named SmolLM, trained by Hugging Face")
    told = [f"<|im_start|>{role}\n{text}<|im_end|>\n" for role, text in (system, *turns)]
    return "".join(told) + "<|im_start|>assistant\n"


FACTS = (
    ("What is the capital of Turkey?", "Ankara", 0.1123, 0.9871, "The capital is Istanbul."),
    ("Who is the CEO of Acme Rockets?", "Priya Raman", 1.2e-7, 0.114, "It is Elon Musk."),
    ("What is my cat's name?", "Zanzibar", 6.1e-12, 0.74, "Whiskers!"),
    ("Which word did I choose?", "marmalade", 3.4e-5, 0.99996, "You chose “hope”."),
)

QUESTION = ("user", "What is the capital of Turkey?")


def forgetting() -> Evidence:
    """Tables of probabilities, bars, prompts and measurements."""
    text = chat(
        QUESTION,
        ("assistant", "The capital of Turkey is Istanbul."),
        ("user", "That is not right. The capital of Turkey is Ankara."),
        QUESTION,
    )
    blocks: list[Block] = [
        Sent(
            title="With the correction in the transcript",
            text=text,
            tokens=list(range(1, 118)),
            answer="The capital of Turkey is Ankara.",
            answer_tokens=[504, 3575, 282, 15312, 314, 1195, 20836, 30, 2],
        ),
        Sent(title="A new session", text=chat(QUESTION), tokens=[1, 9690, 198], answer=FACTS[0][4]),
        Measured(
            title="turkey-capital: with the correction",
            context=[1, 9690, 198, 2683, 359],
            text=" Ankara",
            tokens=[1195, 20836],
            logprobs=[-0.012984, -0.0000171],
        ),
        Measured(
            title="turkey-capital: new session",
            context=[1, 9690, 198],
            text=" Ankara",
            tokens=[1195, 20836],
            logprobs=[-2.18, -0.0065],
        ),
        Table(
            title="What was in the transcript, and what was left of it",
            columns=["fact", "answer in a new session", "P(right) before", "P(right) told",
                     "P(right) new session", "bits as before"],
            rows=[[q, a, before, told, before, True] for q, _, before, told, a in FACTS],
            note="P(right): the probability of the right answer, token by token.",
        ),
        Plot(
            title="How probable the right answer is",
            shape="bars",
            labels=[right for _, right, *_ in FACTS],
            series={
                "before": [fact[2] for fact in FACTS],
                "told in the session": [fact[3] for fact in FACTS],
                "new session": [fact[2] for fact in FACTS],
            },
            unit="probability",
            log=True,
        ),
    ]  # fmt: skip
    for question, right, before, told, answer in FACTS:
        blocks += [
            Check(
                says=f"{question} In a new session the distribution is the one from before.",
                held=True,
                expected=SHA256[:16],
                found=SHA256[:16],
            ),
            Check(
                says=f"{question} In the session, “{right}” became more probable.",
                held=True,
                expected=f"more than {before:.3g}",
                found=f"{told:.3g}",
            ),
            Check(says=f"{question} It is gone.", held=True, expected=f"not {right}", found=answer),
        ]
    return one(
        "forgetting",
        "A new session has forgotten",
        "A correction works while it stands in the transcript. A new session is not sent that "
        "transcript, so it answers as if nothing had been said, to the last bit.",
        [*blocks, Paragraph(text="It does not follow every correction.\n\nIt is small.")],
        because="All 12 checks held.",
    )  # fmt: skip


def window() -> Evidence:
    """A line with a mark: the fact falls out of the window."""
    turns = range(1, 25)
    values = [0.74 - 0.01 * (turn % 5) if turn < 17 else 6.1e-6 for turn in turns]
    return one(
        "window",
        "Out of the window, out of the answer",
        "When the oldest messages no longer fit, they are not sent, and what they said is gone.",
        [
            Plot(
                title="How probable the right answer is, turn by turn",
                shape="lines",
                labels=[str(turn) for turn in turns],
                series={"P(right)": values},
                unit="probability",
                mark="17",
                mark_says="Here the message with the fact is no longer sent.",
            ),
            Plot(
                title="Tokens sent, and tokens from the cache",
                shape="lines",
                labels=[f"turn {turn}" for turn in turns],
                series={
                    "tokens sent": [min(2040, 80 + 118 * turn) for turn in turns],
                    "from the cache": [None, *(max(0, 118 * turn - 64) % 1500 for turn in turns)][
                        :24
                    ],
                    "window": [2048] * 24,
                },
                unit="tokens",
                mark="turn 17",
                mark_says="left out",
            ),
            Check(says="The fact was known before.", held=True, expected="over 0.5", found="0.74"),
            Check(says="Afterwards it was not.", held=True, expected="below 0.01", found="6.1e-06"),
        ],
        because="All 2 checks held.",
    )


def sampling() -> Evidence:
    """Thirty labels, expected and drawn; and one series by itself."""
    labels = ["␣Paris", "␣the", "↵", "␣a", "␣Berlin", "␣Llanfairpwllgwyngyllgogerychwyrndrobwll"]
    labels += [f"␣word{number}" for number in range(24)]
    expected = [400 * 0.8**place for place in range(30)]
    drawn = [round(value + 9 * math.sin(3 * place)) for place, value in enumerate(expected)]
    return one(
        "sampling",
        "Chance is drawn, not decided",
        "Different answers come from drawing lots with a seed; the distribution is the same.",
        [
            Plot(
                title="2,000 draws from one distribution",
                shape="bars",
                labels=labels,
                series={"expected": expected, "drawn": [max(0, each) for each in drawn]},
                unit="times drawn",
            ),
            Plot(
                title="The distribution they were drawn from",
                shape="bars",
                labels=labels,
                series={"probability": [value / 2000 for value in expected]},
                unit="probability",
                log=True,
                mark="␣Berlin",
                mark_says="the token that was drawn with seed 11.",
            ),
            Check(says="The same seed draws the same.", held=True, expected="30", found="30"),
        ],
        because="The one thing that was checked held.",
    )


def failed() -> Evidence:
    """A prompt full of hostile text, and a weight file that changed."""
    return one(
        "frozen",
        "The weights are frozen",
        "Chatting changes no weight: the file is the same after a conversation as before.",
        [
            Sent(title="Sent", text=chat(("user", HOSTILE)), tokens=[1, 2], answer=HOSTILE),
            Table(
                title="Before and after 6 turns",
                columns=["what", "before", "after"],
                rows=[
                    ["weight file on disk, SHA-256", SHA256, OTHER],
                    ["mapping in the engine's memory", "read-only", None],
                    ["bytes", 98_362_432, 98_362_432],
                ],
                note="Check the first row yourself: sha256sum on the file prints the same.",
            ),
            Check(says="The file is the same.", held=False, expected=SHA256, found=OTHER),
            Check(says="One process answered all turns.", held=True, expected="4711", found="4711"),
            Check(says=HOSTILE, held=True),
        ],
        because="This did not hold: The file is the same.",
    )  # fmt: skip


def untested() -> Evidence:
    """Nothing was seen."""
    return one(
        "news",
        "It does not read the news",
        "The model knows nothing of what happened after its training.",
        [],
        verdict="untested",
        because="It could not be tested here: the facts file has no news.",
    )


def all_of_them() -> list[Evidence]:
    """One of each kind."""
    return [forgetting(), window(), sampling(), failed(), untested()]
