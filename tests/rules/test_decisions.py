"""What is decided by test data, asked of small source texts. A comment `# look` marks a line from which a model was called
after each round, `# step` one that stepped an optimizer, `# decides` one that is to be named first."""

from __future__ import annotations

import textwrap

import pytest

from seatrial.events import CallSeen, EvaluationPass, Event, Place, SourceSeen
from seatrial.findings import Finding
from seatrial.history import Run
from seatrial.rules import discover
from seatrial.rules.naming import part_named

FILE = "/project/train.py"
ROUNDS = 4


def run_of(
    text: str, fresh: bool = False, rounds: int = ROUNDS, calls: dict[int, list[tuple[int, ...]]] | None = None
) -> Run:
    """A run of a text whose marked lines were passed in each of some rounds. `fresh`: over other examples each time;
    `calls`: lines on the stack of a marked line, where those are known."""
    source = textwrap.dedent(text)
    events: list[Event] = [SourceSeen(FILE, source)]
    lines = list(enumerate(source.splitlines(), 1))
    events += [
        CallSeen(n, "step", 0, "SGD", Place(FILE, line)) for n, (line, words) in enumerate(lines) if "# step" in words
    ]
    events += [
        CallSeen(100 + line, "schedule", 0, "ReduceLROnPlateau", Place(FILE, line))
        for line, words in lines
        if "# plateau" in words
    ]
    for number in range(rounds):
        rows = tuple(range(1000 * number * fresh, 1000 * number * fresh + 50))
        for line, words in lines:
            if "# look" in words:
                for stack in (calls or {}).get(line, [()]):
                    around = tuple(Place(FILE, caller) for caller in stack)
                    events.append(_pass(10 * number + 10, line, rows, around))
    return Run.of(events)


def _pass(tick: int, line: int, rows: tuple[int, ...], callers: tuple[Place, ...]) -> EvaluationPass:
    return EvaluationPass(tick, 0, Place(FILE, line), 1, 50, 0.0, 0.0, {}, rows, callers=callers)


def said(run: Run) -> list[Finding]:
    rule = discover()["data.test-set-reuse"]
    return list(rule.check(run, rule.limits))


def decides(finding: Finding) -> list[str]:
    kinds = finding.evidence["decides"]
    assert isinstance(kinds, list)
    return [str(kind) for kind in kinds]


