"""Small hand-made steps for tests of rules: leaves and calls are added one by one, each on a line of its own.

step = Step()
x, y = step.input(8, 20), step.target(8, dtype="int64")
logits = step.call("linear", x, step.parameter(10, 20), shape=(8, 10))
loss = step.call("cross_entropy", step.call("softmax", logits, dim=1), y, shape=())
run = step.run(loss)
"""

from __future__ import annotations

from collections.abc import Iterable

from seatrial.events import Argument, Event, GraphSeen, Node, Place, Ref, TensorInfo
from seatrial.history import Run

FILE = "/project/train.py"


class Step:
    """A step under construction. Every node is on its own line of `train.py`, from 1 upwards."""

    def __init__(self) -> None:
        self.nodes: list[Node] = []

    def leaf(self, role: str, *shape: int, dtype: str = "float32", name: str = "", **known: float) -> Ref:
        """A leaf; `known` are its stats (min=..., max=...)."""
        info = TensorInfo(shape, dtype, role == "parameter")
        return self._add(Node(len(self.nodes), "leaf", "", (), {}, (info,), role=role, name=name, stats=known))

    def input(self, *shape: int, dtype: str = "float32", **known: float) -> Ref:
        return self.leaf("input", *shape, dtype=dtype, **known)

    def target(self, *shape: int, dtype: str = "float32", **known: float) -> Ref:
        return self.leaf("target", *shape, dtype=dtype, **known)

    def parameter(self, *shape: int, name: str = "model.weight") -> Ref:
        return self.leaf("parameter", *shape, name=name)

    def call(
        self,
        op: str,
        *args: Argument,
        shape: tuple[int, ...] | None = None,
        stats: dict[str, float] | None = None,
        module: str = "",
        module_type: str = "",
        chain: tuple[Place, ...] = (),
        gradient: bool | None = None,
        **kwargs: Argument,
    ) -> Ref:
        """A call of a torch function; its shape is that of its first argument unless given."""
        sources = [self.nodes[arg.node].outputs[0] for arg in args if isinstance(arg, Ref)]
        outer = shape if shape is not None else sources[0].shape
        wants = any(source.requires_grad for source in sources) if gradient is None else gradient
        where = Place(FILE, len(self.nodes) + 1, "forward")
        return self._add(
            Node(
                len(self.nodes),
                op,
                f"torch.{op}",
                args,
                kwargs,
                (TensorInfo(outer, "float32", wants),),
                stats=stats or {},
                where=where,
                chain=(where, *chain),
                module=module,
                module_type=module_type,
            )
        )

    def line(self, ref: Ref) -> int:
        """The line of a node."""
        return ref.node + 1

    def seen(self, loss: Ref, *predictions: Ref, kind: str = "training", value: float = 1.0) -> GraphSeen:
        place = self.nodes[loss.node].where
        return GraphSeen(0, kind, 0, 0, tuple(self.nodes), (loss,), predictions, value, place, kind == "training")

    def run(self, loss: Ref, *predictions: Ref, also: Iterable[Event] = ()) -> Run:
        return Run.of([*also, self.seen(loss, *predictions)])

    def _add(self, node: Node) -> Ref:
        self.nodes.append(node)
        return Ref(node.index)
