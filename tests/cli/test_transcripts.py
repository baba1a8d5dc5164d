"""``chatapp transcripts``, ``chatapp export``: the whole pipeline from the command line."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from chatapp.archive import held, marks
from chatapp.archive.records import State, StoredTurn, Weights
from chatapp.archive.store import NAME, Store
from chatapp.archive.writing import NewMessage, Writer
from tests.cli.conftest import Run


@pytest.fixture
def told(home: Path) -> dict[str, str]:
    """Two stored sessions: one kept, one kept + training with a correction."""
    (home / "transcripts").mkdir()
    names = {"kept": "aaaa" + "0" * 12, "training": "bbbb" + "0" * 12}
    with Store(home / "transcripts" / NAME) as store:
        _say(store, names["kept"], "kept", "Where is Bursa?", "Near the sea.")
        ids = _say(
            store,
            names["training"],
            "training",
            "What is the capital of Turkey? Mail me: anna.smith@example.org",
            "The capital of Turkey is Istanbul.",
        )
        marks.correct(
            store,
            names["training"],
            ids[1],
            chosen="The capital of Turkey is Ankara.",
            wrong="Istanbul",
            right="Ankara",
        )
    return names


def _say(store: Store, name: str, state: State, question: str, answer: str) -> list[int]:
    writer = Writer(store, name)
    writer.begin(state, title=question, system="", model="small")
    turn = StoredTurn(number=1, weights=Weights(model="small", sha256="ab" * 32))
    return writer.add(
        [
            NewMessage(role="user", content=question),
            NewMessage(parent=-1, role="assistant", content=answer, turn=turn),
        ]
    )


def test_where_nothing_was_kept_nothing_is_made(run: Run, home: Path) -> None:
    for command in (["transcripts"], ["transcripts", "list", "--json"], ["transcripts", "check"]):
        said = run(*command)
        assert said.status == 0
    assert "no session was ever kept" in run("transcripts").out
    assert not (home / "transcripts").exists()


def test_list_search_and_show(run: Run, told: dict[str, str]) -> None:
    lines = run("transcripts").out.splitlines()
    assert [line[:8] for line in lines] == ["bbbb0000", "aaaa0000"]
    assert "training" in lines[0]
    assert [row["id"] for row in json.loads(run("transcripts", "--json").out)] == [
        told["training"],
        told["kept"],
    ]
    assert run("transcripts", "--state", "kept").out.startswith("aaaa0000")
    found = run("transcripts", "search", "near", "sea")
    assert found.status == 0
    assert "assistant: Near the sea." in found.out
    (hit,) = json.loads(run("transcripts", "search", "bursa", "--json").out)
    assert hit["snippet"] == "Where is Bursa?"
    assert run("transcripts", "search", "xyzzy").status == 1
    assert "Near the sea." in run("transcripts", "show", "aaaa").out
    assert json.loads(run("transcripts", "show", "aaaa", "--json").out)
    assert run("transcripts", "show", "cccc").status == 1


def test_rename_and_tag(run: Run, told: dict[str, str]) -> None:
    run("transcripts", "rename", "aaaa", "A town")
    run("transcripts", "tag", "aaaa", "Places", "class 3")
    (row,) = json.loads(run("transcripts", "--tag", "places", "--json").out)
    assert (row["title"], row["tags"]) == ("A town", ["class 3", "places"])


def test_a_strangers_words_never_steer_the_terminal(run: Run, home: Path) -> None:
    (home / "transcripts").mkdir()
    with Store(home / "transcripts" / NAME) as store:
        _say(store, "c" * 16, "kept", "red \x1b[31m alert", "and \x1b]0;title\x07 more")
    for command in (
        ["transcripts"],
        ["transcripts", "search", "alert"],
        ["transcripts", "show", "c"],
    ):
        assert "\x1b" not in run(*command).out


def test_consent_is_asked_for_and_its_ledger_is_shown(
    run: Run, told: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = run("transcripts", "consent", "aaaa", "training")
    assert refused.status == 1
    assert "Say --yes" in refused.err
    assert run("transcripts", "consent", "aaaa", "training", "--yes").status == 0
    lines = run("transcripts", "consent", "aaaa").out.splitlines()
    assert ["off → kept" in lines[0], "kept → training" in lines[1]] == [True, True]


def test_delete_asks_and_the_ledger_stays(run: Run, told: dict[str, str], home: Path) -> None:
    assert run("transcripts", "delete", "aaaa").status == 1
    assert run("transcripts", "delete", "aaaa", "--yes").status == 0
    assert run("transcripts", "show", "aaaa").status == 1
    assert "kept → off" in run("transcripts", "consent", "aaaa").out
    for file in (home / "transcripts").iterdir():
        assert b"Bursa" not in file.read_bytes()


def test_nothing_leaves_unreviewed(run: Run, told: dict[str, str], tmp_path: Path) -> None:
    said = run("export", str(tmp_path / "set"))
    assert said.status == 1
    assert "not reviewed" in said.err
    assert not (tmp_path / "set").exists()


def test_reviewed_exported_verified_withdrawn(
    run: Run, told: dict[str, str], tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr("builtins.input", lambda _: "a")
    said = run("transcripts", "review")
    assert "+ What is the capital of Turkey? Mail me: [EMAIL 1]" in said.out
    assert "1 approved" in said.out
    assert "approved" in run("transcripts", "review", "--list").out
    folder = tmp_path / "set"
    done = run("export", str(folder), "--format", "trl-preference")
    assert done.status == 0, done.err
    data = (folder / "train.jsonl").read_text()
    assert "anna.smith" not in data
    assert "Ankara" in data
    assert run("export", "verify", str(folder)).status == 0
    (folder / "train.jsonl").write_text(data.replace("Ankara", "Bursa"))
    assert run("export", "verify", str(folder)).status == 1
    adapter = home / "models" / "adapters" / "turkey"
    adapter.mkdir(parents=True)
    manifest = json.loads((folder / "manifest.json").read_text())
    provenance = {"export_id": manifest["export_id"], "sessions": [told["training"]]}
    (adapter / "provenance.json").write_text(json.dumps(provenance))
    with Store(home / "transcripts" / NAME, readonly=True) as store:
        assert held.withdrawn_of(store, adapter) == ""
        for odd in ([["x"]], [1, "a"], "text", None):
            (tmp_path / "provenance.json").write_text(json.dumps({"sessions": odd}))
            assert isinstance(held.withdrawn_of(store, tmp_path), str)
    withdrawn = json.loads(run("transcripts", "withdraw", "bbbb", "--json").out)
    assert withdrawn["lowered"] is True
    assert [held["export"] for held in withdrawn["exports"]] == [manifest["export_id"]]
    assert withdrawn["adapters"] == [str(adapter)]
    assert json.loads((folder / ".withdrawn.json").read_text()) == [told["training"]]
    with Store(home / "transcripts" / NAME, readonly=True) as store:
        assert "one session withdrawn since" in held.withdrawn_of(store, adapter)
    again = run("export", str(tmp_path / "again"))
    assert again.status == 1
    assert not (tmp_path / "again").exists()
    run("transcripts", "delete", "bbbb", "--yes")
    assert "turkey" in run("transcripts", "withdraw", "bbbb").out


def test_an_edited_example_leaves_as_it_was_edited(
    run: Run, told: dict[str, str], tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    editor = tmp_path / "editor.py"
    editor.write_text(
        "import json, sys\n"
        "content = json.load(open(sys.argv[1]))\n"
        "content['chosen'] = 'It is Ankara.'\n"
        "json.dump(content, open(sys.argv[1], 'w'))\n"
    )
    monkeypatch.setenv("EDITOR", f"{sys.executable} {editor}")
    monkeypatch.delenv("VISUAL", raising=False)
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr("builtins.input", lambda _: "e")
    assert "1 edited" in run("transcripts", "review").out
    assert [path.name for path in (home / "transcripts").glob(".review*")] == []
    assert run("export", str(tmp_path / "set")).status == 0
    assert "It is Ankara." in (tmp_path / "set" / "train.jsonl").read_text()


def test_a_skipped_example_does_not_leave(
    run: Run, told: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr("builtins.input", lambda _: "s")
    run("transcripts", "review")
    said = run("export", str(tmp_path / "set"), "--no-review")
    assert said.status == 1
    assert "not approved" in said.err


def test_without_review_only_if_that_is_said_and_redacted_all_the_same(
    run: Run, told: dict[str, str], tmp_path: Path
) -> None:
    assert run("export", str(tmp_path / "set"), "--no-review").status == 0
    assert "anna.smith" not in (tmp_path / "set" / "train.jsonl").read_text()


def test_an_answer_that_would_be_redacted_is_asked_about(
    run: Run, told: dict[str, str], tmp_path: Path, home: Path
) -> None:
    with Store(home / "transcripts" / NAME) as store:
        ids = _say(store, "d" * 16, "training", "What is my mail address?", "It is x@example.com.")
        marks.correct(
            store, "d" * 16, ids[1], chosen="It is bob@example.org.", right="bob@example.org"
        )
    said = run("export", str(tmp_path / "set"), "--no-review", "--session", "dddd")
    assert said.status == 1
    assert "right answer would be redacted" in said.err


def test_sessions_are_written_for_people(run: Run, told: dict[str, str], tmp_path: Path) -> None:
    page = tmp_path / "talk.html"
    assert run("transcripts", "export", "aaaa", "-o", str(page)).status == 0
    assert "Near the sea." in page.read_text()
    assert page.read_text().startswith("<!")
    assert run("transcripts", "export", "aaaa", "-o", str(page)).status == 1
    assert run("transcripts", "export", "--all", "-o", str(tmp_path / "all")).status == 0
    assert len(list((tmp_path / "all").glob("*.md"))) == 2
    assert run("transcripts", "export").status == 1


def test_what_is_imported_is_kept_and_never_training(run: Run, home: Path, tmp_path: Path) -> None:
    file = tmp_path / "talks.jsonl"
    talk = {
        "messages": [
            {"role": "user", "content": "Hello there"},
            {"role": "assistant", "content": "Hi."},
        ]
    }
    file.write_text(json.dumps(talk) + "\nnot json\n")
    said = run("transcripts", "import", str(file))
    assert said.status == 0, said.err
    assert "Imported 1 sessions with 2 messages" in said.out
    assert "could not be read" in said.out
    (row,) = json.loads(run("transcripts", "--json").out)
    assert row["state"] == "kept"
    assert "1 were here already" in run("transcripts", "import", str(file)).out
    assert run("transcripts", "import", str(home)).status == 1


def test_check_finds_a_damaged_store(run: Run, told: dict[str, str], home: Path) -> None:
    assert run("transcripts", "check").status == 0
    file = home / "transcripts" / NAME
    content = bytearray(file.read_bytes())
    content[4096 * 3 : 4096 * 12] = b"\xff" * 4096 * 9
    file.write_bytes(content)
    assert run("transcripts", "check").status == 1


def test_export_says_what_it_needs(run: Run, told: dict[str, str]) -> None:
    assert "trl-sft" in run("export", "--formats").out
    for command in (["export"], ["export", "a", "b"], ["export", "verify"]):
        assert run(*command).status == 1
    assert run("export", "x", "--format", "nonsense").status == 1
