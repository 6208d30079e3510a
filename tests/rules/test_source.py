"""Where numbers and data come from, asked of small source texts. A comment `# <` marks the line that must be named
first, `# at` the call that is asked about."""

from __future__ import annotations

import textwrap

import pytest

from seatrial.events import Place
from seatrial.history import Run
from seatrial.rules.source import (
    assignments,
    attribute_assignment,
    call_at,
    enclosing_function,
    lineage,
    loops_around,
    names_near,
    origin,
    settings_of,
)

FILE = "/project/train.py"


def run_of(text: str, **others: str) -> Run:
    run = Run(())
    run.sources[FILE] = textwrap.dedent(text)
    for name, other in others.items():
        run.sources[f"/project/{name}.py"] = textwrap.dedent(other)
    return run


def marked(run: Run, mark: str) -> Place:
    """The place of the line that carries a mark."""
    for file, text in run.sources.items():
        for number, line in enumerate(text.splitlines(), 1):
            if line.endswith(mark):
                return Place(file, number)
    raise AssertionError(f"no line ends with {mark}")


def where(run: Run, argument: str) -> list[tuple[str, int]]:
    return [(place.file, place.line) for place in origin(run, marked(run, "# at"), argument)]


ORIGINS = {
    "literal": "opt = SGD(model.parameters(), lr=0.1)  # < # at",
    "positional": """
        rate = 0.1  # <
        opt = torch.optim.Adam(model.parameters(), rate)  # at
    """,
    "constant of the module, used in a function": """
        LR = 3.0  # <
        def main():
            opt = SGD(model.parameters(), lr=LR)  # at
        main()
    """,
    "option of argparse": """
        parser = argparse.ArgumentParser()
        parser.add_argument("--epochs", default=3)
        parser.add_argument("--learning-rate", "-l",
                            type=float,
                            default=10)  # <
        args = parser.parse_args()
        def build(args):
            return optim.SGD(net.parameters(), lr=args.learning_rate)  # at
        build(args)
    """,
    "option with a destination": """
        def options():
            parser = argparse.ArgumentParser()
            parser.add_argument("--rate", dest="lr", default=10)  # <
            return parser.parse_args()
        def main():
            args = options()
            opt = SGD(net.parameters(), args.lr)  # at
    """,
    "entry of a dictionary": """
        config = {
            "epochs": 3,
            "lr": 0.5,  # <
        }
        opt = Adam(net.parameters(), lr=config["lr"])  # at
    """,
    "nested entry with get": """
        config = {
            "model": {"lr": 7},
            "optim": {
                "lr": 0.5,  # <
            },
        }
        opt = Adam(net.parameters(), lr=config["optim"].get("lr", 0.1))  # at
    """,
    "entry set later": """
        config = dict(epochs=3)
        config["lr"] = 4.0  # <
        opt = Adam(net.parameters(), lr=config["lr"])  # at
    """,
    "unpacked settings": """
        settings = dict(
            lr=2.0,  # <
            momentum=0.9,
        )
        opt = SGD(net.parameters(), **settings)  # at
    """,
    "field of a dataclass": """
        @dataclass
        class Config:
            epochs: int = 3
            lr: float = 5.0  # <
        def main(cfg: Config):
            opt = SGD(net.parameters(), lr=cfg.lr)  # at
        main(Config())
    """,
    "field given at construction": """
        @dataclass
        class Config:
            epochs: int = 3
            lr: float = 0.1
        cfg = Config(
            epochs=4,
            lr=5.0,  # <
        )
        opt = SGD(net.parameters(), lr=cfg.lr)  # at
    """,
    "namespace": """
        hp = SimpleNamespace(
            lr=5.0,  # <
            width=3,
        )
        opt = SGD(net.parameters(), lr=hp.lr)  # at
    """,
    "class used as a record": """
        class Config:
            width = 3
            lr = 5.0  # <
        opt = SGD(net.parameters(), lr=Config.lr)  # at
    """,
    "record kept by a trainer": """
        class Config:
            lr = 5.0  # <
        class Trainer:
            def __init__(self, cfg):
                self.cfg = cfg
            def build(self):
                return SGD(self.net.parameters(), lr=self.cfg.lr)  # at
        Trainer(Config())
    """,
    "parameter's default": """
        class Trainer:
            def __init__(
                self,
                model,
                lr=3.0,  # <
            ):
                self.opt = SGD(model.parameters(), lr=lr)  # at
        Trainer(MLP())
    """,
    "parameter's call site": """
        class Trainer:
            def __init__(self, model, lr=0.01):
                self.lr = lr
            def build(self):
                self.opt = SGD(model.parameters(), lr=self.lr)  # at
        Trainer(MLP(),
                lr=3.0)  # <
    """,
    "inherited attribute": """
        class Base:
            rate = 3.0  # <
        class Trainer(Base):
            def build(self):
                return SGD(self.model.parameters(), lr=self.rate)  # at
    """,
    "scaled value": """
        base_lr = 3.0  # <
        opt = SGD(net.parameters(), lr=base_lr * batch_size)  # at
    """,
    "function's result": """
        def momentum_at(epoch):
            return 0.5 + 0.1 * epoch  # <
        for epoch in range(3):
            opt = SGD(net.parameters(), lr=0.1, momentum=momentum_at(epoch))  # at
    """,
    "group": """
        RATE = 1.0  # <
        opt = SGD([{"params": net.parameters(), "lr": RATE}])  # at
    """,
    "call over several lines": """
        opt = torch.optim.SGD(  # at
            net.parameters(),
            lr=4.0,  # <
        )
    """,
    "tuple": """
        steps, rate = 100, 4.0  # <
        opt = SGD(net.parameters(), lr=rate)  # at
    """,
    "option of click": """
        @click.command()
        @click.option("--lr", default=4.0)  # <
        def main(lr):
            opt = SGD(net.parameters(), lr=lr)  # at
        main()
    """,
    "text of a configuration": """
        cfg = yaml.safe_load('''
        epochs: 3
        lr: 4.0  # <
        ''')
        opt = SGD(net.parameters(), lr=cfg["lr"])  # at
    """,
    "partial": """
        make = functools.partial(SGD, lr=4.0)  # <
        opt = make(net.parameters())  # at
    """,
}


