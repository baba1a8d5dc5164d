"""How a token was chosen, as rows of text: bars before and after the cuts, and the draw."""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from typing import TYPE_CHECKING, Final, Literal

from rich.cells import cell_len, chop_cells, set_cell_size

from chatapp.tui import words
from chatapp.tui.choice import END, OTHERS, Choice, Option, choice_of, piece, strip
from chatapp.tui.request import wrap

if TYPE_CHECKING:
    from chatapp.conversation import TurnFacts
    from chatapp.engine.protocol import Sampling

__all__ = ["Line", "Style", "percent", "reply_lines", "rows"]

Style = Literal["text", "strong", "quiet", "bar"]
Line = tuple[tuple[str, Style], ...]

_EIGHTHS: Final = " ▏▎▍▌▋▊▉"
_LONGEST: Final = 24
"""Cells of a token shown; a run of spaces can be one token."""
_PERCENT: Final = 7


def percent(share: float) -> str:
    """A probability as a person reads it; never rounded to certain or impossible."""
    if share >= 1.0:
        return "100 %"
    if share <= 0.0:
        return "0 %"
    if share < 0.00005:
        return "<0.01 %"
    if share > 0.9995:
        return ">99.9 %"
    return f"{share:.2%}".replace("%", " %") if share < 0.01 else f"{share:.1%}".replace("%", " %")


def bar(share: float, width: int) -> str:
    """``share`` of ``width`` cells, to an eighth of a cell; what is there gets at least that."""
    eighths = max(round(share * width * 8), 1 if share > 0 else 0)
    full, rest = divmod(min(eighths, width * 8), 8)
    return "█" * full + (_EIGHTHS[rest] if rest else "")


# ── the reply as its tokens ─────────────────────────────────────────────────────────────────────


def reply_lines(
    texts: Sequence[str], width: int, ending: Container[int] = ()
) -> list[list[tuple[int, str]]]:
    """The tokens in lines of at most ``width`` cells: (index, piece); each takes a cell more.

    ``ending``: which of them ended the reply.
    """
    lines: list[list[tuple[int, str]]] = [[]]
    used = 1
    for index, text in enumerate(texts):
        name = END if index in ending else piece(text)
        shown = _short(name, min(_LONGEST, max(width - 2, 1)))
        cells = cell_len(shown) + 1
        if lines[-1] and used + cells > width:
            lines.append([])
            used = 1
        lines[-1].append((index, shown))
        used += cells
    return lines


def _short(text: str, width: int) -> str:
    if cell_len(text) <= width:
        return text
    return (chop_cells(text, width - 1) or [""])[0] + "…" if width > 1 else "…"


# ── the rows below it ───────────────────────────────────────────────────────────────────────────


def rows(facts: TurnFacts, index: int, width: int, height: int) -> list[Line]:
    """All about the step at ``index``, in ``height`` lines if that is possible.

    Where the place is short, fewer tokens have a row of their own; "all other" stands for more.
    """
    width = max(width, 16)
    choice = choice_of(facts, index)
    if choice is None:
        return _sentences(_untold(facts, index), width)
    head = _sentences(_step(facts, index), width, "strong")
    if choice.token.ends:
        head += _sentences(
            "Why it stopped here: this token, no part of the text, was taken.", width
        )
    how = _sentences(_how(choice.sampling, choice.token.share is not None), width)
    tail = [*_kept(choice, width), *_draw(choice, width)]
    room = height - len(head) - len(how) - len(tail) - 2
    most = max(min(room, 10), 3)
    shown = choice_of(facts, index, most) or choice
    # Letters in the strip are those of the rows.
    tail = [*_kept(shown, width), *_draw(shown, width)]
    table = list(_table(shown, width))
    return [*head, *how, *table, *tail]


def _sentences(text: str, width: int, style: Style = "text") -> list[Line]:
    return [((line, style),) for line in wrap(text, width)]


def _untold(facts: TurnFacts, index: int) -> str:
    token = facts.tokens[index]
    last = index == len(facts.tokens) - 1
    if last and index and facts.tokens[index - 1].logprob is not None:
        return "The end of the text of the tokens before: it was held back, as more could follow."
    known = "" if token.token is None else f" (token {token.token:,})"
    return (
        f"Piece {index + 1:,} of {len(facts.tokens):,}{known}. Probabilities: {words.UNKNOWN}. "
        "A server was asked, and it does not say how probable its tokens were."
    )


def _step(facts: TurnFacts, index: int) -> str:
    token = facts.tokens[index]
    parts = []
    if token.token is not None:
        parts.append(f"token {token.token}")
    if token.logprob is not None:
        parts.append(f"logprob {token.logprob:.3f}")
    total = facts.tokens.logprob(index + 1)
    if total is not None:
        parts.append(f"so far {total:.3f}")
    return " · ".join(parts)