TRAIN = """
    def train():
        optimizer.step()  # step

    def score(inputs):
        return (model(inputs).argmax(1) == 1).float().mean().item()  # look
"""
DECIDING = {
    "checkpoint in a condition": (
        "which checkpoint is kept",
        """
        for epoch in range(9):
            train()
            acc = score(x_test)
            if acc > best:  # decides
                torch.save(model.state_dict(), "best.pt")
        """,
    ),
    "checkpoint by a flag": (
        "which checkpoint is kept",
        """
        for epoch in range(9):
            train()
            acc = score(x_test)
            better = not scores or acc > max(scores)
            if better:  # decides
                kept = copy.deepcopy(model)
        """,
    ),
    "patience in a counter": (
        "when training stops",
        """
        lowest, waited = 9.0, 0
        for epoch in range(9):
            train()
            error = score(x_test)
            waited = 0 if error < lowest else waited + 1
            lowest = min(lowest, error)
            if waited > 3:  # decides
                break
        """,
    ),
    "a goal that is reached": (
        "when training stops",
        """
        test_acc = 0.0
        while test_acc < 0.9:  # decides
            train()
            test_acc = score(x_test)
        """,
    ),
    "the schedule": (
        "the learning rate",
        """
        for epoch in range(9):
            train()
            figures = {"train": score(x_train), "test": score(x_test)}
            scheduler.step(figures["test"])  # plateau # decides
        """,
    ),
    "the best of a list": (
        "which of the scores counts as the result",
        """
        history = []
        for epoch in range(9):
            train()
            history.append((score(x_train), score(x_test)))
        print(max(pair[1] for pair in history))  # decides
        """,
    ),
    "a setting in a record": (
        "which setting is chosen",
        """
        results = []
        for width in (8, 16, 32):
            model = build(width)
            train()
            results.append({"width": width, "error": score(x_test)})
        winner = sorted(results, key=lambda each: each["error"])[0]  # decides
        """,
    ),
    "a setting by an index": (
        "which setting is chosen",
        """
        rates = [0.1, 0.01]
        def attempt(rate):
            train()
            return score(x_test)
        errors = [attempt(rate) for rate in rates]
        best_rate = rates[np.argmin(errors)]  # decides
        """,
    ),
    "a search of a library": (
        "which setting is chosen",
        """
        def objective(trial):
            train()
            return score(x_test)
        study.optimize(objective, n_trials=20)  # decides
        """,
    ),
    "a saved state that is read": (
        "which checkpoint is kept",
        """
        train()
        for path in paths:
            model.load_state_dict(torch.load(path))
            acc = score(x_test)
            if acc > best:  # decides
                best = acc
                shutil.copyfile(path, "best.pt")
        """,
    ),
    "the epoch of a fold": (
        "which of the scores counts as the result",
        """
        for train_rows, test_rows in folds:
            for epoch in range(9):
                train()
                acc = score(x[test_rows])
                best = max(best, acc)  # decides
        """,
    ),
    "a function that reports": (
        "which of the scores counts as the result",
        """
        def report(history):
            print("best", max(history["test"]))  # decides
        history = {"train": [], "test": []}
        for epoch in range(9):
            train()
            history["train"].append(score(x_train))
            history["test"].append(score(x_test))
        report(history)
        """,
    ),
    "an object of its own": (
        "which checkpoint is kept",
        """
        class Keeper:
            def __init__(self):
                self.best = 0.0
            def offer(self, value, model):
                if value > self.best:  # decides
                    self.best, self.kept = value, model.state_dict()
        keeper = Keeper()
        for epoch in range(9):
            train()
            keeper.offer(score(x_test), model)
        """,
    ),
}


@pytest.mark.parametrize(("kind", "text"), DECIDING.values(), ids=DECIDING.keys())
def test_a_decision_is_found_with_its_line(kind: str, text: str) -> None:
    run = run_of(textwrap.dedent(TRAIN) + textwrap.dedent(text))
    (finding,) = said(run)
    assert finding.severity == "warning"
    assert kind in decides(finding)
    assert "# decides" in run.line(finding.where[0])


@pytest.mark.parametrize(("kind", "text"), DECIDING.values(), ids=DECIDING.keys())
@pytest.mark.parametrize("name", ["x_val", "x_dev", "inputs"])
def test_the_same_decision_by_other_data_is_none(kind: str, text: str, name: str) -> None:
    renamed = text.replace("x_test", name).replace("test", "valid")
    train = TRAIN.replace("test", "valid")
    assert not said(run_of(textwrap.dedent(train) + textwrap.dedent(renamed) + "\n# the test data come last\n"))


@pytest.mark.parametrize(("kind", "text"), DECIDING.values(), ids=DECIDING.keys())
def test_examples_that_are_drawn_anew_are_no_test_set(kind: str, text: str) -> None:
    assert not said(run_of(textwrap.dedent(TRAIN) + textwrap.dedent(text), fresh=True))