@pytest.mark.parametrize("text", ORIGINS.values(), ids=ORIGINS)
def test_the_literal_that_an_expert_would_change_comes_first(text: str) -> None:
    run = run_of(text)
    argument = "momentum" if "momentum=momentum_at" in text else "lr"
    expected = next(n for n, line in enumerate(run.sources[FILE].splitlines(), 1) if "# <" in line)
    found = where(run, argument)
    assert found[0] == (FILE, expected)
    assert (FILE, marked(run, "# at").line) in found


def test_a_value_from_another_file_is_followed() -> None:
    run = run_of(
        """
        from settings import LR
        opt = SGD(net.parameters(), lr=LR)  # at
        """,
        settings="LR = 3  # <",
    )
    assert where(run, "lr")[0] == ("/project/settings.py", 1)


def test_what_cannot_be_followed_gives_the_call() -> None:
    run = run_of("opt = SGD(net.parameters(), lr=unknown())  # at")
    assert where(run, "lr") == [(FILE, 1)]
    assert origin(run_of("opt = SGD(("), Place(FILE, 1), "lr") == (Place(FILE, 1),)
    assert origin(run, Place("/other.py", 1), "lr") == (Place("/other.py", 1),)


def test_recursion_ends() -> None:
    run = run_of(
        """
        def f(lr):
            lr = f(lr)
            return lr
        opt = SGD(net.parameters(), lr=f(f(1)))  # at
        """
    )
    assert where(run, "lr")


LINEAGE = """
    X, y = load()
    X = torch.tensor(X)  # made
    y = torch.tensor(y)  # labels
    other = torch.zeros(3)
    loader = DataLoader(TensorDataset(X, y), batch_size=4)  # loader
    def train(loader):
        for i, (xb, yb) in enumerate(loader):
            out = model(xb)  # at
    train(loader)
"""


def test_data_are_followed_back_by_their_names() -> None:
    run = run_of(LINEAGE)
    lines = [place.line for place in lineage(run, marked(run, "# at"), "xb")]
    assert marked(run, "# made").line in lines
    assert marked(run, "# loader").line in lines
    assert marked(run, "# labels").line not in lines
    assert marked(run, "# labels").line in [place.line for place in lineage(run, Place(FILE, 8), "yb")]


def test_data_are_followed_through_a_data_set_of_the_users() -> None:
    run = run_of(
        """
        class Waves(Dataset):
            def __init__(self, signals):
                self.signals = signals / 255  # scaled
            def __getitem__(self, i):
                return self.signals[i], i
        raw = np.load("waves.npy")  # made
        for xb, _ in DataLoader(Waves(raw)):
            model(xb)  # at
        """
    )
    lines = [place.line for place in lineage(run, marked(run, "# at"), "xb")]
    assert marked(run, "# scaled").line in lines
    assert marked(run, "# made").line in lines


def test_lines_are_understood() -> None:
    run = run_of(
        """
        class Net:
            def __init__(self):
                self.best = None
        def fit(loader):
            for epoch in range(3):
                for x, y in val_loader:
                    loss = criterion(
                        model(x),
                        y,
                    )
                for group in opt.param_groups:
                    group["momentum"] = 0.5 + 0.1 * epoch
        """
    )
    inner = Place(FILE, 9)
    assert [loop.targets for loop in loops_around(run, inner)] == [("epoch",), ("x", "y")]
    assert loops_around(run, inner)[1].iterable == "val_loader"
    assert getattr(enclosing_function(run, inner), "name", "") == "fit"
    assert [call.lineno for call in call_at(run, inner)] == [9, 8]
    assert "val_loader" in names_near(run, Place(FILE, 7))
    assert attribute_assignment(run, "Net", "best") == Place(FILE, 4, "__init__")
    assert [place.line for place in assignments(run, FILE, "loss")] == [8]
    assert settings_of(run, "momentum")[0].line == 13
