"""``chatapp prove``: the list, one experiment, all of them, and what the exit status says."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from chatapp.cli.prove import EXITS
from chatapp.cli.prove_text import summary, told
from chatapp.proofs.evidence import overall
from chatapp.proofs.experiments import EXPERIMENTS
from chatapp.proofs.facts import built_in
from tests.cli.conftest import Run
from tests.proofs.samples import all_of_them

SAMPLES = all_of_them()


def test_without_a_name_it_lists_the_claims(run: Run) -> None:
    said = run("prove")
    assert said.status == 0
    for name, experiment in EXPERIMENTS.items():
        assert f"\n{name}\n" in said.out
        assert experiment.claim[:40] in " ".join(said.out.split())


def test_a_name_that_is_not_there(run: Run) -> None:
    said = run("prove", "telepathy")
    assert said.status == 1
    assert "There is no experiment called telepathy. There are: resend, forgetting" in said.err


def test_facts_that_cannot_be_read(run: Run, tmp_path: Path) -> None:
    said = run("prove", "forgetting", "--facts", str(tmp_path / "none.toml"))
    assert said.status == 1
    assert "none.toml cannot be read" in said.err


def test_the_exit_status_follows_the_verdicts() -> None:
    assert [EXITS[verdict] for verdict in ("held", "failed", "untested")] == [0, 1, 2]
    by = {sample.verdict: sample for sample in SAMPLES}
    assert overall([by["held"]]) == "held"
    assert overall([by["held"], by["untested"]]) == "untested"
    assert overall([by["untested"], by["failed"], by["held"]]) == "failed"
    assert overall([]) == "untested"


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.name)
@pytest.mark.parametrize("whole", [True, False])
def test_evidence_is_told_within_the_width_of_a_terminal(sample: object, whole: bool) -> None:
    text = told(sample, whole=whole)  # type: ignore[arg-type]
    prompts = ("  │ ",)  # prompts are shown as they are
    long = [line for line in text.splitlines() if len(line) > 80 and not line.startswith(prompts)]
    assert long == []
    assert "\x1b" not in text


def test_the_summary_counts() -> None:
    text = summary(SAMPLES, 12.0)
    assert "DID NOT HOLD" in text
    assert "12 s in all" in text


@pytest.mark.slow
def test_all_hold_on_the_default_model(run: Run, tmp_path: Path, default_model: Path) -> None:
    page = tmp_path / "proof.html"
    said = run("prove", "--all", "--json", "--report", str(page), "-m", str(default_model))
    assert said.status == 0, said.err
    found = json.loads(said.out)
    assert found["verdict"] == "held"
    assert [one["name"] for one in found["experiments"]] == list(EXPERIMENTS)
    text = page.read_text("utf-8")
    assert all(experiment.title in text for experiment in EXPERIMENTS.values())
    told_right = [
        row
        for one in found["experiments"]
        if one["name"] == "forgetting"
        for block in one["blocks"]
        if block["kind"] == "table"
        for row in block["rows"]
    ]
    # Answered in the model's own words while it stood in the transcript, and not afterwards.
    facts = built_in()
    for some in (facts.corrections, facts.told):
        rows = [next(row for row in told_right if row[0] == fact.question) for fact in some]
        pairs = list(zip(some, rows, strict=True))
        assert sum(fact.answered(row[2]) for fact, row in pairs) >= 8
        assert not any(fact.answered(row[1]) for fact, row in pairs)