def _how(sampling: Sampling, revealed: bool) -> str:
    """What stands between the two columns: the settings that change something."""
    if not revealed:
        return f"after temperature and cuts: {words.UNKNOWN}"
    parts = []
    if sampling.repeat_penalty != 1.0:
        parts.append(f"repeat penalty {sampling.repeat_penalty:g}")
    if sampling.temperature == 0.0:
        return "after " + ", ".join([*parts, "temperature 0"])
    if sampling.top_k:
        parts.append(f"top-k {sampling.top_k}")
    if sampling.top_p < 1.0:
        parts.append(f"top-p {sampling.top_p:g}")
    if sampling.min_p > 0.0:
        parts.append(f"min-p {sampling.min_p:g}")
    parts.append(f"temperature {sampling.temperature:g}")
    return "after " + ", ".join(parts)


def _table(choice: Choice, width: int) -> Iterator[Line]:
    name = max(min(14, width - 2 * _PERCENT - 6), 4)
    room = max(width - 4 - name - 2 * _PERCENT - 4, 0)
    first, second = (room // 2, room // 2) if room >= 8 else (room, 0)
    columns = (name, first, second)
    yield (
        (set_cell_size("▸ taken", name + 4), "quiet"),
        (
            set_cell_size("model".rjust(_PERCENT), _PERCENT + (first + 1 if first else 0) + 2),
            "quiet",
        ),
        (" after".rjust(_PERCENT), "quiet"),
    )
    for option in choice.options:
        yield _row(option, columns)
    if choice.others != 0:
        yield _others(choice, columns)


def _row(option: Option, columns: tuple[int, int, int]) -> Line:
    name, first, second = columns
    style: Style = "strong" if option.taken else "text"
    return (
        ("▸ " if option.taken else "  ", "strong"),
        (f"{option.letter} ", "quiet"),
        (set_cell_size(_short(option.name, name), name), style),
        *_numbers(percent(option.probability), option.probability, first, style),
        ("  ", "text"),
        *_numbers(_share(option.share), option.share or 0.0, second, style),
    )


def _numbers(text: str, share: float, width: int, style: Style) -> Line:
    number: Line = ((text.rjust(_PERCENT), style),)
    return (*number, (f" {bar(share, width).ljust(width)}", "bar")) if width else number


def _share(share: float | None) -> str:
    if share is None:
        return "?"
    return percent(share) if share > 0 else "cut"


def _others(choice: Choice, columns: tuple[int, int, int]) -> Line:
    name, first, second = columns
    label = "all other" if choice.others is None else f"{choice.others:,} others"
    share = choice.rest_share
    told = "cut" if choice.rest_kept == 0 else "?" if share is None else percent(share)
    return (
        ("  ", "text"),
        (f"{OTHERS} ", "quiet"),
        (set_cell_size(_short(label, name), name), "text"),
        *_numbers(percent(choice.rest), choice.rest, first, "text"),
        ("  ", "text"),
        *_numbers(told, share or 0.0, second, "text"),
    )


def _kept(choice: Choice, width: int) -> list[Line]:
    if choice.kept is None:
        return []
    if choice.kept == choice.vocabulary:
        return _sentences(f"All {choice.kept:,} tokens were left to draw from.", width)
    of = f" of {choice.vocabulary:,} tokens" if choice.vocabulary else ""
    was = "was" if choice.kept == 1 else "were"
    left = "left" if choice.token.draw is None else "left to draw from"
    return _sentences(f"{choice.kept:,}{of} {was} {left}.", width)


def _draw(choice: Choice, width: int) -> Iterator[Line]:
    if choice.token.share is None:
        yield from _sentences(f"The draw: {words.UNKNOWN}.", width)
        return
    if choice.token.draw is None:
        after = " after the penalty" if choice.sampling.repeat_penalty != 1.0 else ""
        said = f"No draw: temperature 0 takes the most probable token{after}."
        yield from _sentences(said, width)
        return
    shown = strip(choice, width)
    if shown is not None:
        line, at = shown
        yield ((line[:at], "bar"), ("▲", "strong"), (line[at + 1 :], "bar"))
    yield from _sentences(_fell(choice, choice.token.draw), width, "strong")
    yield from _formula(choice, width)


def _fell(choice: Choice, draw: float) -> str:
    stretch, taken = choice.stretch, choice.taken
    if stretch is None or taken is None:
        return f"draw {draw:.6f}"
    return f"▲ draw {draw:.6f}: {taken.letter}'s part is {stretch[0]:.6f} to {stretch[1]:.6f}"


def _formula(choice: Choice, width: int) -> Iterator[Line]:
    draw = choice.draw
    if draw is None:
        return
    told = "the same" if draw.same else f"NOT the engine's number ({draw.again:.6f})"
    yield from _sentences(
        f'draw = SHA-256("{draw.seed}:{draw.position}") = {draw.digest[:14]}…, its first 53 bits '
        f"as a fraction. Seed {draw.seed}, {draw.position} tokens before. Computed again: {told}.",
        width,
    )
