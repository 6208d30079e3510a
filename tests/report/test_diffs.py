"""The mend of a finding as a diff: right where it is given, refused where the line does not have the expected form."""

from __future__ import annotations

import ast
import re
import subprocess
import textwrap
import tomllib
from pathlib import Path
from typing import Any

import pytest
from page_server import Server

from seatrial.catalogue import entries
from seatrial.events import Place, RunStarted, SourceSeen
from seatrial.findings import Finding
from seatrial.history import Run
from seatrial.record import read
from seatrial.report.diffs import MENDS, Diff, diff_of, mended_text
from seatrial.rules import discover
from seatrial.verdict import judge

CORPUS = Path(__file__).parents[1] / "corpus" / "faults"
FILE = "/home/ada/train.py"
# One of each kind: put in, moved, taken out, an argument, a number. Run before and after.
RUN_AGAIN = (
    "loop.missing-zero-grad",
    "loop.scheduler-misplaced",
    "model.softmax-before-cross-entropy",
    "model.broadcast-in-loss",
    "model.unregistered-parameters",
    "optimisation.clipping-too-tight",
)


def found(name: str, source: str, *lines: int, message: str = "", **evidence: Any) -> tuple[Finding, Run]:
    """A finding that points at lines of a source, and the run that it is of."""
    run = Run.of([RunStarted("train.py", (), 0.0, "0", "3", "/home/ada"), SourceSeen(FILE, textwrap.dedent(source))])
    return Finding(name, "error", message, tuple(Place(FILE, line) for line in lines), evidence), run


def changed(diff: Diff | None) -> list[str]:
    assert diff is not None
    return [f"{line.sign}{line.text}" for line in diff.lines if line.sign in "+-"]


def test_every_mend_is_of_a_finding_in_the_catalogue() -> None:
    assert MENDS.keys() <= entries().keys()


# ---- the right line, and nothing else ----------------------------------------------------------------------------

LOOP = """\
    for epoch in range(3):
        for x, y in loader:
            loss = f(x, y)
            loss.backward()
            opt.step()
            schedule.step()
        print(loss)
    """


def test_a_call_is_put_in_where_it_belongs() -> None:
    diff = diff_of(*found("loop.missing-zero-grad", LOOP, 4, 5, steps_without_clearing=9))
    assert changed(diff) == ["+    opt.zero_grad()"]
    assert diff is not None
    assert [(line.sign, line.number) for line in diff.lines] == [(" ", 2), (" ", 3), ("+", 0), (" ", 4), (" ", 5)]


def test_a_step_that_is_made_now_and_then_is_followed_by_the_clearing() -> None:
    source = """\
    for i, (x, y) in enumerate(loader):
        f(x, y).backward()
        if i % 4 == 3:
            opt.step()
    """
    diff = diff_of(*found("loop.missing-zero-grad", source, 2, 4, steps_without_clearing=9))
    assert changed(diff) == ["+    opt.zero_grad()"]
    assert diff is not None
    assert diff.lines[-1].sign == "+"


def test_a_statement_moves_out_of_the_loop_over_batches_with_its_depth() -> None:
    figures = {"steps_of_the_schedule": 90, "steps_of_the_optimizer": 90}
    finding, run = found("loop.scheduler-misplaced", LOOP, 6, **figures)
    file, text = mended_text(finding, run) or ("", "")
    assert file == FILE
    assert text.splitlines()[4:] == ["        opt.step()", "    schedule.step()", "    print(loss)"]


@pytest.mark.parametrize(
    ("name", "line", "evidence", "mended"),
    [
        ("model.softmax-before-cross-entropy", "return F.softmax(self.f(x), dim=1)", {"made_by": "softmax"}, "return self.f(x)"),
        ("model.softmax-before-cross-entropy", "p = self.f(x).softmax(1)", {"made_by": "softmax"}, "p = self.f(x)"),
        ("model.softmax-before-cross-entropy", "p = nn.Softmax(dim=1)(z)", {"made_by": "softmax"}, "p = z"),
        ("model.softmax-before-cross-entropy", "self.act = nn.Softmax(dim=1)", {"made_by": "softmax"}, "self.act = nn.Identity()"),
        ("loop.unnormalised-accumulation", "loss.backward()", {"passes_a_step": 4}, "(loss / 4).backward()"),
        ("loop.retained-graph", "total += loss", {}, "total += loss.detach()"),
        ("loop.leaky-freeze", "p.require_grad = False  # frozen", {}, "p.requires_grad = False  # frozen"),
        ("model.detached-graph", "z = f(x).detach()", {"cut": ["detach"]}, "z = f(x)"),
        ("data.unshuffled-training-data", "l = DataLoader(d, batch_size=4,)", {}, "l = DataLoader(d, batch_size=4, shuffle=True,)"),
        ("data.unshuffled-training-data", "l = DataLoader(d, shuffle=False)", {}, "l = DataLoader(d, shuffle=True)"),
        ("optimisation.learning-rate-too-high", "LR = 3e0  # Größe", {"learning_rate": 3.0, "suggested_rate": 0.1}, "LR = 0.1  # Größe"),
        ("optimisation.clipping-too-tight", "clip(p, max_norm=0.001)", {"bound": 1e-3}, "clip(p, max_norm=1.0)"),
        ("optimisation.excessive-weight-decay", "o = SGD(p, 0.1, weight_decay=0.1 * 3, x=0.3)", {"weight_decay": 0.3}, "o = SGD(p, 0.1, weight_decay=0.1 * 3, x=0.0)"),
        ("model.unstable-numerics", "p = torch.log(F.softmax(s, dim=-1))", {"argument_min": 0.0}, "p = F.log_softmax(s, dim=-1)"),
        ("model.unstable-numerics", "d = torch.sqrt(a - b)", {"argument_min": 0.0}, "d = torch.sqrt((a - b) + 1e-8)"),
        ("model.wrong-gradient", "return g", {}, ""),
    ],
)  # fmt: skip
def test_an_expression_is_replaced_and_nothing_else(
    name: str, line: str, evidence: dict[str, Any], mended: str
) -> None:
    diff = diff_of(*found(name, f"# ä\n{line}\nrest = 1\n", 2, **evidence))
    assert (changed(diff) if diff else []) == ([f"-{line}", f"+{mended}"] if mended else [])


