"""Hears modules: their construction, calls from outside of any other module, changes of mode, clearing of gradients."""

from __future__ import annotations

import dis
import sys
import weakref
from collections.abc import Callable
from threading import get_ident
from types import CodeType, FrameType, FunctionType
from typing import Any

import torch
from torch import is_grad_enabled, nn
from torch.compiler import is_compiling
from torch.nn.modules.loss import _Loss

from seatrial.events import WRAPPERS, WrapperBuilt
from seatrial.measure.batches import sketch
from seatrial.places import chain, is_users, place_of, user_frame
from seatrial.step.unheard import Unheard
from seatrial.taps.autograd import within_backward
from seatrial.taps.evaluation import EvaluationLog
from seatrial.taps.guarding import guarded
from seatrial.taps.identities import Ids
from seatrial.taps.models import Models
from seatrial.taps.recording import Recording
from seatrial.taps.sketches import send_batch
from seatrial.taps.watch import Watch


def install(watch: Watch, recording: Recording, models: Models, log: EvaluationLog) -> None:
    """Listen to `nn.Module`."""
    global _caller
    before, _caller = _caller, _Caller(watch, recording, models, log)
    if before is not None and before.watch.patches.in_force:  # a task is on trial in a program that is watched
        watch.at_finish.append(lambda: _give_back(before))
    watch.patches.wrap(nn.Module, "__init__", lambda original: _make_init(original, watch, models))
    _caller.install()
    watch.patches.wrap(nn.Module, "train", lambda original: _make_train(original, watch, recording))
    watch.patches.wrap(nn.Module, "zero_grad", lambda original: _make_zero_grad(original, watch, recording))
    if hasattr(torch, "compile"):
        watch.patches.wrap(torch, "compile", lambda original: _make_compile(original, watch, recording))


def _make_init(original: Callable[..., None], watch: Watch, models: Models) -> Callable[..., None]:
    def constructed(module: nn.Module, frame: FrameType) -> None:
        places = chain(_caller_of_constructor(module, frame), 5)
        models.places.note(module, places)
        if type(module).__name__ in WRAPPERS:
            where = watch.source(places[0]) if places else None
            watch.send(WrapperBuilt(watch.tick, type(module).__name__, where))

    note = guarded(watch, "the construction of a module", constructed)

    def __init__(self: nn.Module, *args: Any, **kwargs: Any) -> None:  # noqa: N807
        original(self, *args, **kwargs)
        if watch.on:
            note(self, sys._getframe(1))

    return __init__


def _caller_of_constructor(module: nn.Module, frame: FrameType | None) -> FrameType | None:
    """The frame that constructs a module: beyond the `__init__` of its own class, which calls `super().__init__()`."""
    frame = user_frame(frame)
    while frame is not None and frame.f_code.co_name == "__init__" and frame.f_code.co_argcount:
        if frame.f_locals.get(frame.f_code.co_varnames[0]) is not module:
            break
        frame = user_frame(frame.f_back)
    return frame


