"""``README.md``: the dataset card, under the headings that Hugging Face's template has.

Everything in it follows from the manifest; nothing is guessed. Its YAML head names the data files
and the types of their fields, so that ``datasets.load_dataset(FOLDER)`` finds both splits.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from chatapp.archive.exporting.fields import as_yaml
from chatapp.archive.exporting.formats import Format
from chatapp.archive.exporting.shards import WrittenFile
from chatapp.archive.exporting.split import SPLITS

CARD_FILE: Final = "README.md"

_SIZES: Final = (
    (1_000, "n<1K"),
    (10_000, "1K<n<10K"),
    (100_000, "10K<n<100K"),
    (1_000_000, "100K<n<1M"),
    (10_000_000, "1M<n<10M"),
)

_KINDS: Final = {
    "correction": ("correction", "corrections", ": a person gave the right answer"),
    "liked": ("reply", "replies", " marked as good by a person"),
    "disliked": ("reply", "replies", " marked as bad by a person"),
}


def _of_kind(kind: str, count: int) -> str:
    one, more, says = _KINDS[kind]
    return f"{count:,} {one if count == 1 else more}{says}"


def text_of(manifest: Mapping[str, Any], form: Format, files: Sequence[WrittenFile]) -> str:
    """The card of an export; ``files`` are its data files."""
    counts = manifest["counts"]
    return "\n".join(
        [
            *_head(counts["records"], form, files),
            "# Dataset card for a chatapp export",
            "",
            f"{counts['records']:,} example{'s' * (counts['records'] != 1)} in the format "
            f"`{form.name}`: {form.purpose}.",
            "",
            "## Dataset Details",
            "",
            "### Dataset Description",
            "",
            "Conversations with a language model, and what a person said about its replies:",
            "",
            *(f"- {_of_kind(kind, count)}" for kind, count in counts["kinds"].items()),
            "",
            "- **Curated by:** not stated",
            "- **Language(s):** not stated",
            "- **License:** not stated: decide before you share it",
            "",
            "## Uses",
            "",
            "### Direct Use",
            "",
            f"Fine-tuning: {form.purpose}. This format holds {form.holds}.",
            "",
            "### Out-of-Scope Use",
            "",
            "Nothing beyond what the people agreed to whose conversations these are; the wording",
            "is below. A person who withdraws is in no later export: make a new one then, and",
            "train again without what was withdrawn.",
            "",
            "## Dataset Structure",
            "",
            *_structure(manifest, form, files),
            "",
            "## Dataset Creation",
            "",
            "### Curation Rationale",
            "",
            "A model in use learns nothing from a conversation. These examples were chosen by a",
            "person, one by one, to be learnt in a training job of their own.",
            "",
            "### Source Data",
            "",
            "#### Data Collection and Processing",
            "",
            *_processing(manifest),
            "",
            "#### Who are the source data producers?",
            "",
            "The person or people who used chatapp, and the models that answered:",
            "",
            *(_source(each) for each in manifest["sources"]),
            "",
            "#### Personal and Sensitive Information",
            "",
            *_personal(manifest),
            "",
            "## Bias, Risks, and Limitations",
            "",
            *_risks(form),
            "",
            "### Recommendations",
            "",
            "Check the folder before use: `chatapp export verify FOLDER`. After training, measure",
            "what else changed: answers to neighbouring questions, and general text.",
            "",
        ]
    )


def _head(records: int, form: Format, files: Sequence[WrittenFile]) -> list[str]:
    size = next((name for limit, name in _SIZES if records < limit), "n>10M")
    lines = [
        "---",
        "pretty_name: chatapp export",
        "license: unknown",
        "task_categories:",
        "- text-generation",
        "size_categories:",
        f"- {size}",
        "configs:",
        "- config_name: default",
        "  data_files:",
    ]
    for split in SPLITS:
        if names := [file.name for file in files if file.role == split]:
            lines += [f"  - split: {split}", f"    path: {json.dumps(names)}"]
    return [*lines, "dataset_info:", "  features:", as_yaml(form.fields), "---", ""]


def _structure(
    manifest: Mapping[str, Any], form: Format, files: Sequence[WrittenFile]
) -> list[str]:
    split = manifest["split"]
    lines = [
        "| split | files | rows |",
        "|---|---|---|",
    ]
    for name in SPLITS:
        own = [file for file in files if file.role == name]
        shown = (
            f"`{own[0].name}`" + (f" to `{own[-1].name}`" if len(own) > 1 else "")
            if own
            else "none"
        )
        lines.append(f"| {name} | {shown} | {sum(file.rows for file in own):,} |")
    lines += [
        "",
        "Fields of a row, with their types: "
        + ", ".join(f"`{name}` {_type(type_)}" for name, type_ in form.fields.items())
        + ".",
        "",
        f"A session is never split: {split['fraction']:.0%} of the sessions go to validation, by a "
        f"hash of their id (seed {split['seed']}).",
    ]
    if split["everything_in_train"]:
        lines.append("No session fell into train, so all of them were put there.")
    lines += [
        "",
        "`records.jsonl` names the record behind each row, the consent it rests on and its hashes;",
        "`manifest.json` names the hash of each file.",
    ]
    return lines


def _type(type_: Any) -> str:
    if isinstance(type_, str):
        return type_
    if isinstance(type_, list):
        return f"list of {_type(type_[0])}"
    return "{" + ", ".join(f"{name} {_type(inner)}" for name, inner in type_.items()) + "}"


def _processing(manifest: Mapping[str, Any]) -> list[str]:
    counts = manifest["counts"]
    lines = ["Each session whose examples are here was set to *kept + training* by its person."]
    for consent in manifest["consents"]:
        lines += [
            "",
            f"Consent {_code(consent['version'])}, for {consent['records']:,} examples:",
            "",
            *(f"> {line}" for line in consent["wording"].splitlines()),
        ]
    left = counts["left_out"]
    if left:
        lines += ["", "Left out:", "", *(f"- {count:,}: {why}" for why, count in left.items())]
    return lines


def _source(source: Mapping[str, Any]) -> str:
    def named(name: str | None, sha256: str | None) -> str:
        return f"{_code(name or 'not named')} (SHA-256 {_code(sha256 or 'not known')})"

    text = f"- {named(source['model'], source['sha256'])}"
    if source["adapter"] or source["adapter_sha256"]:
        text += f" with the adapter {named(source['adapter'], source['adapter_sha256'])}"
        if source["adapter_scale"] is not None:
            text += f" at {source['adapter_scale']:g}"
    return f"{text}: {source['records']:,} examples"


def _personal(manifest: Mapping[str, Any]) -> list[str]:
    counts = manifest["counts"]
    lines = [
        f"Redactor {_code(version)} looked for personal data and secrets in {count:,} examples,"
        " which a person then read and approved."
        for version, count in manifest["redactors"].items()
    ]
    if counts["unreviewed"]:
        lines.append(f"{counts['unreviewed']:,} examples were exported without a review.")
    return [
        *lines,
        "No rule finds everything: names of people above all. Treat it as personal data.",
    ]


def _risks(form: Format) -> list[str]:
    wrong = "Wrong answers stand in fields of their own and are not meant to be imitated."
    return [
        "What a person called right was not checked by anyone else. The questions are those of few",
        "people, and the replies are those of the models above, with their faults.",
        *([wrong] if form.needs_wrong or not form.needs_right else []),
    ]


def _code(text: str) -> str:
    """Text of others as code: no line break or backtick in it can end it."""
    return (
        "`" + "".join(char if char.isprintable() else " " for char in text).replace("`", "'") + "`"
    )
