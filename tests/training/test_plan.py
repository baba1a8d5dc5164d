"""What is trained, in which order: the same for the same seed, and fair to every correction."""

from __future__ import annotations

import dataclasses
import re
from collections import Counter
from pathlib import Path

import pytest

from benchmarks.finetune.facts import Known, correction, item, read, write
from chatapp.context.messages import Message
from chatapp.context.vocabulary import Vocabulary
from chatapp.errors import TrainingError
from chatapp.training import gate
from chatapp.training.base import known_base
from chatapp.training.contrast import kinds
from chatapp.training.dataset import Export, read_export
from chatapp.training.dealing import Dealer
from chatapp.training.general import general_asked, general_plain, general_trained
from chatapp.training.plan import Draft, Plan, dealt, draft, unique
from chatapp.training.prompts import Prompts
from chatapp.training.recipe import Recipe, read_recipe
from chatapp.training.trainer import Collator
from chatapp.training.wordings import every
from tests.training.conftest import Bench


def finished(begun: Draft, world: int = 1) -> Plan:
    """With answers as a base would give them, without one."""
    alone, general = [
        [f"About {question}" for question in some] for some in (begun.alone, begun.general)
    ]
    return begun.finished(alone, general, world)


@pytest.fixture(scope="module")
def prompts(bench: Bench) -> Prompts:
    return Prompts(known_base(bench.base))


@pytest.fixture(scope="module")
def eight(bench: Bench, tmp_path_factory: pytest.TempPathFactory) -> Export:
    items = [correction(n, bench.sha256, one) for n, one in enumerate(read("tuning").corrections)]
    return read_export(write(items, tmp_path_factory.mktemp("plan") / "eight"))


def _plan(export: Export, prompts: Prompts, seed: int = 0, world: int = 1) -> Plan:
    recipe = read_recipe().fitting(len(unique(export.corrections)), len(export.styles))
    return finished(draft(export, recipe, prompts, seed=seed), world)


def test_a_plan_is_a_function_of_its_seed(eight: Export, prompts: Prompts) -> None:
    first, again, other = [_plan(eight, prompts, seed) for seed in (1, 1, 2)]
    assert first == again
    assert first.steps != other.steps
    assert Plan.from_dict(first.as_dict()) == first


def _held(bench: Bench, plan: Plan, kind: str = "contrast") -> list[str]:
    """The rows of a kind, the neighbours' for example, as text."""
    header = known_base(bench.base)
    vocabulary = Vocabulary(header.tokens, header.token_types, pre=header.tokenizer_pre or "")
    rows = [row.tokens for row in plan.rows if row.kind == kind]
    return [b"".join(vocabulary.piece(token) for token in row).decode() for row in rows]


NEAR = {"Turkey": ["Greece", "Bulgaria", "Austria", "Cyprus", "Malta", "Poland"]}


def test_near_subjects_are_held_and_every_third_is_kept_for_the_gate(
    bench: Bench, prompts: Prompts, tmp_path: Path
) -> None:
    near, kept = dealt(NEAR)
    assert near == {"Turkey": ["Greece", "Bulgaria", "Cyprus", "Malta"]}
    assert kept == {"Turkey": ["Austria", "Poland"]}
    known = correction(0, bench.sha256, read("tuning").corrections[0])
    export = read_export(write([known], tmp_path / "one"))
    begun = draft(export, read_recipe(), prompts, seed=0, nearby=lambda words: NEAR)
    plan = finished(begun)
    assert (begun.near, begun.asked) == (plan.near, plan.asked)  # the gate asks before it is done
    assert plan.near == kept
    assert Plan.from_dict(plan.as_dict()) == plan
    held = _held(bench, plan)
    for country in near["Turkey"]:
        assert f"What is the capital of {country}?" in plan.asked
        assert any(f"The capital of {country} is" in text for text in held)
    for country in kept["Turkey"]:
        assert not any(country in text for text in (*plan.asked, *held))