class _Caller:
    """Calls of modules. Only the outermost costs anything, but while a step is recorded.

    While a model runs and no step is recorded, our function in the place of `nn.Module.__call__` carries torch's own code,
    so that the many calls within cost what they cost without us: one Python function more takes half a microsecond within a
    step, and the modules of a small transformer are called thirty times in each.
    """

    def __init__(self, watch: Watch, recording: Recording, models: Models, log: EvaluationLog) -> None:
        self.watch = watch
        self.recording = recording
        self.models = models
        self.log = log
        self.depth = 0
        self.root = -1
        self.stateless = Ids()
        # By id(module) and the instruction that called it while it trained and nothing was looked at: the module, the code that
        # the instruction belongs to, the number of the module and that of the call. Empty while a step is recorded.
        self.calls_known: dict[tuple[int, int], tuple[weakref.ref[nn.Module], CodeType, int, int]] = {}

    def install(self) -> None:
        self.watch.patches.wrap(nn.Module, "__call__", self._make)
        self.function: Any = vars(nn.Module)["__call__"]
        self.heard: CodeType = self.function.__code__
        self.quiet = self.original.__code__ if _stands_alone(self.original) else self.heard
        self.recording.at_start.append(self._hear)

    def _hear(self) -> None:
        """A step is recorded from now on, perhaps from within a model: its further calls are heard."""
        self.function.__code__ = self.heard
        self.calls_known.clear()  # what is recorded may show that the result of such a call is not used

    def _make(self, original: Callable[..., Any]) -> Callable[..., Any]:
        self.original: Any = original

        # No variables of functions around: torch's code, which takes its place, has none.
        def __call__(module: nn.Module, /, *args: Any, **kwargs: Any) -> Any:  # noqa: N807
            caller = _caller
            if is_compiling():
                return caller.original(module, *args, **kwargs)
            if caller.depth:
                recorder = caller.recording.recorder
                if recorder is None or recorder.inert or get_ident() != caller.watch.thread:
                    return caller.original(module, *args, **kwargs)
                recorder.modules.append((caller.models.path_of(caller.root, module), type(module).__name__, module))
                try:
                    return caller.original(module, *args, **kwargs)
                finally:
                    recorder.modules.pop()
            if isinstance(module, _Loss) or not caller.watch.hears() or within_backward():
                return caller.original(module, *args, **kwargs)
            frame = sys._getframe(1)
            model = caller.usual_call(module, frame)
            if model is None:
                if caller.watch.models.get(module) is None and not caller.is_model(module):
                    return caller.original(module, *args, **kwargs)
                return caller.call_root(module, args, kwargs, frame)
            try:
                caller.depth, caller.root = 1, model
                caller.function.__code__ = caller.quiet
                return caller.original(module, *args, **kwargs)
            finally:
                caller.function.__code__ = caller.heard
                caller.depth = 0

        return __call__

    def usual_call(self, module: nn.Module, frame: FrameType) -> int | None:
        """Note a training call from a line that was met before, where nothing else is to be done: the number of the model;
        None where there is more to it."""
        known = self.calls_known.get((id(module), frame.f_lasti))
        if known is None:
            return None
        own, code, model, call = known
        if code is not frame.f_code or own() is not module or self.recording.awaited:
            return None
        if not is_grad_enabled() or not module.training:
            return None
        self.log.end()
        self.watch.turns.note(call)
        return model

    def call_root(self, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], frame: Any) -> Any:
        """A module is called from outside of any other."""
        grad, training = torch.is_grad_enabled(), getattr(module, "training", True)
        evaluating, alone, model, call = False, False, -1, -1
        recorder = self.recording.recorder
        try:
            if recorder is not None:
                recorder.inert = True
            with Unheard():
                place = place_of(frame)
                model = self.models.see(module, place)
                detail = ("train" if training else "eval") + (" grad" if grad else " no_grad")
                call = self.watch.call("forward", model, detail, place)
                begins = grad and training and self.recording.training_begins()
                if begins and (recorder := self.recording.recorder) is not None:
                    recorder.inert = True
                evaluating = not (grad and training) or (self._unused(model, call) and not begins)
                if evaluating and grad and training is False and call in self.recording.steps.used_forwards:
                    evaluating = False
                if not evaluating:
                    self.recording.resume()
                    if (recorder := self.recording.recorder) is not None:
                        recorder.inert = True
                self._note(model, module, evaluating, training, grad, args, kwargs, frame)
            usual = (
                grad and training and not evaluating and self.recording.recorder is None and not self.watch.sketching
            )
            if usual and is_users(frame.f_code.co_filename):
                known = (weakref.ref(module), frame.f_code, model, call)
                self.calls_known[id(module), frame.f_lasti] = known
            if recorder is not None:
                recorder.inert = False
            alone = self.recording.root_enters(model, call, evaluating)
            recorder = self.recording.recorder
        except Exception as error:
            self.watch.not_looked_at("a call of a model", f"{type(error).__name__}: {error}")
        self.depth, self.root = 1, model
        if recorder is not None:
            recorder.modules.append((self.models.path_of(model, module), type(module).__name__, module))
        else:
            self.function.__code__ = self.quiet
        try:
            result = self.original(module, *args, **kwargs)
        finally:
            self.function.__code__ = self.heard
            self.depth = 0
            if recorder is not None:
                recorder.modules.pop()
                if alone and sys.exc_info()[0] is not None:
                    self.recording.stop()
        if recorder is not None:
            self.recording.root_leaves(model, call, result, evaluating, alone, frame)
        return result

    def is_model(self, module: nn.Module) -> bool:
        """Whether a module that was not met before has anything to learn or to keep (a loss function has not)."""
        if self.stateless.get(module) is not None:
            return False
        if next(module.parameters(), None) is None and next(module.buffers(), None) is None:
            self.stateless.of(module)
            return False
        return True

    def _unused(self, model: int, call: int) -> bool:
        """Whether the result of such a forward was never in a step that was looked at, though others of its model's were."""
        return model in self.recording.steps.used_models and call not in self.recording.steps.used_forwards

    def _note(
        self,
        model: int,
        module: nn.Module,
        evaluating: bool,
        training: bool,
        grad: bool,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        frame: Any,
    ) -> None:
        if evaluating:
            self.log.forward(model, training, grad, (*args, *kwargs.values()), frame)
            return
        self.log.end()
        if not self.watch.sketching:
            return
        for position, value in enumerate((*args, *kwargs.values())):
            # What another part of the network made is no data.
            if isinstance(value, torch.Tensor) and value.ndim and position < 4 and value.grad_fn is None:
                figures = sketch(value)
                if figures is not None:
                    self.watch.examples.input("training", model, self.watch.tick, value)
                    dtype = str(value.dtype).removeprefix("torch.")
                    shape = tuple(value.shape)
                    send_batch(self.watch, figures, "training", "input", position, model, shape, dtype)


