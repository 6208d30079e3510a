"""However a program ends, it ends under seatrial as under Python: what it prints, in which order, and its status."""

import signal
import textwrap

import pytest
from running import both, python, seatrial, without_ours

PROGRAMS = {
    "nothing": "",
    "output": "import sys; print('out'); print('err', file=sys.stderr)",
    "exit none": "raise SystemExit",
    "exit 0": "import sys; sys.exit(0)",
    "exit 3": "import sys; sys.exit(3)",
    "exit -1": "import sys; sys.exit(-1)",
    "exit 300": "import sys; sys.exit(300)",
    "exit true": "import sys; sys.exit(True)",
    "exit text": "import sys; print('out'); sys.exit('no data')",
    "exit object": "import sys; sys.exit(('a', 1))",
    "exit from a function": """
        import sys
        def main():
            try:
                sys.exit(4)
            finally:
                print('finally')
        main()
        """,
    "error": "import json\nprint('before')\njson.loads('{')",
    "error in functions": """
        def inner(x):
            return 1 / x
        def outer():
            return inner(0) + inner(1)
        outer()
        """,
    "chained errors": """
        def load():
            raise OSError('disk')
        try:
            load()
        except OSError as error:
            try:
                raise KeyError('first')
            except KeyError:
                raise RuntimeError('then') from error
        """,
    "error in handling": """
        try:
            1 / 0
        except ZeroDivisionError:
            int('x')
        """,
    "group of errors": """
        def bad():
            raise ValueError('one')
        errors = []
        for _ in range(2):
            try:
                bad()
            except ValueError as error:
                errors.append(error)
        raise ExceptionGroup('many', errors)
        """,
    "error with a note": "e = ValueError('x'); e.add_note('look here'); raise e",
    "error that cannot be printed": """
        class Odd(Exception):
            def __str__(self):
                raise TypeError('no')
        raise Odd
        """,
    "syntax error while importing": "import broken",
    "missing import": "import no_such_module_at_all",
    "assertion": "x = 3\nassert x == 4, f'{x} is wrong'",
    "excepthook": """
        import sys, traceback
        def hook(kind, error, trace):
            print('hooked', kind.__name__, error, sys.last_value is error, error.__traceback__ is trace)
            traceback.print_tb(trace)
        sys.excepthook = hook
        1 / 0
        """,
    "excepthook that fails": """
        import sys
        def hook(kind, error, trace):
            raise RuntimeError('hook')
        sys.excepthook = hook
        1 / 0
        """,
    "excepthook that exits": """
        import sys
        def hook(kind, error, trace):
            sys.exit(7)
        sys.excepthook = hook
        1 / 0
        """,
    "no excepthook": "import sys; del sys.excepthook; 1 / 0",
    "keyboard interrupt": "print('out'); raise KeyboardInterrupt",
    "keyboard interrupt with text": "raise KeyboardInterrupt('stop')",
    "atexit": """
        import atexit, sys
        atexit.register(print, 'first')
        atexit.register(print, 'second', file=sys.stderr)
        @atexit.register
        def fail():
            raise ValueError('in atexit')
        print('body')
        """,
    "atexit after an error": "import atexit; atexit.register(print, 'bye'); 1 / 0",
    "atexit after sys.exit": "import atexit, sys; atexit.register(print, 'bye'); sys.exit('text')",
    "sys.exit in atexit": "import atexit, sys; atexit.register(lambda: sys.exit(5))",
    "threads": """
        import atexit, threading, time
        def work(name, seconds):
            time.sleep(seconds)
            print(name, threading.main_thread().is_alive(), flush=True)
        atexit.register(lambda: print('atexit', threading.main_thread().is_alive()))
        threading.Thread(target=work, args=('waited for', 0.2)).start()
        threading.Thread(target=work, args=('daemon', 30), daemon=True).start()
        print('body')
        """,
    "error in a thread": """
        import threading
        thread = threading.Thread(target=lambda: 1 / 0, name='worker')
        thread.start()
        thread.join()
        """,
    "futures at the end": """
        import atexit, concurrent.futures
        pool = concurrent.futures.ThreadPoolExecutor(1)
        pool.submit(print, 'in the pool')
        def late():
            try:
                pool.submit(print, 'never')
            except RuntimeError as error:
                print(error)
        atexit.register(late)
        """,
    "finalizers": """
        import sys, weakref
        class Thing:
            def __del__(self):
                print('deleted', flush=True)
        thing, other = Thing(), Thing()
        weakref.finalize(other, print, 'finalized')
        """,
    "os._exit": "import os; print('out', flush=True); print('lost'); os._exit(9)",
    "os._exit in a thread": """
        import os, threading, time
        threading.Thread(target=os._exit, args=(9,)).start()
        time.sleep(30)
        """,
    "stdout replaced": """
        import io, sys
        sys.stdout = io.StringIO()
        print('nobody sees this')
        sys.__stdout__.write('but this')
        """,
    "stdout closed": "import sys; print('out'); sys.stdout.close()",
    "stderr replaced": "import io, sys; sys.stderr = io.StringIO(); 1 / 0",
    "stderr closed": "import sys; sys.stderr.close(); sys.exit(3)",
    "chdir": "import os; os.chdir('/'); print(os.getcwd())",
    "warnings are errors": "import warnings; warnings.simplefilter('error'); warnings.warn('old', DeprecationWarning)",
    "odd escapes": "x = '\\\\d'; print(x is 'd')",
    "main guard": "if __name__ == '__main__':\n    print('main')",
    "pickling what is in main": """
        import pickle
        class Point: pass
        print(type(pickle.loads(pickle.dumps(Point()))) is Point)
        """,
    "fork": """
        import os, sys
        child = os.fork()
        if child:
            os.waitpid(child, 0)
            print('parent')
        else:
            print('child')
        """,
    "fork that exits": """
        import atexit, os, sys
        atexit.register(print, 'bye')
        child = os.fork()
        if not child:
            print('child', flush=True)
            os._exit(3)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
        """,
    "fork that fails": """
        import os
        child = os.fork()
        if not child:
            1 / 0
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
        """,
    **{
        f"multiprocessing {method}": f"""
        import multiprocessing, os, sys
        print(__name__, sys.argv)
        def work(x):
            print('work', __name__, flush=True)
            return x + 1
        if __name__ == '__main__':
            multiprocessing.set_start_method('{method}')
            with multiprocessing.Pool(1) as pool:
                print(pool.map(work, [1, 2]))
            process = multiprocessing.Process(target=sys.exit, args=(5,))
            process.start()
            process.join()
            print(process.exitcode)
        """
        for method in ("fork", "spawn")
    },
}


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "broken.py").write_text("x = (1,\n")
    return tmp_path