HONEST = {
    "validation decides, a test score stands beside": """
        for epoch in range(9):
            train()
            val, test = score(x_val), score(x_test)
            if val > best:
                best, test_at_best = val, test
                torch.save(model.state_dict(), "best.pt")
    """,
    "validation decides by a history": """
        history = {"val": [], "test": []}
        for epoch in range(9):
            train()
            history["val"].append(score(x_val))
            history["test"].append(score(x_test))
        best = int(np.argmax(history["val"]))
        print(history["test"][best])
    """,
    "the name is used again": """
        for epoch in range(9):
            train()
            acc = score(x_val)
            if acc > best:
                best = acc
            acc = score(x_test)
            print(acc)
    """,
    "a guard against infinity": """
        for epoch in range(9):
            train()
            loss = score(x_test)
            if not math.isfinite(loss):
                break
    """,
    "a limit of a drawing": """
        losses = []
        for epoch in range(9):
            train()
            losses.append(score(x_test))
        axes.set_ylim(0, max(losses))
    """,
    "folds": """
        scores = []
        for fold in folds:
            train()
            scores.append(score(x_test))
        print("best fold", max(scores))
    """,
    "a model is called a test model": """
        def evaluate(network, loader):
            return sum(network(batch).sum() for batch in loader)  # look
        for epoch in range(9):
            train()
            acc = evaluate(test_model, loader)
            if acc > best:
                torch.save(model.state_dict(), "best.pt")
    """,
    "two objects of a class follow two parts": """
        class Tracker:
            def __init__(self):
                self.rows = []
            def add(self, epoch, value):
                self.rows.append((epoch, value))
            def best(self):
                return max(self.rows, key=lambda row: row[1])
        val_tracker, test_tracker = Tracker(), Tracker()
        for epoch in range(9):
            train()
            val_tracker.add(epoch, score(x_val))
            test_tracker.add(epoch, score(x_test))
        print(val_tracker.best())
    """,
    "the score is called one of validation": """
        for epoch in range(9):
            train()
            val_acc = score(x_test)
            if val_acc > best:
                torch.save(model.state_dict(), "best.pt")
    """,
}


@pytest.mark.parametrize("text", HONEST.values(), ids=HONEST.keys())
def test_what_decides_nothing_is_at_most_a_note(text: str) -> None:
    assert {finding.severity for finding in said(run_of(textwrap.dedent(TRAIN) + textwrap.dedent(text)))} <= {"note"}


def test_other_test_data_that_are_left_for_the_end_make_it_a_note() -> None:
    text = textwrap.dedent(TRAIN) + textwrap.dedent("""
        for epoch in range(9):
            train()
            acc = score(x_test)
            if acc > best:
                torch.save(model.state_dict(), "best.pt")
        print(model(x_holdout))
    """)
    run = run_of(text)
    last = len(text.splitlines())
    assert said(run)[0].severity == "warning"
    after = _pass(10 * ROUNDS, last, tuple(range(5000, 5050)), ())
    assert said(Run.of([*run.events, after]))[0].severity == "note"
    the_same = _pass(10 * ROUNDS, last, tuple(range(50)), ())
    assert said(Run.of([*run.events, the_same]))[0].severity == "warning"


LOOKED_AT = textwrap.dedent(TRAIN) + textwrap.dedent("""
    for epoch in range(9):
        train()
        print(score(x_test))
""")


def test_looks_that_are_only_reported_are_a_note_with_their_line_and_number() -> None:
    run = run_of(LOOKED_AT)
    (finding,) = said(run)
    assert finding.severity == "note"
    assert "decides nothing" in finding.message
    assert finding.evidence["looks"] == ROUNDS
    assert finding.evidence["lines"] == [f"train.py:{finding.where[0].line} ({ROUNDS})"]


@pytest.mark.parametrize("rounds", [1, 2])
def test_one_look_or_two_are_nothing(rounds: int) -> None:
    assert not said(run_of(LOOKED_AT, rounds=rounds))


def test_a_line_that_serves_two_parts_is_told_apart_by_who_called_it() -> None:
    text = textwrap.dedent("""
        def train():
            optimizer.step()  # step

        def score(loader):
            return sum(model(batch).sum() for batch in loader)  # look

        def fit(loader):
            for epoch in range(9):
                train()
                if score(loader) > best:
                    torch.save(model.state_dict(), "best.pt")

        fit(val_loader)
        print(score(test_loader))
    """)
    look, fitting, last = 6, (11, 14), (15,)
    assert not said(run_of(text, calls={look: [fitting]}))
    assert {finding.severity for finding in said(run_of(text, calls={look: [fitting, last]}))} == {"note"}
    (finding,) = said(run_of(text.replace("fit(val_loader)", "fit(test_loader)"), calls={look: [fitting]}))
    assert finding.severity == "warning"