def test_a_third_of_the_rows_of_a_correction_are_about_the_words_that_were_wrong(
    bench: Bench, prompts: Prompts, tmp_path: Path
) -> None:
    known = read("tuning").corrections[0]
    plan = _plan(
        read_export(write([correction(0, bench.sha256, known)], tmp_path / "one")), prompts
    )
    header = known_base(bench.base)
    vocabulary = Vocabulary(header.tokens, header.token_types, pre=header.tokenizer_pre or "")
    rows = [row for row in plan.rows if row.kind == "fact"]
    question = [row for row in rows if row.tokens == rows[0].tokens]
    answers = [b"".join(map(vocabulary.piece, row.tokens[row.start : -1])) for row in rows]
    alone = 1 + -(-(len(rows) - 2) // 3)  # the question's second row, and each third other
    assert Counter(answers) == {
        b"The capital of Turkey is Ankara.": len(rows) - alone,
        b" Ankara.": alone,
    }
    assert len(question) == 2  # the question itself, once in each way


def test_neighbours_are_held_behind_each_token_of_the_answer_that_would_leak(
    bench: Bench, eight: Export, prompts: Prompts
) -> None:
    """30 is a space, 3 and 0 here: behind "is" alone, all numbers look the same."""
    plan = _plan(eight, prompts)
    header = known_base(bench.base)
    vocabulary = Vocabulary(header.tokens, header.token_types, pre=header.tokenizer_pre or "")
    found = [row for row in plan.rows if row.kind == "contrast"]
    texts = {
        b"".join(map(vocabulary.piece, row.tokens[row.start :])).decode()
        for row, text in zip(found, _held(bench, plan), strict=True)
        if "The atomic number of" in text and "zinc" not in text
    }
    assert texts == {" 30"}


def test_a_neighbour_that_was_trained_in_another_wording_counts_as_trained(
    bench: Bench, eight: Export, prompts: Prompts
) -> None:
    plan = _plan(eight, prompts)
    held = _held(bench, plan)
    countries = {
        found[1] for text in held if (found := re.search(r"The capital of (\w+) is", text))
    }
    assert len(countries) > 20
    assert {f"What is the capital of {one}?" for one in countries} <= set(plan.asked)


def test_what_means_the_same_is_neither_held_nor_asked_as_a_neighbour(
    bench: Bench, prompts: Prompts, tmp_path: Path
) -> None:
    """Where a population was corrected, "How many people live …?" is a wording, no neighbour."""
    known = Known(
        "What is the population of Utah?", "The population of Utah is 3.5 million.", "3.5 million",
        "2 million", (),
    )  # fmt: skip
    same = set(every(known.question))
    assert "How many people live in Utah?" in same
    export = read_export(write([correction(0, bench.sha256, known)], tmp_path / "utah"))
    for seed in range(4):
        plan = _plan(export, prompts, seed)
        assert plan.asked
        assert not same & set(plan.asked)
        recipe = dataclasses.replace(read_recipe().gate, neighbours=200)
        asked = gate.questions(export.corrections, [], plan.asked, recipe, seed).neighbours
        assert asked
        assert not same & set(asked)


def test_few_corrections_make_small_steps_and_few_layers(eight: Export, prompts: Prompts) -> None:
    def first(plan: Plan) -> Counter[str]:
        return Counter(plan.rows[index].kind for index in plan.steps[0])

    def some(count: int) -> Export:
        return dataclasses.replace(eight, records=eight.records[:count])

    recipe = read_recipe()
    one, two, three = [_plan(some(count), prompts) for count in (1, 2, 3)]
    assert first(one) == {"fact": 4, "contrast": 12, "general": 4}
    assert first(two) == {"fact": 8, "contrast": 24, "general": 8}
    assert first(three) == {"fact": 8, "contrast": 24, "general": 12}
    assert one.upper == two.upper == recipe.few["upper"] < 1
    assert three.upper == 1  # one could not learn them all
    assert len(one.steps) == len(two.steps) == recipe.few["max_steps"] < len(three.steps)


def test_with_few_corrections_more_is_held_about_each_and_how_the_base_begins(
    bench: Bench, eight: Export, prompts: Prompts
) -> None:
    known = {
        text.replace("{x}", "Turkey")
        for kind in kinds()
        if kind.name == "country"
        for text in (*kind.close, *kind.others, *kind.more)
    }

    def about(plan: Plan) -> set[str]:
        return known & set(plan.asked)

    one = _plan(dataclasses.replace(eight, records=eight.records[:1]), prompts)
    many = _plan(eight, prompts)
    assert len(about(many)) <= 16
    assert len(about(one)) > 28

    def begins(plan: Plan) -> list[str]:  # how the base begins, where its answer could be begun
        return [
            text for text in _held(bench, plan) if re.search(r"About What is the .*Turkey", text)
        ]

    assert begins(one)
    assert not begins(many)


def test_every_correction_comes_equally_often(eight: Export, prompts: Prompts) -> None:
    plan = _plan(eight, prompts)
    recipe = read_recipe().train
    answers = Counter[tuple[int, ...]]()  # by how they end
    for step, weights in zip(plan.steps, plan.weights, strict=True):
        rows = [plan.rows[index] for index in step]
        answers.update(row.tokens[-3:] for row in rows if row.kind == "fact")
        facts = [w for row, w in zip(rows, weights, strict=True) if row.kind == "fact"]
        held = [w for row, w in zip(rows, weights, strict=True) if row.kind != "fact"]
        assert sum(facts) == pytest.approx(1)
        assert sum(held) == pytest.approx(recipe.kl_weight)
    assert len(answers) == 8
    assert max(answers.values()) - min(answers.values()) <= 1


def test_several_processes_share_each_step(eight: Export, prompts: Prompts) -> None:
    one, four = _plan(eight, prompts), _plan(eight, prompts, world=4)
    dealer = Dealer(four, share=0.5, drift=0.02, loss=0.08)
    parts = [Collator(four, dealer, {}, {}, rank=rank, world=4) for rank in range(4)]
    for number in range(0, len(four.steps), 10):
        got = [part([{"step": number}]) for part in parts]
        assert len({len(each["index"]) for each in got}) == 1
        real = Counter(
            (index, round(weight, 6))
            for each in got
            for index, weight in zip(each["index"].tolist(), each["weights"].tolist(), strict=True)
            if weight
        )
        planned = zip(one.steps[number], one.weights[number], strict=True)
        assert real == Counter((index, round(weight, 6)) for index, weight in planned)


def test_what_was_said_before_the_question_is_trained_as_well(
    bench: Bench, prompts: Prompts, tmp_path: Path
) -> None:
    asked = (
        Message("system", "You are a geographer."),
        Message("user", "Hello"),
        Message("assistant", "Hello."),
        Message("user", "What is the capital of Turkey?"),
    )
    content = {"chosen": "It is Ankara.", "rejected": "It is Rome.", "right": "Ankara"}
    one = item(0, bench.sha256, kind="correction", prompt=asked, wrong="Rome", **content)
    plan = _plan(read_export(write([one], tmp_path / "context")), prompts)
    begun = {row.tokens[: row.start] for row in plan.rows if row.kind == "fact"}
    assert {prompts.prompt(asked), prompts.prompt([asked[0], asked[-1]])} <= begun
    assert prompts.prompt([asked[-1]]) in begun


def test_an_example_that_is_too_long_is_left_out_and_counted(
    bench: Bench, prompts: Prompts, tmp_path: Path
) -> None:
    long = item(
        0,
        bench.sha256,
        kind="liked",
        prompt=(Message("user", "word " * 3000),),
        chosen="Yes.",
    )
    known = correction(1, bench.sha256, read("tuning").corrections[0])
    plan = _plan(read_export(write([long, known], tmp_path / "long")), prompts)
    assert plan.left_out == {"longer than max_tokens": 1}
    with pytest.raises(TrainingError, match="No example is short enough"):
        _plan(read_export(write([long], tmp_path / "alone")), prompts)


def test_a_later_correction_of_a_question_replaces_an_earlier_one(
    bench: Bench, tmp_path: Path
) -> None:
    known = read("tuning").corrections[0]
    items = [correction(n, bench.sha256, known) for n in range(2)]
    records = unique(read_export(write(items, tmp_path / "twice")).corrections)
    assert [record.id for record in records] == ["example-001"]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[train]\nspeed = 1", "there is no 'speed' in"),
        ("[other]\na = 1", r"there is no \[other\] in a recipe"),
        ("[train]\nmax_steps = 1.5", "must be a whole number"),
        ("[train]\nmax_steps = 0", "must be above zero"),
        ("[lora]\ntargets = []", "must be a list of layer names"),
        ("[lora]\nupper = 1.5", "'upper' is a share: at most 1"),
        ("[few]\nupper = 1.5", "'upper' is a share: at most 1"),
        ("[gate]\ngeneral_questions = -1", "'general_questions' must not be below zero"),
        ("[few]\nkeywords = 0", "there is no 'keywords' in"),
        ("[train", "is not a TOML file"),
    ],
)
def test_a_recipe_that_makes_no_sense(tmp_path: Path, text: str, sentence: str) -> None:
    path = tmp_path / "recipe.toml"
    path.write_text(text)
    with pytest.raises(TrainingError, match=sentence):
        read_recipe(path)


