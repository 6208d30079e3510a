"""Settings and suppressions: what a person writes is either understood or refused, never passed over."""

import dataclasses
import re
from pathlib import Path

import pytest

from seatrial import config
from seatrial.errors import UsageProblem
from seatrial.report.pages import sections, with_thresholds
from seatrial.rules import discover
from seatrial.targets import Target
from seatrial.verdict import configured_rules


def written(folder: Path, text: str) -> Path:
    (folder / "pyproject.toml").write_text(text, encoding="utf-8")
    return folder


def test_without_a_file_everything_is_at_its_default(tmp_path: Path) -> None:
    assert config.load(tmp_path) == config.Config()


def test_all_settings_are_read(tmp_path: Path) -> None:
    file = written(
        tmp_path,
        """
        [tool.seatrial]
        ignore = ["loop.unseeded-run"]
        severity = {"model.dead-units" = "note"}
        thresholds = {"model.dead-units" = {share = 0.6}}
        budget = {looks = 0.02, trials = 60}
        track = ["mlflow:http://localhost:5000", "wandb"]
        """,
    )
    found = config.load(file)
    assert found.ignore == {"loop.unseeded-run": ""}
    assert found.severity == {"model.dead-units": "note"}
    assert found.thresholds == {"model.dead-units": {"share": 0.6}}
    assert found.budget == config.Budget(looks=0.02, trials=60)
    assert found.track == (Target("mlflow", "http://localhost:5000"), Target("wandb"))
    assert found.file == str(tmp_path / "pyproject.toml")


def test_ignore_may_give_reasons(tmp_path: Path) -> None:
    written(tmp_path, '[tool.seatrial.ignore]\n"loop.unseeded-run" = "a demonstration"')
    assert config.load(tmp_path).ignore == {"loop.unseeded-run": "a demonstration"}


def test_the_nearest_file_with_settings_counts(tmp_path: Path) -> None:
    inner = tmp_path / "package" / "scripts"
    inner.mkdir(parents=True)
    written(tmp_path, '[tool.seatrial]\nignore = ["loop.unseeded-run"]')
    written(tmp_path / "package", "[project]\nname = 'no settings of ours'")
    assert "loop.unseeded-run" in config.load(inner).ignore


def test_a_file_whose_tools_are_none_has_no_settings(tmp_path: Path) -> None:
    assert config.load(written(tmp_path, "tool = 3")).file == ""


@pytest.mark.parametrize(
    ("text", "slug", "part"),
    [
        ("[tool.seatrial]\nignor = []", "config-key", "Did you mean ignore?"),
        ('[tool.seatrial]\nignore = ["loop.missing-zerograd"]', "no-such-finding", "loop.missing-zero-grad"),
        ('[tool.seatrial]\nignore = "loop.missing-zero-grad"', "config-value", "Expected a table"),
        ('[tool.seatrial.ignore]\n"loop.missing-zero-grad" = 3', "config-value", "reason"),
        ('[tool.seatrial.severity]\n"model.dead-units" = "off"', "config-value", "'off'"),
        ('[tool.seatrial.severity]\n"dead-units" = "note"', "no-such-finding", "model.dead-units"),
        ('[tool.seatrial.thresholds]\n"model.dead-units" = 0.6', "config-value", "0.6"),
        ('[tool.seatrial.thresholds]\n"model.dead-units" = {share = [1]}', "config-value", "[1]"),
        ("[tool.seatrial", "config-not-toml", "Expected TOML"),
        ("[tool.seatrial]\nignore = [[1]]", "no-such-finding", "[1]"),
        ("[tool.seatrial]\nbudget = 3", "config-value", "Expected a table at budget"),
        ("[tool.seatrial.budget]\ntrails = 3", "config-key", "Did you mean trials?"),
        ("[tool.seatrial.budget]\nlooks = 2", "config-value", "a share from 0 to 1"),
        ("[tool.seatrial.budget]\nlooks = nan", "config-value", "found nan"),
        ("[tool.seatrial.budget]\ntrials = -1", "config-value", "0 or more"),
        ("[tool.seatrial.budget]\ntrials = true", "config-value", "found True"),
        ('[tool.seatrial]\ntrack = "wandb"', "config-value", "Expected a list of trackers"),
        ("[tool.seatrial]\ntrack = [1]", "config-value", "found [1]"),
        ('[tool.seatrial]\ntrack = ["tensorbord:logs"]', "no-such-tracker", "Did you mean tensorboard?"),
        ('[tool.seatrial]\ntrack = ["neptun"]', "no-such-tracker", "Known trackers: mlflow, tensorboard"),
        ('[tool.seatrial]\ntrack = ["mlflow:"]', "no-such-tracker", "without the colon"),
    ],
)
def test_what_is_not_understood_is_refused(tmp_path: Path, text: str, slug: str, part: str) -> None:
    with pytest.raises(UsageProblem) as caught:
        config.load(written(tmp_path, text))
    assert caught.value.slug == slug
    assert part in str(caught.value)


