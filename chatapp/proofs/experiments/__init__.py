"""One file for each experiment; here is their order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from chatapp.proofs.experiment import Experiment
from chatapp.proofs.experiments import (
    copies,
    costume,
    cut_off,
    forgetting,
    frozen,
    infrastructure,
    next_user,
    one_token_at_a_time,
    repeatable,
    resend,
    sampling,
    three_ways,
    what_changed,
    window,
)

EXPERIMENTS: Final[Mapping[str, Experiment]] = {
    module.EXPERIMENT.name: module.EXPERIMENT
    for module in (
        resend,
        forgetting,
        next_user,
        frozen,
        repeatable,
        sampling,
        one_token_at_a_time,
        window,
        what_changed,
        cut_off,
        costume,
        three_ways,
        copies,
        infrastructure,
    )
}
"""By name, in the order in which a course would take them."""