# What is written in two letters, asked for by a key, unpacked or put in order: the text, then what is said of it ("" for nothing).
FOLLOWED = {
    "two letters beside their counterpart": (
        "warning",
        """
        X_tr, X_te = split(X)
        for epoch in range(9):
            train()
            error = score(X_te)
            if error < lowest:
                kept = copy.deepcopy(model)
        """,
    ),
    "two letters in a loader's name": (
        "warning",
        """
        tr_loader, te_loader = DataLoader(a), DataLoader(b)
        for epoch in range(9):
            train()
            scheduler.step(score(te_loader))  # plateau
        """,
    ),
    "two letters without a counterpart": (
        "",
        """
        X_te = split(X)
        for epoch in range(9):
            train()
            if score(X_te) < lowest:
                kept = copy.deepcopy(model)
        """,
    ),
    "an echo time beside a repetition time": (
        "",
        """
        tr, te = sequence(X)
        for epoch in range(9):
            train()
            if score(te) < lowest:
                kept = copy.deepcopy(model)
        """,
    ),
    "two letters of validation decide, of test are told": (
        "",
        """
        X_tr, X_va, X_te = split(X)
        for epoch in range(9):
            train()
            error, told = score(X_va), score(X_te)
            if error < lowest:
                kept = copy.deepcopy(model)
        """,
    ),
    "a key that an object was made with": (
        "warning",
        """
        class Loop:
            def __init__(self, parts, follow="val"):
                self.parts, self.follow = parts, follow
            def fit(self):
                for epoch in range(9):
                    train()
                    if score(self.parts[self.follow]) > best:
                        torch.save(model.state_dict(), "best.pt")
        Loop(parts, follow="test").fit()
        """,
    ),
    "a key in a settings class": (
        "warning",
        """
        @dataclass
        class Settings:
            epochs: int = 9
            split: str = "test"
        def fit(settings):
            for epoch in range(9):
                train()
                if score(parts[settings.split]) > best:
                    torch.save(model.state_dict(), "best.pt")
        fit(Settings(epochs=4))
        """,
    ),
    "a key in a constant, to named data": (
        "warning",
        """
        FOLLOW = "second"
        parts = {"first": x_val, "second": x_test}
        for epoch in range(9):
            train()
            if score(parts[FOLLOW]) > best:
                torch.save(model.state_dict(), "best.pt")
        """,
    ),
    "another key than the preset one": (
        "",
        """
        class Loop:
            def __init__(self, parts, follow="test"):
                self.parts, self.follow = parts, follow
            def fit(self):
                for epoch in range(9):
                    train()
                    if score(self.parts[self.follow]) > best:
                        torch.save(model.state_dict(), "best.pt")
        Loop(parts, follow="val").fit()
        """,
    ),
    "another key in a settings class": (
        "",
        """
        @dataclass
        class Settings:
            split: str = "test"
        def fit(settings):
            for epoch in range(9):
                train()
                if score(parts[settings.split]) > best:
                    torch.save(model.state_dict(), "best.pt")
        fit(Settings(split="val"))
        """,
    ),
    "a key that differs from object to object": (
        "",
        """
        class Loop:
            def __init__(self, parts, follow="test"):
                self.parts, self.follow = parts, follow
            def fit(self):
                for epoch in range(9):
                    train()
                    if score(self.parts[self.follow]) > best:
                        torch.save(model.state_dict(), "best.pt")
        Loop(parts).judge()
        Loop(parts, follow="val").fit()
        """,
    ),
    "data that differ from object to object": (
        "",
        """
        class Loop:
            def __init__(self, inputs):
                self.inputs = inputs
            def fit(self):
                for epoch in range(9):
                    train()
                    if score(self.inputs) > best:
                        torch.save(model.state_dict(), "best.pt")
        Loop(x_test).judge()
        Loop(x_val).fit()
        """,
    ),
    "a score that is asked for by a key": (
        "warning",
        """
        class Keeper:
            def __init__(self, follow):
                self.follow = follow
            def offer(self, scores):
                if scores[self.follow] > self.best:
                    self.kept = copy.deepcopy(model)
        keeper = Keeper("last")
        for epoch in range(9):
            train()
            keeper.offer({"first": score(x_val), "last": score(x_test)})
        """,
    ),
    "the other score, by a key": (
        "",
        """
        class Keeper:
            def __init__(self, follow):
                self.follow = follow
            def offer(self, scores):
                if scores[self.follow] > self.best:
                    self.kept = copy.deepcopy(model)
        keeper, other = Keeper("first"), Keeper("last")
        for epoch in range(9):
            train()
            keeper.offer({"first": score(x_val), "last": score(x_test)})
        """,
    ),
    "a key that replaces the preset one": (
        "warning",
        """
        @dataclass
        class Settings:
            split: str = "val"
        def fit(settings):
            for epoch in range(9):
                train()
                if score(parts[settings.split]) > best:
                    torch.save(model.state_dict(), "best.pt")
        fit(Settings(split="test"))
        """,
    ),
    "an attribute by its name": (
        "warning",
        """
        def fit(parts, follow="test"):
            for epoch in range(9):
                train()
                if score(getattr(parts, follow)) > best:
                    torch.save(model.state_dict(), "best.pt")
        fit(parts)
        """,
    ),
    "a part that is loaded": (
        "warning",
        """
        def fit(follow):
            followed = load("letters", split=follow)
            for epoch in range(9):
                train()
                if score(followed) > best:
                    torch.save(model.state_dict(), "best.pt")
        fit("test")
        """,
    ),
    "an attribute by another name": (
        "",
        """
        def fit(parts, follow="test"):
            for epoch in range(9):
                train()
                if score(getattr(parts, follow)) > best:
                    torch.save(model.state_dict(), "best.pt")
        fit(parts, "val")
        """,
    ),
    "another part that is loaded": (
        "",
        """
        def fit(follow="test"):
            followed = load("letters", split=follow)
            for epoch in range(9):
                train()
                if score(followed) > best:
                    torch.save(model.state_dict(), "best.pt")
        fit(follow="dev")
        """,
    ),
    "a key that a loop goes through": (
        "",
        """
        for epoch in range(9):
            train()
            for part in ("val", "test"):
                scores[part] = score(parts[part])
            if scores["val"] > best:
                torch.save(model.state_dict(), "best.pt")
        """,
    ),
    "a threshold by unpacked data": (
        "warning",
        """
        def chances(network, inputs, codes):
            return network(inputs, codes)  # look
        def cutoff(chance, labels):
            grid = np.linspace(0, 1, 50)
            return grid[int(np.argmax([f1(labels, chance > each) for each in grid]))]
        train()
        found = cutoff(chances(model, *test[:2]), test[2])
        """,
    ),
    "a threshold by a key": (
        "warning",
        """
        train()
        chance = model(x_test)  # look
        cutoff = max(np.linspace(0, 1, 50), key=lambda each: f1(y_test, chance > each))
        """,
    ),
    "a threshold by a key of a name": (
        "warning",
        """
        train()
        chance = model(x_test)  # look
        def quality(cutoff):
            return f1(y_test, chance > cutoff)
        grid = [0.1, 0.3, 0.5, 0.7]
        print("best cutoff", max(grid, key=quality))
        """,
    ),
    "a threshold by a record": (
        "warning",
        """
        train()
        chance = model(x_test)  # look
        scores = {each: f1(y_test, chance > each) for each in np.arange(0.1, 0.9, 0.1)}
        cutoff = max(scores, key=scores.get)
        """,
    ),
    "a threshold by a search": (
        "warning",
        """
        train()
        chance = model(x_test)  # look
        found = minimize_scalar(lambda each: -f1(y_test, chance > each), bounds=(0, 1))
        """,
    ),
    "a threshold by a key, of validation data": (
        "",
        """
        train()
        chance = model(x_val)  # look
        cutoff = max(np.linspace(0, 1, 50), key=lambda each: f1(y_val, chance > each))
        print(f1(y_test, model(x_test) > cutoff))
        """,
    ),
    "the class by a key": (
        "note",
        """
        train()
        chance = model(x_test)  # look
        likeliest = max(classes, key=lambda each: chance[each])
        """,
    ),
    "scores over a grid that are all told": (
        "note",
        """
        train()
        chance = model(x_test)  # look
        for cutoff in np.linspace(0, 1, 50):
            print(cutoff, f1(y_test, chance > cutoff))
        """,
    ),
    "a checkpoint by unpacked data": (
        "warning",
        """
        def error(inputs, labels):
            return (model(inputs) - labels).abs().mean()  # look
        pair = (x_test, y_test)
        for epoch in range(9):
            train()
            if error(*pair) < lowest:
                kept = copy.deepcopy(model)
        """,
    ),
    "a threshold by unpacked validation data": (
        "",
        """
        def chances(network, inputs, codes):
            return network(inputs, codes)  # look
        def cutoff(chance, labels):
            grid = np.linspace(0, 1, 50)
            return grid[int(np.argmax([f1(labels, chance > each) for each in grid]))]
        train()
        found = cutoff(chances(model, *val[:2]), val[2])
        print(f1(chances(model, *test[:2]) > found, test[2]))
        """,
    ),
    "unpacked parts of which the second is looked at": (
        "",
        """
        def fit(others, inputs):
            for epoch in range(9):
                train()
                if score(inputs) > best:
                    torch.save(model.state_dict(), "best.pt")
        pair = (x_test, x_val)
        fit(*pair)
        """,
    ),
    "the first of a list that was put in order": (
        "warning",
        """
        results = []
        for width in (8, 16, 32):
            train()
            results.append((score(x_test), width))
        results.sort(key=lambda each: each[0], reverse=True)
        chosen = results[0]
        """,
    ),
    "some of a ranking": (
        "warning",
        """
        errors, nets = [], []
        for width in (8, 16, 32):
            train()
            errors.append(score(x_test))
        order = np.argsort(errors)
        kept = [nets[each] for each in order[:2]]
        """,
    ),
    "the largest ones": (
        "warning",
        """
        results = []
        for width in (8, 16, 32):
            train()
            results.append((score(x_test), width))
        kept = heapq.nlargest(2, results, key=lambda each: each[0])
        """,
    ),
    "a list in order that is only told": (
        "note",
        """
        results = []
        for width in (8, 16, 32):
            train()
            results.append((score(x_test), width))
        results.sort(key=lambda each: each[0])
        for error, width in results:
            print(width, error)
        """,
    ),
    "the first of a list in order are only told": (
        "note",
        """
        results = []
        for width in (8, 16, 32):
            train()
            results.append((score(x_test), width))
        results.sort(key=lambda each: each[0])
        for error, width in results[:2]:
            print(width, error)
        """,
    ),
    "the smallest by a part": (
        "warning",
        """
        results = []
        for width in (8, 16, 32):
            train()
            results.append((score(x_train), score(x_test), width))
        chosen = min(results, key=itemgetter(1))
        """,
    ),
    "the smallest by another part": (
        "",
        """
        results = []
        for width in (8, 16, 32):
            train()
            results.append((score(x_train), score(x_test), width))
        chosen = min(results, key=itemgetter(0))
        """,
    ),
    "a range": (
        "note",
        """
        scores = []
        for width in (8, 16, 32):
            train()
            scores.append(score(x_test))
        ranked = sorted(scores)
        low, high = ranked[0], ranked[-1]
        """,
    ),
    "a median": (
        "note",
        """
        scores = []
        for width in (8, 16, 32):
            train()
            scores.append(score(x_test))
        scores.sort()
        middle = scores[len(scores) // 2]
        """,
    ),
    "an order by the setting": (
        "note",
        """
        results = []
        for width in widths:
            train()
            results.append((score(x_test), width))
        results.sort(key=lambda each: each[1])
        smallest = results[0]
        """,
    ),
}


