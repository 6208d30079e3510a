"""Canonical names of torch functions: one name however the user wrote the operation."""

from __future__ import annotations

from typing import Any

_SYNONYMS = {
    "__add__": "add",
    "__radd__": "add",
    "__iadd__": "add",
    "__sub__": "sub",
    "__isub__": "sub",
    "subtract": "sub",
    "__rsub__": "rsub",
    "__mul__": "mul",
    "__rmul__": "mul",
    "__imul__": "mul",
    "multiply": "mul",
    "__truediv__": "div",
    "__itruediv__": "div",
    "true_divide": "div",
    "divide": "div",
    "__rtruediv__": "rdiv",
    "__rdiv__": "rdiv",
    "__matmul__": "matmul",
    "__rmatmul__": "rmatmul",
    "__pow__": "pow",
    "__ipow__": "pow",
    "float_power": "pow",
    "__rpow__": "rpow",
    "__neg__": "neg",
    "negative": "neg",
    "__abs__": "abs",
    "absolute": "abs",
    "__float__": "item",
    "__int__": "item",
    "__bool__": "item",
    "__index__": "item",
    "__array__": "numpy",
    "clip": "clamp",
    "special_expit": "sigmoid",
    "special_log_softmax": "log_softmax",
    "special_softmax": "softmax",
    "special_logsumexp": "logsumexp",
    "concat": "cat",
    "concatenate": "cat",
    "_softmax": "softmax",
}
_OPERATORS = "lt le gt ge eq ne and or xor invert floordiv rfloordiv mod rmod getitem setitem".split()
_SYNONYMS.update({f"__{name}__": name for name in _OPERATORS} | {f"__r{name}__": name for name in ("and", "or", "xor")})

# Calls that may draw random numbers: the state of the generator is kept before them.
_RANDOM_WORDS = ("rand", "dropout", "normal", "bernoulli", "multinomial", "uniform", "poisson", "exponential", "gumbel")
_RANDOM_NAMES = frozenset(
    "lstm gru rnn_tanh rnn_relu rrelu multi_head_attention_forward scaled_dot_product_attention geometric cauchy "
    "log_normal random kaiming_uniform kaiming_normal xavier_uniform xavier_normal trunc_normal orthogonal sparse "
    "fractional_max_pool2d fractional_max_pool3d apply checkpoint".split()
)
_NORMALISATIONS = frozenset("normalize layer_norm batch_norm group_norm instance_norm rms_norm".split())


def full_name(function: Any) -> str:
    """The name under which a user would write a function, e.g. `torch.nn.functional.softmax`."""
    module = getattr(function, "__module__", None)
    name: str = getattr(function, "__name__", "") or type(function).__name__
    if name in ("__get__", "__set__"):
        owner = getattr(function, "__self__", None)
        return f"torch.Tensor.{getattr(owner, '__name__', '?')}.{name}"
    if module in (None, "torch._tensor", "torch._C"):
        return f"torch.Tensor.{name}"
    return f"{module}.{name}"


def canonical(name: str) -> tuple[str, bool]:
    """The canonical operation of a full name and whether it works in place."""
    parts = name.split(".")
    last = parts[-1]
    if last == "__get__":
        return parts[-2], False
    if last == "__set__":
        return f"set_{parts[-2]}", True
    inplace = last in ("__setitem__",) or (last.startswith("__i") and last in _SYNONYMS and last != "__invert__")
    known = _SYNONYMS.get(last)
    if known is not None:
        return known, inplace
    if last.endswith("_") and not last.endswith("__") and last != "requires_grad_":
        bare = last[:-1]
        return _SYNONYMS.get(bare, bare), True
    return last, inplace


def may_draw(op: str) -> bool:
    """Whether a canonical operation may draw random numbers."""
    if op.startswith("apply:") or op in _RANDOM_NAMES:
        return True
    return op not in _NORMALISATIONS and any(word in op for word in _RANDOM_WORDS)
