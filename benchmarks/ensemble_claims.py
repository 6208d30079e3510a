"""Does an ensemble claim a gain where there is none, and keep what it promises? Simulated members whose truth is known.

    python benchmarks/ensemble_claims.py [--draws 200] [--examples 100] [--seconds 280]

Two worlds of two classes and five members: `none`, where one member says the true probabilities and the others are noisy copies, so that nothing
can be gained; and `gain`, where all five are noisy copies. For each draw the whole choice is made on the examples and tested on 20,000 others.
"shown" is how often a gain above 0 was claimed (95 % interval), "falsely" how often that was wrong; told as it is done (ten folds, the whole
choice anew in each) and from the halves that compare the combinations. Losses are means over draws.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
from scipy.special import expit

from seatrial.evaluation.predictions import Predictions
from seatrial.evaluation.voting.losses import loss
from seatrial.practice.ensembles.choice import Choice, choose
from seatrial.practice.ensembles.member import Member

TESTED = 20_000
NORMAL_95 = 1.959964


def members(world: str, count: int, generator: np.random.Generator) -> list[Member]:
    """Five members' predictions of so many examples."""
    logits = 2 * generator.normal(size=count)
    targets = (generator.random(count) < expit(logits)).astype(np.int64)
    said = [expit(logits + generator.normal(size=count)) for _ in range(5)]
    if world == "none":
        said[0] = expit(logits)
    tables = [Predictions("binary", targets, each, np.arange(count)) for each in said]
    return [Member(str(at), "network", "", Path(), each) for at, each in enumerate(tables)]


def from_halves(choice: Choice) -> bool:
    """Whether the halves would have claimed a gain."""
    single, chosen = choice.combinations[0].worth, choice.chosen.worth
    assert single is not None and chosen is not None
    differences = single.better.losses - chosen.better.losses
    return bool(differences.mean() > NORMAL_95 * differences.std(ddof=1) / np.sqrt(len(differences)))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--draws", type=int, default=200)
    parser.add_argument("--examples", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=280)
    given = parser.parse_args()
    heads = ("shown", "falsely", "shown, halves", "falsely, halves", "best member", "chosen", "promised", "naive")
    print(f"{'world':18}" + "".join(f"{head:>17}" for head in heads))
    for world in ("none", "gain"):
        rows: list[list[float]] = []
        end = time.monotonic() + given.seconds / 2
        while len(rows) < given.draws and time.monotonic() < end:
            draw = len(rows)
            choice = choose(members(world, given.examples, np.random.default_rng(draw)))
            fresh = [each.predictions for each in members(world, TESTED, np.random.default_rng(10**6 + draw))]
            true, single = loss(choice.chosen.applied(fresh)), loss(choice.combinations[0].applied(fresh))
            folds, halves = choice.gain is not None and choice.gain.low > 0, from_halves(choice)
            wrong = true >= single
            rows.append(
                [folds, folds and wrong, halves, halves and wrong, single, true, choice.promised, choice.chosen.loss]
            )
        print(f"{f'{world} ({len(rows)} draws)':18}" + "".join(f"{value:17.4f}" for value in np.mean(rows, axis=0)))


if __name__ == "__main__":
    main()