@pytest.mark.parametrize(("severity", "text"), FOLLOWED.values(), ids=FOLLOWED.keys())
def test_data_are_known_by_the_way_on_which_they_came(severity: str, text: str) -> None:
    own = "" if "# look" in text else "def score(inputs):\n    return model(inputs).mean().item()  # look\n"
    run = run_of("def train():\n    optimizer.step()  # step\n" + own + textwrap.dedent(text))
    assert [finding.severity for finding in said(run)] == ([severity] if severity else [])


MEMBERS = """
def train():
    optimizer.step()  # step
def score(network, inputs):
    return network(inputs).mean().item()  # look
committee = []
for member in range(4):
    network = build()
    train()
    committee.append((score(network, x_test), network))
committee.sort(key=lambda each: each[0])
chosen = [network for _, network in committee[:2]]
print(score(chosen[0], x_test))
"""


@pytest.mark.parametrize(
    ("later", "severity"),
    [
        ([], "note"),  # nothing is made of the choice
        ([(0, 0)], "warning"),  # the first network is looked at again, by the same examples
        ([(0, 5000)], "note"),  # by others
        ([(7, 0)], "note"),  # a network that is none of them
    ],
)
def test_networks_that_differ_by_chance_are_chosen_if_they_are_looked_at_again(
    later: list[tuple[int, int]], severity: str
) -> None:
    look, first, again = 5, 10, 13
    ticks = enumerate([*((member, 0, first) for member in range(4)), *((*each, again) for each in later)])
    looks = [
        EvaluationPass(
            10 * at + 10, model, Place(FILE, look), 1, 50, 0.0, 0.0, {}, tuple(range(start, start + 50)),
            callers=(Place(FILE, line),),
        )
        for at, (model, start, line) in ticks
    ]  # fmt: skip
    (finding,) = said(Run.of([*run_of(MEMBERS, rounds=0).events, *looks]))
    assert finding.severity == severity
    assert ("each looks once" in finding.message) == (severity == "note")