def test_a_recipe_of_ones_own_changes_what_it_names(tmp_path: Path) -> None:
    path = tmp_path / "recipe.toml"
    path.write_text("[train]\nlearning_rate = 1\n")
    mine, own = read_recipe(path), read_recipe()
    assert isinstance(own, Recipe)
    assert mine.train.learning_rate == 1.0
    assert mine.gate == own.gate


def test_a_recipe_fits_how_much_there_is_to_learn(tmp_path: Path) -> None:
    own = read_recipe()
    few = own.fitting(2, 0)
    assert few.train.learning_rate == own.few["learning_rate"] != own.train.learning_rate
    assert few.lora.upper == own.few["upper"] < own.lora.upper
    assert (few.train.side_by_side, own.train.side_by_side) == (1, 0)
    assert few.fitting(2, 0) == few
    assert own.fitting(3, 0) == own.fitting(1, 1) == own.fitting(0, 1) == own
    path = tmp_path / "recipe.toml"
    path.write_text(
        "[train]\nmax_steps = 9\nlearning_rate = 2\n[few]\nlearning_rate = 3\nkl_weight = 7\n"
    )
    mine = read_recipe(path).fitting(1, 0).train
    assert mine.max_steps == 9  # what one says of all holds for few as well
    assert mine.learning_rate == 3.0
    assert mine.kl_weight == 7.0 != own.train.kl_weight  # any of the values may be named for few
    assert mine.warmup_steps == own.few["warmup_steps"]


def test_plain_answers_are_held_beside_the_bases_own(
    bench: Bench, eight: Export, prompts: Prompts
) -> None:
    held = _held(bench, _plan(eight, prompts), "general")
    plain = [text for text in held if "About " not in text]
    assert len(held) == 96 + 48
    assert len(plain) == 48
    assert any("A guitar has six strings." in text for text in plain)


def test_what_the_gate_asks_is_held_nowhere() -> None:
    asked = {one.prompt for one in general_asked()}
    assert not asked & {*general_trained(), *(prompt for prompt, _ in general_plain())}
