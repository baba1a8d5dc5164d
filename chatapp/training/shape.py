"""What a question is made of: what is asked for, of what, and what was done to it.

These are the slots of the templates in ``wordings.toml`` and ``synonyms.toml``.
"""

from __future__ import annotations

import re
from typing import Final

_SHORT: Final = re.compile(r"(What|Who|Where|When)['’]s\b")
_IS: Final = re.compile(r"(What|Who|Which|Where|When) (is|are|was|were) (.+)", re.S)
_ASKS: Final = re.compile(
    r"(?:What|Who|Which|Where|When|Why|How|In which|On which|At which)\b.*", re.S
)
_AUXILIARY: Final = re.compile(r"\b(?:do|does|did|is|are|was|were|has|have|can|will|would)\b")

_NAME: Final = (
    r"(?:[Tt]he )?[A-Z][\w'’.&-]*"
    r"(?: (?:(?:of|and|the|in|on|to|for|de) ){0,2}[A-Z0-9][\w'’.&-]*)*"
)
_THING: Final = rf"(?:{_NAME}|(?:our|my|the) [a-z -]+|[a-z]+)"
_OF: Final = re.compile(rf"the ([a-zA-Z][a-zA-Z -]*) (of|in|for) ({_THING})")
_ITS: Final = re.compile(rf"({_NAME}|(?:our|my|the) [a-z]+)['’]s ([a-zA-Z][a-zA-Z -]*)")
_COMPOUND: Final = re.compile(r"the ([a-z]+) ([a-z]+)")
_DID: Final = re.compile(r"Who (?:first )?([a-z]+) (.+)", re.S)
_YEAR: Final = re.compile(
    rf"(?:In (?:which|what) year|(?:Which|What) year|When) (was|were|did) "
    rf"({_NAME}|(?:our|my|the) [a-z]+) ([a-z]+)"
)
_DONE: Final = re.compile(
    r"\w+ed|\w+(?:aught|ought|itten|oken|ozen|olen|awn|own|orn)|(?:re)?built|made|sold|sunk|held|won"
    r"|lost|found|begun|born|taken|given|driven|cut|set|shot|sung|struck|hung|laid|left|met|paid|read"
    r"|sent|spent|done|cast|hit|put|shut|split|eaten|beaten|hidden"
)
"""What can have been done to something: nothing was "time" or "party"."""
_KIND: Final = re.compile(
    rf"the (?:company|firm|shop|novel|book|poem|play|film|movie|song|opera|painting|picture|band"
    rf"|ship|game) ({_NAME})"
)
"""Said before a name, and left out as often: the company Brightwater Foods."""
_BY: Final = re.compile(r"\b(?:was|were|is) ([a-z]+) by$")


def slots(question: str, begun: str = "") -> dict[str, str]:
    """What can be said of a question, by the slots' names in the templates.

    ``begun`` is an answer up to what was asked for, if that is known.
    """
    question = question.strip()
    stem = question.rstrip("?").rstrip()
    asks = bool(_ASKS.fullmatch(stem))
    low = question[:1].lower() + question[1:] if asks else question
    found = {"q": question, "low": low, "bare": low.rstrip("?").rstrip(), "small": stem.lower()}
    plain = _SHORT.sub(r"\1 is", stem)
    if match := _IS.fullmatch(plain):
        word, verb, it = match.groups()
        found["that"] = f"{word.lower()} {it} {verb}"
        if word in ("What", "Who"):
            found["word"], found["Word"] = word.lower(), word
            found["it"] = it
            found["It"] = it[:1].upper() + it[1:]
            found.update(_of(it, possessive=word == "What"))
    elif asks and not _AUXILIARY.search(stem.split(" ", 1)[-1]):
        found["that"] = low.rstrip("?").rstrip()
        if match := _DID.fullmatch(stem):
            found["did"], found["x"] = match.groups()
            if by := _BY.search(begun):
                found["done"] = by[1]
    if match := _YEAR.fullmatch(stem):
        verb, x, last = match.groups()
        if verb == "did":
            found |= {"x": x, "do": last}
        elif _DONE.fullmatch(last):
            begins = low.partition(f" {verb} ")[0]  # in which year
            found |= {"x": x, "was": verb, "then": last, "that": f"{begins} {x} {verb} {last}"}
    if bare := _KIND.fullmatch(found.get("x", "")):
        found["x"] = bare[1]
    if begun:
        found["begun"] = begun
        if end := _end(plain, begun):
            found["asks"] = end
    return found


def _of(it: str, *, possessive: bool) -> dict[str, str]:
    """Of "the capital of Peru": the capital, Peru, and Peru's capital."""
    if of := _OF.fullmatch(it):
        rel, word, x = of.groups()
        found = {"its": f"{x}'s {rel}"} if possessive and word != "for" else {}
        # "the longest river in Velmora" is no river that Velmora has as it has a capital
        return found | ({"in_rel" if word == "in" else "rel": rel} | {"x": x})
    if its := _ITS.fullmatch(it):
        return {"rel": its[2], "x": its[1]}
    if part := _COMPOUND.fullmatch(it):
        return {"rel": part[2], "x": f"the {part[1]}"}
    return {}


def _end(question: str, begun: str) -> str:
    """What would stand behind ``begun`` in a question that begins as the answer does."""
    if begun.endswith(" in") and (question.startswith("When") or " year " in question):
        return "which year"
    if question.startswith("Who "):
        return "whom" if begun.endswith(" by") else "who" if begun.endswith((" is", " was")) else ""
    return "what" if question.startswith("What is ") and begun.endswith(" is") else ""
