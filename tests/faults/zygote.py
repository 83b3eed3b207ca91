"""A process that has imported what the steps import, and that forks a child for each command, in milliseconds.

It reads requests from its stdin, one line of JSON each, and answers each with one line. A child has a process group and
a session of its own, runs one function of this package or `entrec` itself, and can be ended by SIGKILL at a time or at
an access to a file. Nothing else is simulated: a child writes, locks and dies as any process does.
"""

import importlib
import json
import mmap
import os
import resource
import select
import signal
import sys
import time
import traceback
from contextlib import suppress

MODULES = (
    "datasets", "pandas", "PIL.Image", "pyarrow", "scipy.io.matlab", "scipy.optimize", "sklearn.linear_model", "torch",
    "torchvision.datasets", "entrec.__main__", "entrec.data.prepare", "entrec.data.prepared",
    "entrec.evaluation.evaluate", "entrec.evaluation.transfer", "entrec.pipeline.rehearsal",
    "entrec.report.theory.figures", "entrec.report.theory.tables", "entrec.report.vision.page",
    "entrec.report.vision.tables", "entrec.theory.estimators.gaussian", "entrec.theory.estimators.rates",
    "entrec.theory.estimators.sphere", "entrec.theory.identifiability.steps", "entrec.training.pretrain",
)  # fmt: skip
FILE_EVENTS = {"open", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.listdir", "os.scandir"}
SHARD = 4  # images: a preparation of a few images has several shards
SAMPLE_SECONDS = 0.05


def main() -> None:
    """Answer requests until stdin ends."""
    for module in MODULES:
        importlib.import_module(module)
    import entrec.data.store
    from entrec.fingerprint import fingerprint

    entrec.data.store.SHARD = SHARD
    fingerprint("pretraining"), fingerprint("theory")  # computed once for all children
    print(json.dumps({"pid": os.getpid()}), flush=True)
    for line in sys.stdin:
        print(json.dumps(serve(json.loads(line))), flush=True)
    os._exit(0)


def serve(request: dict) -> dict:
    """Fork a child for the request, and return how it ended, what it printed and how long it took.

    `call` is `module:function`, which gets the strings `arguments`; or it is null, and the arguments are a command of
    this machine. `after` is the time in seconds after which the child is killed, `at_access` the number of the access
    to a file below the `folder` at which it kills itself, and `limit` the time that no child may take. Where `sampled`,
    the reply has memory, handles and threads of the child every `SAMPLE_SECONDS`.
    """
    output, into = os.pipe()
    accesses = mmap.mmap(-1, 8)  # shared with the child
    pid = os.fork()
    if pid == 0:
        os.close(output)
        child(request, into, accesses)
    os.close(into)
    began = time.monotonic()
    said, samples, timed_out = b"", [], False
    killed_at = None if request["after"] is None else began + request["after"]
    sampled_at = began
    while True:
        now = time.monotonic()
        if killed_at is not None and now >= killed_at:
            kill(pid)
            killed_at = None
        if now - began > request["limit"]:
            timed_out = True
            kill(pid)
        until = min([began + request["limit"], *filter(None, [killed_at])]) - now
        if request["sampled"]:
            until = min(until, SAMPLE_SECONDS)
            if now >= sampled_at:
                samples.append(measure(pid))
                sampled_at = now + SAMPLE_SECONDS
        if select.select([output], [], [], max(until, 0))[0]:
            if not (piece := os.read(output, 1 << 16)):
                break
            said += piece
        if timed_out:
            break
    os.close(output)
    _, status = os.waitpid(pid, 0)
    return {
        "code": os.waitstatus_to_exitcode(status),
        "seconds": time.monotonic() - began,
        "timed_out": timed_out,
        "said": said.decode(errors="replace"),
        "accesses": int.from_bytes(accesses, "little"),
        "samples": [sample for sample in samples if sample and sample[0]],  # an ended process has no memory
    }


def child(request: dict, output: int, accesses: mmap.mmap) -> None:
    """Become the child: run the request's function and end."""
    code = 1
    try:
        os.setsid()
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(output, 1)
        os.dup2(output, 2)
        os.close(output)
        os.chdir(request["folder"])
        os.environ.update(request["environment"])
        if request["largest_file"] is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (request["largest_file"],) * 2)
        if request["call"] is None:
            os.execvp(request["arguments"][0], request["arguments"])
        module, name = request["call"].split(":")
        function = getattr(importlib.import_module(module), name)
        sys.argv = ["entrec", *request["arguments"]]
        count_accesses(accesses, request["folder"], last=request["at_access"])
        if module == "entrec.__main__":
            function()
        else:
            function(*request["arguments"])
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def count_accesses(accesses: mmap.mmap, folder: str, *, last: int | None) -> None:
    """Count accesses to files below `folder`, and end this process by SIGKILL just before the one numbered `last`."""
    count = 0

    def hook(event: str, arguments: tuple) -> None:
        nonlocal count
        if event not in FILE_EVENTS or not isinstance(arguments[0], str | bytes | os.PathLike):
            return
        if os.path.abspath(os.fsdecode(arguments[0])).startswith(folder):
            count += 1
            accesses[:] = count.to_bytes(8, "little")
            if count == last:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)


def measure(pid: int) -> list[int] | None:
    """Return the resident memory in kB, the open handles and the threads of a process; None where it has ended."""
    try:
        with open(f"/proc/{pid}/statm") as file:
            pages = int(file.read().split()[1])
        handles = len(os.listdir(f"/proc/{pid}/fd"))
        threads = len(os.listdir(f"/proc/{pid}/task"))
    except OSError:
        return None
    return [pages * os.sysconf("SC_PAGE_SIZE") // 1024, handles, threads]


def kill(pid: int) -> None:
    """Send SIGKILL to the child and all processes that it has started."""
    try:
        os.killpg(pid, signal.SIGKILL)
    except ProcessLookupError:  # it has not made its own group yet, or it has ended
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


if __name__ == "__main__":
    main()
