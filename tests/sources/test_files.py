"""Files as parts of a message: what is read, and a sentence for all that cannot be."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from chatapp.context.parts import Part, parts_of, write
from chatapp.errors import SourceError
from chatapp.sources import files, pdf
from chatapp.sources.files import attach, read_pages
from tests.sources.pdfs import write_pdf


def test_text_is_taken_as_it_is_but_for_line_ends(tmp_path: Path) -> None:
    path = tmp_path / "a.py"
    path.write_bytes("\ufeff\r\n  x = 1\r\n\ty = 'é🐶'\r\n\r\n".encode())
    assert attach(path) == Part("file", "  x = 1\n\ty = 'é🐶'", "a.py")


def test_utf_16_with_its_mark(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes("é one".encode("utf-16"))
    assert attach(path).text == "é one"


def test_fences_in_a_file_do_not_end_it(tmp_path: Path) -> None:
    path = tmp_path / "a.md"
    path.write_text("```\ncode\n```\n\nFile b:\n````\nx\n````\n")
    part = attach(path)
    (found,) = parts_of("user", write([part], "Why?"))
    assert found.part == part


@pytest.mark.parametrize("name", ["a\x1b[31m.md", "a\nb.md", "x" * 200 + ".md", "a\u202eb.md"])
def test_a_name_stays_on_its_line_and_steers_nothing(name: str) -> None:
    shown = files.shown_name(name)
    assert len(shown) <= 120
    assert not set(shown) & set("\x1b\n\u202e")
    assert shown.endswith(".md")  # what kind of file it is
    (found,) = parts_of("user", write([Part("file", "x", shown)], ""))
    assert found.part.name == shown


def test_pages_of_a_pdf(tmp_path: Path) -> None:
    path = write_pdf(tmp_path / "a.pdf", ["The dog is called Biscuit.\nIt is five.", "Page two."])
    assert read_pages(path) == ["The dog is called Biscuit.\nIt is five.", "Page two."]
    assert attach(path).text == "The dog is called Biscuit.\nIt is five.\n\nPage two."


def _bytes(data: bytes) -> Callable[[Path], Path]:
    def write_it(path: Path) -> Path:
        path.write_bytes(data)
        return path

    return write_it


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (_bytes(b""), "is empty"),
        (_bytes(b" \n\t\n"), "is empty"),
        (_bytes(b"\x7fELF\0\0"), "binary"),
        (_bytes("one\ncaf\xe9".encode("latin-1")), "not text in UTF-8: line 2"),
        (_bytes(b"\xff\xfe\x00\xd8"), "UTF-16"),
        (_bytes(b"%PDF-1.4\nnothing"), "not a readable PDF"),
        (lambda path: write_pdf(path, ["", ""]), "holds no text"),
        (lambda path: write_pdf(path, ["x"], password="secret"), "is encrypted"),
        (lambda path: path / "missing", "no file “missing”: there is no folder “.*it.txt”"),
        (lambda path: path.parent / "missing", "There is no file “missing” in “/"),
        (lambda path: path.parent, "is a folder"),
        (lambda path: Path("~nobody-is-called-so/x"), "cannot be read"),
        (lambda path: Path("a\0b"), "cannot be read"),
    ],
)
def test_what_cannot_be_attached_gets_a_sentence(
    tmp_path: Path, make: Callable[[Path], Path], says: str
) -> None:
    with pytest.raises(SourceError, match=says) as error:
        attach(make(tmp_path / "it.txt"))
    sentence = str(error.value)
    assert sentence.endswith(".")
    assert "\n" not in sentence


def test_a_relative_path_is_said_with_the_folder_one_is_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    with pytest.raises(SourceError, match=f"^There is no file “x” in “{re.escape(str(here))}”"):
        attach(Path("x"))
    here.rmdir()  # from under our feet
    with pytest.raises(SourceError, match=r"^There is no file “x”\.$"):
        attach(Path("x"))


def test_a_pdf_by_name_only(tmp_path: Path) -> None:
    path = tmp_path / "a.pdf"
    path.write_text("hello")
    with pytest.raises(SourceError, match="does not begin like one"):
        attach(path)


def test_a_pdf_with_an_empty_password_can_be_read(tmp_path: Path) -> None:
    assert attach(write_pdf(tmp_path / "a.pdf", ["Open."], password="")).text == "Open."


def test_a_pdf_runs_nothing_of_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pypdf.py").write_text("open('ran', 'w')\n")
    monkeypatch.chdir(tmp_path)
    assert attach(write_pdf(tmp_path / "a.pdf", ["Mine."])).text == "Mine."
    assert not (tmp_path / "ran").exists()


def test_a_cipher_that_is_not_read_here_is_no_missing_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import pypdf
    from pypdf.errors import DependencyError

    def refuse(path: object) -> None:
        raise DependencyError("cryptography is needed")

    monkeypatch.setattr(pypdf, "PdfReader", refuse)
    assert pdf._read("a.pdf") == {"error": "cipher"}
    assert "password" not in pdf._SAYS["cipher"]


def test_a_large_file_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "big.txt"
    with path.open("wb") as file:
        file.truncate(files.MOST_BYTES + 1)
    with pytest.raises(SourceError, match="8,388,609 bytes, and at most 8,388,608"):
        attach(path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(SourceError, match="no ordinary file"):
        attach(tmp_path / "pipe")


def test_a_pdf_that_takes_for_ever_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pdf, "SECONDS", 0.01)
    with pytest.raises(SourceError, match=r"longer than 0\.01 s"):
        attach(write_pdf(tmp_path / "a.pdf", ["x"]))