def test_every_threshold_of_every_rule_can_be_set_and_stands_on_its_page() -> None:
    limits = {name: dataclasses.asdict(rule.limits) for name, rule in discover().items() if rule.limits is not None}
    other = {name: {key: value + 1 for key, value in values.items()} for name, values in limits.items()}
    for rule in configured_rules(config.Config(thresholds=other)):
        if rule.limits is not None:
            assert dataclasses.asdict(rule.limits) == other[rule.name]
            page = sections(with_thresholds(rule))["Thresholds"]
            assert [key for key in limits[rule.name] if len(re.findall(rf"\b{key}\b", page)) < 2] == [], rule.name


def test_a_comment_suppresses_with_names_and_a_reason() -> None:
    text = "x = 1\ny = 2  # noqa  # seatrial: ignore[loop.missing-zero-grad, model.dead-units] on purpose\n"
    assert config.suppressions(text) == (
        config.Suppression(2, range(2, 3), ("loop.missing-zero-grad", "model.dead-units"), "on purpose"),
    )


def test_a_comment_on_a_line_of_its_own_speaks_of_the_next_line_of_code() -> None:
    text = "x = 1\n# seatrial: ignore[loop.missing-zero-grad]\n\n# more words\ny = 2\n"
    assert [each.covers for each in config.suppressions(text)] == [range(5, 6)]


@pytest.mark.parametrize("at", range(1, 6))
def test_a_comment_speaks_of_all_lines_of_its_statement(at: int) -> None:
    lines = ["def f():", "    x = g(", "        1,", "    )", "    return x", ""]
    lines[at - 1] += "  # seatrial: ignore[loop.missing-zero-grad]"
    (found,) = config.suppressions("\n".join(lines))
    assert found.covers == {1: range(1, 2), 5: range(5, 6)}.get(at, range(2, 5))


def test_a_string_that_looks_like_a_suppression_is_none() -> None:
    assert config.suppressions('x = "# seatrial: ignore[loop.missing-zero-grad]"\n') == ()


def test_a_text_that_is_no_python_has_no_suppressions() -> None:
    assert config.suppressions("'''\n# seatrial: ignore[loop.missing-zero-grad]\n") == ()


def test_an_unknown_name_in_a_comment_is_refused_with_its_line() -> None:
    with pytest.raises(UsageProblem) as caught:
        config.check_source("x = 1\nx = 2  # seatrial: ignore[loop.missing-zerograd]\n", "train.py")
    assert "train.py:2" in str(caught.value)
    assert "loop.missing-zero-grad" in str(caught.value)


def test_a_mistyped_suppression_is_refused() -> None:
    with pytest.raises(UsageProblem) as caught:
        config.check_source("x = 2  # seatrial: ignroe[loop.missing-zero-grad] why\n", "train.py")
    assert "'ignroe'" in str(caught.value) and "Did you mean ignore?" in str(caught.value)
    config.check_source("x = 2  # seatrial: says [1] that this is well\n", "train.py")


def test_a_suppression_of_everything_is_refused() -> None:
    with pytest.raises(UsageProblem) as caught:
        config.check_source("x = 1  # seatrial: ignore\n", "train.py")
    assert caught.value.slug == "suppression-without-name"