_caller: Any = None


def _give_back(before: Any) -> None:
    global _caller
    _caller = before


def _stands_alone(function: Any) -> bool:
    """Whether the code of a function needs nothing of the function itself, so that another one may carry it."""
    if not isinstance(function, FunctionType):
        return False
    code = function.__code__
    return not code.co_freevars and not any(step.opname.endswith("_GLOBAL") for step in dis.get_instructions(code))


def _make_train(original: Callable[..., Any], watch: Watch, recording: Recording) -> Callable[..., Any]:
    def switched(module: nn.Module, mode: bool, frame: FrameType) -> None:
        model = watch.models.get(module)
        if model is None:
            return
        watch.call("mode", model, "train" if mode else "eval", place_of(frame))
        if not mode:
            return
        if recording.models.altered(model):
            recording.phase()
        recording.resume()

    note = guarded(watch, "a change of mode", switched)

    def train(self: nn.Module, mode: bool = True) -> Any:
        # A model that is switched switches all modules in it, one by one, by this method.
        if not is_compiling() and watch.models.get(self) is not None and watch.hears():
            note(self, mode, sys._getframe(1))
        return original(self, mode)

    return train


def _make_zero_grad(original: Callable[..., None], watch: Watch, recording: Recording) -> Callable[..., None]:
    def cleared(module: nn.Module, frame: FrameType) -> None:
        model = watch.models.get(module)
        watch.call("zero_grad", -1 if model is None else model, "module", place_of(frame))

    note = guarded(watch, "a clearing of gradients", cleared)

    def zero_grad(self: nn.Module, *args: Any, **kwargs: Any) -> None:
        if not is_compiling() and watch.hears():
            note(self, sys._getframe(1))
        recording.deaf(original, self, *args, **kwargs)

    return zero_grad


def _make_compile(original: Callable[..., Any], watch: Watch, recording: Recording) -> Callable[..., Any]:
    def compile(*args: Any, **kwargs: Any) -> Any:  # noqa: A001
        recording.models.compiled = True
        recording.stop()  # the compiler would take the mode for a part of the program
        watch.not_looked_at("the inside of training steps", "torch.compile is in use")
        return original(*args, **kwargs)

    return compile
