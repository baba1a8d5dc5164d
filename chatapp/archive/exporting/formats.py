"""The formats that trainers read, derived from the canonical record.

Not every trainer honours a mark that says "do not train on this message". So a wrong answer is
never written as an assistant's message that would be trained: it stands in a field of its own
(``rejected``, ``non_preferred_output``) or nowhere. The same goes for earlier replies in the
context, which nobody called right: where a format trains every reply, such an example is left
out, and counted. Formats that train the last reply alone hold it.

Each format's rows are built and described here: ``fields`` is what a row holds. Sources, as
published: TRL "Dataset formats and types"; OpenAI's API description (``FineTuneChatRequestInput``,
``FineTunePreferenceRequestInput``, "weight" of an assistant's message); axolotl "Conversation" and
"RLHF" (``chat_template``, ``chat_template.default``); LLaMA-Factory's data README for ShareGPT;
mlx-lm ``LORA.md``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from chatapp.archive.exporting.fields import Fields
from chatapp.archive.records import Example, Weights

Content = Mapping[str, Any]
"""Of the shape of :meth:`Example.content`, after redaction and review."""

Row = dict[str, Any]

NO_QUESTION: Final = "the context does not end with a question"
NO_RIGHT: Final = "no right answer to train on"
NO_WRONG: Final = "no wrong answer to compare with"
EARLIER: Final = "earlier replies in the context, which this format would train as well"

MESSAGE: Final = {"role": "string", "content": "string"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """One format. ``purpose`` and ``holds`` are for a person.

    ``row`` makes the row of a content that :meth:`why_not` lets pass. ``splits`` are the names of
    the files of the two splits. ``sharded``: whether large sets may come in several files, and in
    Parquet. ``config`` is a file to put beside the data: its name, and its text for the names of
    the data files of both splits.
    """

    name: str
    purpose: str
    holds: str
    fields: Fields
    row: Callable[[Example, Content], Row]
    needs_right: bool = True
    needs_wrong: bool = False
    trains_every_reply: bool = False
    splits: tuple[str, str] = ("train", "validation")
    sharded: bool = True
    config: tuple[str, Callable[[list[str], list[str]], str]] | None = None

    def why_not(self, content: Content) -> str | None:
        """Why this format cannot hold a content, or ``None``."""
        prompt = content["prompt"]
        if not prompt or prompt[-1]["role"] != "user":
            return NO_QUESTION
        if self.needs_right and not content["chosen"]:
            return NO_RIGHT
        if self.needs_wrong and not content["rejected"]:
            return NO_WRONG
        if self.trains_every_reply and any(each["role"] == "assistant" for each in prompt):
            return EARLIER
        return None


def _reply(text: str) -> dict[str, str]:
    return {"role": "assistant", "content": text}


def _said(content: Content) -> list[dict[str, Any]]:
    """The context's messages, their keys in the declared order."""
    return [{"role": each["role"], "content": each["content"]} for each in content["prompt"]]


def _canonical(example: Example, content: Content) -> Row:
    consent = example.consent
    return {
        "id": example.id,
        "kind": content["kind"],
        "session": example.session,
        "turn": example.turn,
        "created": example.created,
        "prompt": _said(content),
        "chosen": content["chosen"],
        "rejected": content["rejected"],
        "reason": content["reason"],
        "wrong": content["wrong"],
        "right": content["right"],
        "weights": as_source(example.weights),
        "consent": {
            "entry": consent.entry if consent else 0,
            "at": consent.at if consent else "",
            "version": consent.version if consent else "",
        },
    }


def _messages(_: Example, content: Content) -> Row:
    return {"messages": [*_said(content), _reply(content["chosen"])]}


def _prompt_completion(_: Example, content: Content) -> Row:
    return {"prompt": _said(content), "completion": [_reply(content["chosen"])]}


def _preference(_: Example, content: Content) -> Row:
    return {
        "prompt": _said(content),
        "chosen": [_reply(content["chosen"])],
        "rejected": [_reply(content["rejected"])],
    }


def _openai_sft(_: Example, content: Content) -> Row:
    earlier = [
        {**each, "weight": 0} if each["role"] == "assistant" else each for each in _said(content)
    ]
    return {"messages": [*earlier, {**_reply(content["chosen"]), "weight": 1}]}


def _openai_preference(_: Example, content: Content) -> Row:
    return {
        "input": {"messages": _said(content)},
        "preferred_output": [_reply(content["chosen"])],
        "non_preferred_output": [_reply(content["rejected"])],
    }


def _axolotl_preference(_: Example, content: Content) -> Row:
    return {
        "messages": _said(content),
        "chosen": _reply(content["chosen"]),
        "rejected": _reply(content["rejected"]),
    }


_FROM: Final = {"system": "system", "user": "human", "assistant": "gpt"}