@pytest.mark.parametrize(
    ("name", "source", "lines", "evidence"),
    [
        ("model.output-activation", "for a in sizes:\n    layers += [nn.Linear(a, a), nn.ReLU()]\n", [2], {"activation": "relu"}),
        ("model.softmax-before-cross-entropy", "a, b = F.softmax(x, 1), F.softmax(y, 1)\n", [1], {"made_by": "softmax"}),
        ("loop.missing-optimizer-step", "loss.backward()\nif n % k == 0:\n    opt.step()\n", [2, 3, 1], {}),
        ("loop.missing-zero-grad", "x = 1; loss.backward(); opt.step()\n", [1], {"steps_without_clearing": 9}),
        ("loop.gradients-cleared-before-step", "def f():\n    opt.zero_grad()\nloss.backward()\nopt.step()\n", [2, 3, 4], {}),
        ("loop.weights-reset", "for e in r:\n    head.reset_parameters()\n", [2], {}),
        ("optimisation.learning-rate-too-high", "lr = 0.1 if a else 0.1\n", [1], {"learning_rate": 0.1, "suggested_rate": 0.01}),
        ("optimisation.learning-rate-too-high", "lr = float(s)\n", [1], {"learning_rate": 0.1, "suggested_rate": 0.01}),
        ("data.unshuffled-training-data", "l = DataLoader(d, shuffle=flag)\n", [1], {}),
        ("data.unshuffled-training-data", "l = DataLoader(d, **more)\n", [1], {}),
        ("loop.missing-zero-grad", "this is not Python\n", [1], {"steps_without_clearing": 9}),
        ("loop.missing-zero-grad", "opt.step()\n", [77], {"steps_without_clearing": 9}),
        ("loop.missing-zero-grad", "opt.step()\n", [], {"steps_without_clearing": 9}),
        ("loop.gradient-tracking-during-evaluation", "def f(x):\n    return net(x)\nloss = f(x)\nloss.backward()\n", [1], {}),
        ("model.wrong-gradient", "return g\n", [1], {}),
    ],
)  # fmt: skip
def test_what_does_not_have_the_expected_form_is_refused(
    name: str, source: str, lines: list[int], evidence: dict[str, Any]
) -> None:
    assert diff_of(*found(name, source, *lines, **evidence)) is None


@pytest.mark.parametrize(
    ("name", "source", "lines"),
    [
        ("loop.missing-zero-grad", LOOP, (4, 5)),
        ("loop.missing-zero-grad", "if now:\n    opt.step()", (2,)),
        ("loop.leaky-freeze", 'a = "\x85 \u2028"\np.require_grad = False', (2,)),
    ],
)
def test_a_diff_is_what_git_applies(name: str, source: str, lines: tuple[int, ...], tmp_path: Path) -> None:
    finding, run = found(name, source, *lines, steps_without_clearing=9)
    diff, text = diff_of(finding, run), mended_text(finding, run)
    assert diff is not None
    assert text is not None
    (tmp_path / "train.py").write_text(run.sources[FILE], newline="")
    subprocess.run(["git", "apply", "-p1", "-"], cwd=tmp_path, input=diff.patch, text=True, check=True)
    assert (tmp_path / "train.py").read_text() == text[1]


# ---- whole programs ----------------------------------------------------------------------------------------------


def test_on_the_corpus_a_mend_parses_and_touches_few_lines() -> None:
    """The programs and the lines of the corpus, with what its authors know of them as the finding."""
    given = 0
    for case in sorted(CORPUS.iterdir()):
        known = tomllib.loads((case / "case.toml").read_text())
        source = (case / "faulty.py").read_text()
        for name in known["causes"]:
            evidence = {"steps_without_clearing": 1, "made_by": "softmax", "cut": ["detach"], "count": 1}
            finding, run = found(name, source, *known["lines"], **evidence)
            mended = mended_text(finding, run)
            if mended is not None:
                given += 1
                ast.parse(mended[1])
                before, after = source.splitlines(), mended[1].splitlines()
                assert abs(len(after) - len(before)) <= 2
                assert sum(line not in before for line in after) <= 2
    assert given >= 12


@pytest.mark.slow
@pytest.mark.parametrize("name", RUN_AGAIN)
def test_a_program_that_is_mended_by_its_diff_no_longer_has_the_finding(
    name: str, server: Server, tmp_path: Path
) -> None:
    page = discover()[name].page
    faulty = re.findall(r"```python\n(.*?)```", page.split("## Faulty\n")[1].split("\n## ")[0], re.S)[0]
    for folder in ("before", "after"):
        (tmp_path / folder).mkdir()
    assert name in server.findings(faulty, tmp_path / "before")
    verdict = judge(read(tmp_path / "before" / "out"))
    finding = next(each for each in verdict.findings if each.name == name)
    _, text = mended_text(finding, verdict.run) or ("", "")
    assert name not in server.findings(text, tmp_path / "after")
