"""The report page: everything is on it, all of it escaped, and nothing is loaded."""

from __future__ import annotations

import dataclasses
import re
from html.parser import HTMLParser

import numpy as np
import pytest

from chatapp.proofs.evidence import Evidence, Measured, Sent, Table
from chatapp.proofs.report import as_page
from chatapp.proofs.report.text import GROUP, number
from tests.proofs.samples import (
    HOSTILE,
    MADE,
    SHA256,
    all_of_them,
    failed,
    forgetting,
    one,
    untested,
    window,
)

VOID = {"meta", "br", "hr", "wbr"}


class Reader(HTMLParser):
    """Reads a page strictly: every element is closed, and no ident is used twice."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        return "".join(self.words).replace(GROUP, " ")

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def read(*evidence: Evidence) -> Reader:
    reader = Reader()
    reader.feed(as_page(evidence, made=MADE))
    reader.close()
    assert reader.open == []
    return reader


def test_the_page_is_well_formed_and_says_the_same_every_time() -> None:
    reader = read(*all_of_them())
    idents = [attributes["id"] for _, attributes in reader.tags if "id" in attributes]
    assert len(idents) == len(set(idents))
    assert as_page(all_of_them(), made=MADE) == as_page(all_of_them(), made=MADE)
    for _, attributes in reader.tags:
        for target in (attributes.get("aria-labelledby") or "").split():
            assert target in idents


def test_nothing_is_loaded_and_nothing_runs() -> None:
    reader = read(*all_of_them())
    names = {name for name, _ in reader.tags}
    assert not names & {"script", "link", "img", "iframe", "object", "base", "form", "image", "use"}
    policies = [
        meta["content"]
        for meta in reader.all("meta")
        if meta.get("http-equiv") == "Content-Security-Policy"
    ]
    assert policies == ["default-src 'none'; style-src 'unsafe-inline'"]
    for _, attributes in reader.tags:
        assert not any(name.startswith("on") for name in attributes)
        assert "src" not in attributes
        assert (attributes.get("href") or "#").startswith("#")
    style = as_page([], made=MADE).partition("<style>")[2].partition("</style>")[0]
    assert "url(" not in style
    assert "@import" not in style


def test_hostile_text_is_shown_and_stays_text() -> None:
    page = as_page([failed()], made=HOSTILE)
    reader = read(failed())
    assert page.encode("utf-8")
    assert "<script>alert(1)</script>" in reader.text
    assert "gnp.exe" in reader.text
    assert "[U+202E]" in reader.text
    assert "[ESC]" in reader.text
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u200b\ufeff]", page)


def test_every_field_is_escaped() -> None:
    evidence = forgetting()
    fields = dict.fromkeys(("name", "title", "claim", "because", "started", "command"), HOSTILE)
    setting = dataclasses.replace(
        evidence.setting, weights=HOSTILE, sha256=HOSTILE, options={HOSTILE: HOSTILE}
    )
    blocks = []
    for block in evidence.blocks:
        strings = {
            field.name: HOSTILE
            for field in dataclasses.fields(block)
            if isinstance(getattr(block, field.name), str) and field.name != "shape"
        }
        lists = {"columns": [HOSTILE] * 6, "labels": [HOSTILE] * 4, "rows": [[HOSTILE] * 6]}
        lists = {name: value for name, value in lists.items() if hasattr(block, name)}
        if hasattr(block, "series"):
            strings["series"] = {HOSTILE: [0.5] * 4, "b": [None] * 4}  # type: ignore[assignment]
        blocks.append(dataclasses.replace(block, **strings, **lists))  # type: ignore[arg-type]
    hostile = dataclasses.replace(evidence, blocks=blocks, setting=setting, **fields)
    names = {name for name, _ in read(hostile).tags}
    assert not names & {"script", "img"}


def test_the_overall_verdict_and_each_one_are_there_in_words() -> None:
    reader = read(*all_of_them())
    assert "chatapp: evidence" in reader.text
    assert "5 experiments: 3 held, 1 did not hold, 1 could not be tested." in reader.text
    linked = [(link["href"] or "")[1:] for link in reader.all("a")]
    assert linked == ["e-forgetting", "e-window", "e-sampling", "e-frozen", "e-news"]
    assert linked == [section["id"] for section in reader.all("section")]
    for each in all_of_them():
        for says in (each.title, each.claim, each.because, each.command):
            assert says in reader.text
    assert "Nothing was tested." in read().text


def test_two_runs_of_one_experiment_have_links_of_their_own() -> None:
    reader = read(untested(), untested())
    assert [link["href"] for link in reader.all("a")] == ["#e-news", "#e-news..2"]


def test_a_failed_check_comes_first_and_is_never_folded_away() -> None:
    page = as_page([failed()], made=MADE)
    assert page.index("The file is the same.</p>") < page.index("One process answered")
    many = [*forgetting().checks, *failed().checks]
    page = as_page([one("many", "t", "c", list(many))], made=MADE)
    checks = page.partition("What was checked")[2]
    assert checks.index("The file is the same.</p>") < checks.index("<details>")
    assert "The other 14 checks: held" in checks


def test_control_tokens_line_ends_and_ids_of_a_prompt_are_marked() -> None:
    page = as_page([forgetting()], made=MADE)
    assert '<b class="token">&lt;|im_start|&gt;</b>user<span class="end"' in page
    sent = next(block for block in forgetting().blocks if isinstance(block, Sent))
    details = re.findall(r"<details>.*?</details>", page, re.DOTALL)
    ids = ", ".join(map(str, sent.tokens))
    assert any(ids in each for each in details)


def test_a_prompt_keeps_its_first_line_end() -> None:
    page = as_page([one("x", "t", "c", [Sent(title="t", text="\n\na", tokens=[])])], made=MADE)
    assert page.count("↵</span>\n") == 2
    assert "<pre>\n" not in page  # HTML would drop that one


def test_measurements_are_there_in_full() -> None:
    block = next(block for block in forgetting().blocks if isinstance(block, Measured))
    reader = read(forgetting())
    for token, logprob in zip(block.tokens, block.logprobs, strict=True):
        assert str(token) in reader.text
        assert repr(logprob) in reader.text
    assert "1, 9690, 198, 2683, 359" in reader.text


def test_a_sceptic_is_told_how_to_hash_the_file() -> None:
    evidence = window()
    spaced = dataclasses.replace(
        evidence, setting=dataclasses.replace(evidence.setting, weights="my model.gguf")
    )
    text = read(spaced).text
    assert "sha256sum 'my model.gguf'" in text
    assert f"It prints {SHA256}" in text
    assert "98 362 432" in text
    assert "AVX2 FMA F16C" in text


@pytest.mark.parametrize(
    ("value", "says"),
    [
        (0.11, "0.11"),
        (0.1123, "0.112"),
        (1.2e-7, "0.000 000 12"),
        (6.1e-12, "6.1 × 10⁻¹²"),
        (0.99996, "0.99996"),
        (0.999999999, "0.999 999 999"),
        (1.0, "1"),
        (0.0, "0"),
        (256.0000000001, "256"),
        (12345.678, "12 345.68"),
        (98_362_432, "98 362 432"),
        (2048, "2048"),
        (-3.25, "−3.25"),
        (-12, "−12"),
        (float("-inf"), "−∞"),
        (float("nan"), "not a number"),
        (3e17, "3.0 × 10¹⁷"),
    ],
)
def test_numbers_are_such_as_a_class_can_read(value: float, says: str) -> None:
    assert number(value).replace(GROUP, " ") == says


def test_a_rounded_number_keeps_its_exact_value_at_hand() -> None:
    assert '<data value="0.1123" title="0.1123">0.112</data>' in as_page([forgetting()], made=MADE)


def test_a_number_from_numpy_is_written_as_a_number() -> None:
    table = Table(title="t", columns=["P"], rows=[[np.float64(0.25)]])
    assert 'value="0.25"' in as_page([one("x", "t", "c", [table])], made=MADE)


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_colours_can_be_told_from_the_ground(scheme: str) -> None:
    """WCAG AA: 4.5 for text, 3 for what is drawn."""
    light, _, dark = as_page([], made=MADE).partition("(prefers-color-scheme: dark)")
    text = light if scheme == "light" else dark.partition("\n}")[0]
    colours = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", text))
    for ink in ("ink", "quiet", "link", "held", "failed", "untested", "token"):
        for ground in ("paper", "box"):
            assert contrast(colours[ink], colours[ground]) >= 4.5, (ink, ground)
    assert contrast(colours["token"], colours["token-box"]) >= 4.5
    for drawn in ("edge", "s0", "s1", "s2", "s3", "s4", "s5"):
        assert contrast(colours[drawn], colours["paper"]) >= 3, drawn