def _sharegpt(_: Example, content: Content) -> Row:
    turns = [{"from": _FROM[each["role"]], "value": each["content"]} for each in content["prompt"]]
    return {"conversations": [*turns, {"from": "gpt", "value": content["chosen"]}]}


def _axolotl_config(kind: str, rl: str) -> Callable[[list[str], list[str]], str]:
    def text(train: list[str], validation: list[str]) -> str:
        def lines(name: str, files: list[str]) -> str:
            return f"{name}:\n" + "".join(
                f"  - path: {file}\n    ds_type: {file.rpartition('.')[2].replace('jsonl', 'json')}"
                f"\n    split: train\n    type: {kind}\n"
                for file in files
            )

        return (
            "# The data's part of an axolotl configuration; run axolotl in this folder.\n"
            "# Add base_model, adapter and the training settings.\n"
            + rl
            + lines("datasets", train)
            + (lines("test_datasets", validation) if validation else "")
        )

    return text


_ALL: Final = (
    Format(
        name="canonical",
        purpose="the whole record, from which every other format can be derived",
        holds="every kind of example",
        fields={
            "id": "string",
            "kind": "string",
            "session": "string",
            "turn": "int64",
            "created": "string",
            "prompt": [MESSAGE],
            "chosen": "string",
            "rejected": "string",
            "reason": "string",
            "wrong": "string",
            "right": "string",
            "weights": {
                "model": "string",
                "sha256": "string",
                "adapter": "string",
                "adapter_sha256": "string",
                "adapter_scale": "float64",
            },
            "consent": {"entry": "int64", "at": "string", "version": "string"},
        },
        row=_canonical,
        needs_right=False,
    ),
    Format(
        name="trl-sft",
        purpose="supervised fine-tuning with TRL's SFTTrainer, on whole conversations",
        holds="right answers to a first question",
        fields={"messages": [MESSAGE]},
        row=_messages,
        trains_every_reply=True,
    ),
    Format(
        name="trl-prompt-completion",
        purpose="supervised fine-tuning with TRL's SFTTrainer, on the answer alone",
        holds="right answers",
        fields={"prompt": [MESSAGE], "completion": [MESSAGE]},
        row=_prompt_completion,
    ),
    Format(
        name="trl-preference",
        purpose="preference training with TRL (DPO and its kin)",
        holds="right answers with the wrong one beside them",
        fields={"prompt": [MESSAGE], "chosen": [MESSAGE], "rejected": [MESSAGE]},
        row=_preference,
        needs_wrong=True,
    ),
    Format(
        name="openai-sft",
        purpose="supervised fine-tuning at OpenAI; earlier replies carry weight 0",
        holds="right answers",
        fields={"messages": [{**MESSAGE, "weight": "int64"}]},
        row=_openai_sft,
    ),
    Format(
        name="openai-preference",
        purpose="preference training (DPO) at OpenAI",
        holds="right answers with the wrong one beside them",
        fields={
            "input": {"messages": [MESSAGE]},
            "preferred_output": [MESSAGE],
            "non_preferred_output": [MESSAGE],
        },
        row=_openai_preference,
        needs_wrong=True,
    ),
    Format(
        name="axolotl",
        purpose="supervised fine-tuning with axolotl (type: chat_template)",
        holds="right answers to a first question",
        fields={"messages": [MESSAGE]},
        row=_messages,
        trains_every_reply=True,
        config=("axolotl.yaml", _axolotl_config("chat_template", "")),
    ),
    Format(
        name="axolotl-preference",
        purpose="preference training with axolotl (type: chat_template.default)",
        holds="right answers with the wrong one beside them",
        fields={"messages": [MESSAGE], "chosen": MESSAGE, "rejected": MESSAGE},
        row=_axolotl_preference,
        needs_wrong=True,
        config=("axolotl.yaml", _axolotl_config("chat_template.default", "rl: dpo\n")),
    ),
    Format(
        name="sharegpt",
        purpose="supervised fine-tuning with tools that read ShareGPT (LLaMA-Factory and others)",
        holds="right answers to a first question",
        fields={"conversations": [{"from": "string", "value": "string"}]},
        row=_sharegpt,
        trains_every_reply=True,
    ),
    Format(
        name="mlx-lm",
        purpose="fine-tuning on Apple hardware: the folder that mlx_lm.lora takes as --data",
        holds="right answers to a first question",
        fields={"messages": [MESSAGE]},
        row=_messages,
        trains_every_reply=True,
        splits=("train", "valid"),
        sharded=False,
    ),
)

FORMATS: Final[Mapping[str, Format]] = {each.name: each for each in _ALL}


def as_source(weights: Weights) -> dict[str, Any]:
    """Which weights, as rows, records and the manifest name them."""
    scale = weights.adapter_scale
    return {
        "model": weights.model,
        "sha256": weights.sha256,
        "adapter": weights.adapter,
        "adapter_sha256": weights.adapter_sha256,
        "adapter_scale": None if scale is None else float(scale),
    }
