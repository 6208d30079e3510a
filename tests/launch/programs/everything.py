"""Prints all that a program can see of where and how it runs, one fact a line, so that two runs can be compared."""

import gc
import inspect
import linecache
import locale
import os
import signal
import sys
import threading
import traceback
import warnings
from pathlib import Path


def show(name, value):
    print(f"{name}: {value!r}".replace(hex(id(value)), "0x"))


def described(value):
    """A value without its address."""
    return type(value).__name__ if "0x" in repr(value) else repr(value)


for name, value in list(vars(sys.modules["__main__"]).items()):
    show(f"__main__.{name}", described(value))
show("__main__ is this", vars(sys.modules["__main__"]) is globals())
show("builtins", __builtins__ is sys.modules["builtins"])
show("loader", (__loader__.name, __loader__.path))
show("source", __loader__.get_source(__loader__.name)[:40])
show("spec", __spec__ and (__spec__.name, __spec__.origin, __spec__.parent, __spec__.has_location, __spec__.cached))

show("argv", sys.argv)
show("orig_argv", sys.orig_argv[1:])
show("executable", os.path.realpath(sys.executable))
show("path", sys.path)
show("flags", sys.flags)
show("path_hooks", [described(hook) for hook in sys.path_hooks])
show("warnoptions", sys.warnoptions)
show("xoptions", sys._xoptions)
show("dont_write_bytecode", sys.dont_write_bytecode)
show("filters", warnings.filters)
show("recursion", sys.getrecursionlimit())
show("switch", sys.getswitchinterval())
show("excepthook", sys.excepthook is sys.__excepthook__)
show("unraisablehook", sys.unraisablehook is sys.__unraisablehook__)
show("displayhook", sys.displayhook is sys.__displayhook__)
show("threading.excepthook", threading.excepthook is threading.__excepthook__)
show("breakpointhook", sys.breakpointhook is sys.__breakpointhook__)
show("showwarning", warnings.showwarning.__module__)
show("trace", (sys.gettrace(), sys.getprofile(), threading.gettrace(), threading.getprofile()))
show("asyncgen", sys.get_asyncgen_hooks())
for name in ("stdin", "stdout", "stderr"):
    stream = getattr(sys, name)
    original = getattr(sys, f"__{name}__")
    show(name, (stream is original, stream.encoding, stream.errors, stream.line_buffering, stream.fileno()))
show("last", [name for name in vars(sys) if name.startswith("last_")])
show("exception", sys.exc_info())

show("gc", (gc.isenabled(), gc.get_threshold(), gc.get_debug(), len(gc.callbacks), gc.get_freeze_count()))
show("signals", {number: described(signal.getsignal(number)) for number in signal.valid_signals()})
show("mask", signal.pthread_sigmask(signal.SIG_BLOCK, []))
show("alarm", (signal.getitimer(signal.ITIMER_REAL), signal.set_wakeup_fd(-1)))
show("threads", [(thread.name, thread.daemon, thread.is_alive()) for thread in threading.enumerate()])
show("main thread", threading.current_thread() is threading.main_thread())
show("stack size", threading.stack_size())
show("cwd", str(Path.cwd()))
show("umask", os.umask(0o022))
show("nice", os.nice(0))
show("environment", sorted((key, value) for key, value in os.environ.items() if key != "_"))
show("locale", (locale.setlocale(locale.LC_ALL), locale.getpreferredencoding(), sys.getfilesystemencoding()))
show("session", os.getpgrp() == os.getpgid(os.getppid()))
show("numpy, torch", [name for name in ("numpy", "torch", "matplotlib", "rich") if name in sys.modules])
show("line", linecache.getline(__file__, 1))


def deep():
    show("frame", (sys._getframe().f_code.co_filename, sys._getframe(1).f_code.co_name, sys._getframe(1).f_lineno))
    show("source of this", inspect.getsource(deep).splitlines()[0])
    show("module of this", (deep.__module__, inspect.getmodule(deep) is sys.modules["__main__"], inspect.getfile(deep)))
    try:
        raise KeyError("here")
    except KeyError:
        print(traceback.format_exc())
    warnings.warn("of the caller", stacklevel=2)
    warnings.warn("old", DeprecationWarning, stacklevel=1)


deep()