@pytest.mark.parametrize("text", PROGRAMS.values(), ids=PROGRAMS)
def test_a_script_ends_as_under_python(folder, text):
    (folder / "train.py").write_text(textwrap.dedent(text))
    of_python, of_seatrial = both(folder, "train.py")
    assert of_seatrial == of_python
    assert (folder / "out-of-seatrial" / "findings.json").exists() or text == PROGRAMS["os._exit in a thread"]


@pytest.mark.parametrize(
    "name", ["error in functions", "chained errors", "exit text", "keyboard interrupt", "excepthook"]
)
def test_a_module_ends_as_under_python(folder, name):
    (folder / "train.py").write_text(textwrap.dedent(PROGRAMS[name]))
    of_python, of_seatrial = both(folder, "-m", "train")
    assert of_seatrial == of_python


WAITING = """
import atexit, time
atexit.register(print, 'bye')
try:
    print('ready', flush=True)
    time.sleep(60)
finally:
    print('cleaning up')
"""


def test_ctrl_c_ends_the_program_as_under_python_and_the_report_is_written(folder):
    (folder / "train.py").write_text(WAITING)
    of_python, of_seatrial = both(folder, "train.py", interrupt_after="ready")
    assert of_python.status == -signal.SIGINT  # what a shell shows as 130
    assert of_seatrial == of_python
    assert '"interrupted"' in (folder / "out-of-seatrial" / "findings.json").read_text()


def test_ctrl_c_that_the_program_handles_is_its_own_matter(folder):
    (folder / "train.py").write_text(WAITING.replace("finally:", "except KeyboardInterrupt:"))
    of_python, of_seatrial = both(folder, "train.py", interrupt_after="ready")
    assert of_python.status == 0
    assert of_seatrial == of_python


def test_output_that_nobody_reads_any_more_ends_as_under_python(folder):
    (folder / "train.py").write_text("import sys, os\nos.close(1)\nprint('lost')\n")
    of_python, of_seatrial = both(folder, "train.py", env={"PYTHONUNBUFFERED": ""})
    assert of_python.status == 120
    assert of_seatrial == of_python


def test_standard_input_is_the_programs(folder):
    (folder / "train.py").write_text("print(input())")
    assert seatrial(folder, "train.py", stdin="hello\n").out == "hello\n"


def test_started_by_python_m_it_is_the_same(folder):
    (folder / "train.py").write_text("1 / 0")
    ended = without_ours(python(folder, "-m", "seatrial", "run", "--quiet", "--out", "o", "train.py"))
    assert ended == python(folder, "train.py")
