"""The boosting attack: 0.68 on exact scores, 0.5 through the Ladder, as published and as the theory has it."""

import math
import re
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from click.testing import CliRunner
from scipy.stats import norm

from seatrial.cli.vault.attack_demo import command
from seatrial.errors import UsageProblem
from seatrial.vault import attack

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(scope="module")
def found() -> attack.Attack:
    return attack.simulate()


class TestFigures:
    def test_theory(self) -> None:
        assert attack.expected(1000, 700) == pytest.approx(norm.cdf(math.sqrt(700 / (1000 * math.pi))))
        assert attack.expected(1000, 700) == pytest.approx(0.68, abs=0.005)

    def test_exact_scores_climb_as_the_theory_says(self, found: attack.Attack) -> None:
        curve = found.curves[attack.EXACT]
        for looks, mean in zip(found.looks, curve.mean, strict=True):
            assert mean == pytest.approx(attack.expected(1000, looks), abs=0.015)
        assert curve.low[-1] > 0.65

    def test_the_ladder_and_thresholdout_stay(self, found: attack.Attack) -> None:
        for way in (attack.LADDER, attack.THRESHOLDOUT):
            assert found.curves[way].mean == pytest.approx([0.5] * len(found.looks), abs=0.02)
        assert max(found.curves[attack.FREE].mean) < 0.56  # the luckiest of 700 alone has 0.55

    def test_fresh_labels_tell_the_truth(self, found: attack.Attack) -> None:
        assert list(found.fresh.values()) == pytest.approx([0.5] * 4, abs=0.015)

    def test_other_sizes(self) -> None:
        small = attack.simulate(examples=300, looks=100, repetitions=30, seed=5)
        assert small.curves[attack.EXACT].mean[-1] == pytest.approx(attack.expected(300, 100), abs=0.015)
        assert small.looks[0] == 1
        assert small.looks[-1] == 100
        assert len(attack.simulate(examples=2, looks=1, repetitions=1).looks) == 1

    def test_seed(self) -> None:
        one, same, other = (attack.simulate(100, 20, 2, seed) for seed in (3, 3, 4))
        assert one == same
        assert one.curves != other.curves


class TestShown:
    def test_drawing(self, found: attack.Attack, tmp_path: Path) -> None:
        for name in ("one.svg", "two.svg"):
            attack.draw(found, tmp_path / name)
        text = (tmp_path / "one.svg").read_text(encoding="utf-8")
        assert text == (tmp_path / "two.svg").read_text(encoding="utf-8")
        assert len(text) < 60_000
        words = "".join(ElementTree.fromstring(text).itertext())
        for word in ("looks at the test set", "parameter-free Ladder", "1,000 sealed labels"):
            assert word in words

    def test_page_holds_these_figures(self, found: attack.Attack) -> None:
        page = (DOCS / "vault-looks.md").read_text(encoding="utf-8")
        for way, curve in found.curves.items():
            row = next(line for line in page.splitlines() if line.startswith(f"| {way} |") and " to " in line)
            figures = [float(each) for each in re.findall(r"0\.\d{3}", row)]
            # Not to the last digit: numpy may draw other numbers from the same seed one day.
            assert figures == pytest.approx([curve.mean[-1], curve.low[-1], curve.high[-1], found.fresh[way]], abs=0.02)
        assert (DOCS / "figures" / "what-looking-costs.svg").stat().st_size < 60_000
        assert "figures/what-looking-costs.svg" in page

    def test_command(self, tmp_path: Path) -> None:
        arguments = ["--examples", "200", "--looks", "50", "--repetitions", "3", "--figure", str(tmp_path / "it.svg")]
        result = CliRunner().invoke(command, arguments, catch_exceptions=False)
        assert result.exit_code == 0
        assert "after 50 looks" in result.output
        assert f"{attack.expected(200, 50):.2f}" in result.output
        assert (tmp_path / "it.svg").exists()

    def test_figure_that_cannot_be_written(self, tmp_path: Path) -> None:
        arguments = [
            "--examples",
            "10",
            "--looks",
            "5",
            "--repetitions",
            "1",
            "--figure",
            str(tmp_path / "no" / "it.svg"),
        ]
        with pytest.raises(UsageProblem, match="no-figure"):
            CliRunner().invoke(command, arguments, catch_exceptions=False)

    def test_even_votes_are_thrown(self) -> None:
        """With no vector praised the vote is a random vector, not one that is wrong everywhere."""
        right = np.random.default_rng(0).choice(np.array([-1, 1], np.int8), size=(4, 2000))
        votes = attack._votes(right, np.array([False] * 3), np.array([3]))
        assert votes[0] == (right[-1] > 0).mean()
