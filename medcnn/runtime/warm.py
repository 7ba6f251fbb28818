"""Stages that start at once: a process that has loaded their libraries forks for each of them.

TensorFlow takes longer to load than the head of a network to train. DVC runs every stage as ``python -m stages.NAME``,
as ever; where a run offers a warm process, that Python hands its work over and stands for it: it passes signals on,
takes its exit code, and the work ends where it is killed. Where none is offered, or it is not ready yet, a stage loads
its libraries itself.
"""

from __future__ import annotations

import atexit
import ctypes
import importlib
import json
import os
import pkgutil
import runpy
import selectors
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

from medcnn.runtime import console

OFFERED = "MEDCNN_WARM"
"""Names the socket in the environment of stages."""
_LATE = ("keras", "tensorflow", "onnx", "onnxruntime")
"""What stages load within their work."""
_CODE = struct.Struct("!i")
_STREAMS = (0, 1, 2)
_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True)
class Work:
    """What a process was started for.

    Attributes:
        module: that Python runs.
        arguments: of the command line.
        folder: in which it works.
        environment: all of its variables.
        cpus: that it may use.
    """

    module: str
    arguments: list[str]
    folder: str
    environment: dict[str, str]
    cpus: list[int]

    @classmethod
    def own(cls) -> Work:
        """That of this process, which was started by ``-m``."""
        place = sys.orig_argv.index("-m")
        module, *arguments = sys.orig_argv[place + 1 :]
        return cls(module, arguments, str(Path.cwd()), dict(os.environ), sorted(os.sched_getaffinity(0)))

    def done(self, streams: list[int]) -> NoReturn:
        """Do it as if this process had been started for it, and exit."""
        os.setsid()
        # Nobody would be told how it ends.
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        for own, given in zip(_STREAMS, streams, strict=True):
            os.dup2(given, own)
            os.close(given)
        os.environ.update(self.environment)
        os.chdir(self.folder)
        os.sched_setaffinity(0, self.cpus)
        console.exit_on_signals()
        sys.argv = ["-m", *self.arguments]
        code = 0
        try:
            runpy.run_module(self.module, run_name="__main__", alter_sys=True)
        except SystemExit as end:
            code = _said(end)
        except BaseException:  # noqa: BLE001 (as Python itself ends)
            traceback.print_exc()
            code = 1
        atexit._run_exitfuncs()
        sys.stdout.flush()
        # Libraries would wait for threads that a fork leaves behind.
        os._exit(code)


Given = tuple[Work, list[int]]
"""What a process is to do, and its standard streams."""


def _said(end: SystemExit) -> int:
    """The exit code that Python gives, with what it prints."""
    if isinstance(end.code, str):
        print(end.code, file=sys.stderr)
        return 1
    return end.code or 0


@contextmanager
def offered() -> Iterator[Warm]:
    """Offer a warm process to all stages that this process and its children start; it ends with the block."""
    with tempfile.TemporaryDirectory() as folder:
        warm = Warm(Path(folder) / "socket")
        os.environ[OFFERED] = str(warm.place)
        try:
            yield warm
        finally:
            os.environ.pop(OFFERED, None)
            warm.end()


class Warm:
    """A warm process, once there is work for it."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Have it load what stages need, which takes seconds; they do not wait for it."""
        if self._process is None and sys.platform == "linux":
            command = [sys.executable, "-u", "-m", "medcnn.runtime.warm", str(self.place)]
            self._process = subprocess.Popen(  # noqa: S603 (ours)
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )

    def end(self) -> None:
        """End it; no stage runs any more."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()


def hand_over() -> None:
    """Have a warm process do the work of this one, and exit as that did; returns where there is none."""
    with socket.socket(socket.AF_UNIX) as link:
        try:
            link.connect(os.environ[OFFERED])
        except (KeyError, OSError):
            return
        request = json.dumps(asdict(Work.own())).encode()
        socket.send_fds(link, [_CODE.pack(len(request))], _STREAMS)
        link.sendall(request)

        def pass_on(number: int, _: FrameType | None) -> None:
            with suppress(BrokenPipeError):
                link.send(bytes([number]))

        console.handle(pass_on)
        code = link.recv(_CODE.size)
    if not code:
        print("error: the process that ran this stage was killed, perhaps for want of memory", file=sys.stderr)
    _exit(_CODE.unpack(code)[0] if code else 1)


def _exit(code: int) -> None:
    """End as another process did: by its signal where the code is negative."""
    if code < 0:
        if -code != signal.SIGKILL:
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    os._exit(code)


class _Server:
    """Forks for whoever connects, until its standard input ends and the last of its processes."""

    def __init__(self, place: str) -> None:
        self._selector = selectors.DefaultSelector()
        self._listening = socket.socket(socket.AF_UNIX)
        self._listening.bind(place)
        self._listening.listen()
        self._on(self._listening, self._accept)
        self._on(sys.stdin, self._close)

    def work(self) -> Given | None:
        """In each process that is forked, what it is to do; in this one None, at the end."""
        while watched := self._selector.get_map():
            for key, _ in self._selector.select():
                # What came before it may have taken it from those that are watched.
                if key.fd in watched and (given := key.data()):
                    return given
        return None

    def _on(self, source: Any, action: Callable[[], Given | None]) -> None:
        self._selector.register(source, selectors.EVENT_READ, action)

    def _off(self, source: Any) -> None:
        with suppress(KeyError):
            self._selector.unregister(source)

    def _accept(self) -> Given | None:
        link, _ = self._listening.accept()
        try:
            head, streams, *_ = socket.recv_fds(link, _CODE.size, len(_STREAMS))
            work = Work(**json.loads(link.recv(_CODE.unpack(head)[0], socket.MSG_WAITALL)))
        except (OSError, ValueError, struct.error):
            # Whoever asked was killed meanwhile; others go on.
            link.close()
            return None
        process = os.fork()
        if not process:
            return work, streams
        for stream in streams:
            os.close(stream)
        end = os.pidfd_open(process)
        self._on(end, partial(self._ended, process, end, link))
        self._on(link, partial(self._told, process, link))
        return None

    def _told(self, process: int, link: socket.socket) -> None:
        """Pass signals on; a client that is gone was killed."""
        signals = link.recv(_CODE.size)
        for number in signals or [signal.SIGKILL]:
            os.kill(process, number)
        if not signals:
            self._off(link)

    def _ended(self, process: int, end: int, link: socket.socket) -> None:
        _, status = os.waitpid(process, 0)
        self._off(end)
        self._off(link)
        os.close(end)
        with link, suppress(BrokenPipeError):
            link.send(_CODE.pack(os.waitstatus_to_exitcode(status)))

    def _close(self) -> None:
        self._off(sys.stdin)
        self._off(self._listening)
        self._listening.close()


def _load() -> None:
    """Load what stages need, pinned as they pin it: ``stages`` comes first, as NumPy reads its settings when loaded."""
    stages = importlib.import_module("stages")
    from medcnn.core import seeding

    os.environ.update(seeding.ENVIRONMENT)
    for name in _LATE:
        importlib.import_module(name)
    for found in pkgutil.iter_modules(stages.__path__, "stages."):
        importlib.import_module(found.name)
        # It is to be run, not to be found.
        del sys.modules[found.name]


if __name__ == "__main__":
    _load()
    if given := _Server(sys.argv[1]).work():
        work, streams = given
        work.done(streams)