def test_a_threshold_is_a_setting() -> None:
    (finding,) = said(run_of(FOLLOWED["a threshold by unpacked data"][1]))
    assert decides(finding) == ["which setting is chosen"]


@pytest.mark.parametrize(("name", "severity"), [("x_test", "warning"), ("x_val", "")])
def test_data_are_known_that_a_constructor_kept_before_the_look(name: str, severity: str) -> None:
    text = textwrap.dedent(f"""
        def train():
            optimizer.step()  # step
        class Loop:
            def __init__(self, inputs):
                self.inputs = inputs
            def score(self):
                return model(self.inputs).mean().item()  # look
            def fit(self):
                for epoch in range(9):
                    train()
                    if self.score() > best:
                        torch.save(model.state_dict(), "best.pt")
        loop = Loop({name})
        loop.fit()  # the test data
    """)
    run = run_of(text, calls={8: [(12, 15)]})
    assert [finding.severity for finding in said(run)] == ([severity] if severity else [])


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("x_test", "test"),
        ("testLoader", "test"),
        ("XTest", "test"),
        ("held_out", "test"),
        ("holdout_set", "test"),
        ("latest", ""),
        ("contest_scores", ""),
        ("attested", ""),
        ("valid_loss", "val"),
        ("dev_set", "val"),
        ("device", ""),
        ("value", ""),
        ("train_test_split", ""),
        ("dev_test", ""),
        ("trainset", "train"),
    ],
)
def test_names_say_which_part_of_the_data_is_meant(name: str, part: str) -> None:
    assert part_named(name) == part
