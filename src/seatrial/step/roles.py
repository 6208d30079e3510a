"""What the data leaves of a step are: inputs of the batch reach the loss through parameters, targets meet them at its end.

A leaf is an input if it is taken, as it is or transformed without parameters, together with parameters that have not met
data yet (a weight); or if what it meets goes on into such a call. It is a target if it only meets what the network has made
of other data and no weight comes after, or if a loss function takes it in the place of the target.
"""

from __future__ import annotations

from seatrial.step.capture import Call, Leaf, Origin, sources

# Loss functions that take (prediction, target, ...).
TARGET_SECOND = frozenset(
    "cross_entropy nll_loss nll_loss_nd mse_loss l1_loss smooth_l1_loss huber_loss binary_cross_entropy "
    "binary_cross_entropy_with_logits kl_div poisson_nll_loss gaussian_nll_loss multi_margin_loss soft_margin_loss "
    "multilabel_margin_loss multilabel_soft_margin_loss hinge_embedding_loss ctc_loss".split()
)


def assign(program: list[Origin]) -> dict[int, str]:
    """Roles of all leaves of a cut program, by the leaf's id(): parameter | buffer | input | target | constant | carried."""
    roles: dict[int, str] = {}
    data: dict[int, set[int]] = {}  # id(origin) -> leaves of data whose values it carries, untouched by parameters
    weights: set[int] = set()  # ids of origins that are parameters or are made of parameters alone
    touched: dict[int, set[int]] = {}  # id(origin) -> data leaves of any kind upstream
    votes: dict[int, set[str]] = {}
    later: dict[int, set[int]] = {}  # id(call) -> leaves that met activations there or upstream
    for origin in program:
        if isinstance(origin, Leaf):
            _classify(origin, roles, data, weights, touched)
            continue
        _meet(origin, data, weights, touched, votes, later)
    for leaf in program:
        if isinstance(leaf, Leaf) and roles.get(id(leaf)) == "data":
            said = votes.get(id(leaf), set())
            roles[id(leaf)] = "target" if "target" in said else "input" if "input" in said else "target"
            if not said and not leaf.info.shape:
                roles[id(leaf)] = "constant"
    return roles


def _classify(
    leaf: Leaf, roles: dict[int, str], data: dict[int, set[int]], weights: set[int], touched: dict[int, set[int]]
) -> None:
    key = id(leaf)
    if leaf.state == "parameter":
        roles[key] = "parameter"
        weights.add(key)
    elif leaf.state == "buffer":
        roles[key] = "buffer"
    elif leaf.carried:
        roles[key] = "carried"
        touched[key] = {key}
    elif not leaf.info.shape or all(size == 1 for size in leaf.info.shape):
        roles[key] = "constant"
    else:
        roles[key] = "data"
        data[key] = touched[key] = {key}


def _meet(
    call: Call,
    data: dict[int, set[int]],
    weights: set[int],
    touched: dict[int, set[int]],
    votes: dict[int, set[str]],
    later: dict[int, set[int]],
) -> None:
    taken = sources(call)
    origins = [id(out.origin) for out in taken]
    pure: set[int] = set().union(*(data.get(key, set()) for key in origins))
    all_data: set[int] = set().union(*(touched.get(key, set()) for key in origins))
    has_weight = any(key in weights for key in origins)
    has_activation = any(key in touched and key not in data for key in origins)
    met: set[int] = set().union(*(later.get(key, set()) for key in origins))
    if call.op in TARGET_SECOND and len(taken) > 1:
        for leaf in data.get(origins[1], set()) - data.get(origins[0], set()):
            votes.setdefault(leaf, set()).add("target")
    if has_weight:
        for leaf in pure | met:
            votes.setdefault(leaf, set()).add("input")
        met = set()
    elif has_activation:
        met = met | pure
    key = id(call)
    later[key] = met
    if all_data:
        touched[key] = all_data
        if not has_weight and not has_activation:
            data[key] = pure
    elif has_weight:
        weights.add(key)
