"""The program of a rank: dials its controller, shows the token, does its calls; ends with its connection.

A launcher (torchrun, Ray, Slurm) starts as many as there are; what it says in the environment makes them a group.
"""

from .parent import die_with_parent

if __name__ == "__main__":
    # Before anything that takes time to import.
    die_with_parent()

import contextlib
import os
import platform
import queue
import signal
import socket
import threading
import time
from importlib.metadata import version
from typing import Any

from .errors import CancelledError, WorkerError
from .wire import receive, send

HOST, PORT, TOKEN = (f"VIDEOPERCEIVER_ENGINE_{what}" for what in ("HOST", "PORT", "TOKEN"))
_DIAL_SECONDS = 600


class _Line:
    """Messages in order; a cancelled call is known at once, and the end of the connection ends the process."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._sends = threading.Lock()
        self.messages: queue.Queue[dict[str, Any]] = queue.Queue()
        self.cancelled: set[int] = set()
        threading.Thread(target=self._listen, daemon=True).start()

    def say(self, message: dict[str, Any]) -> None:
        """Sends a message."""
        with self._sends:
            send(self._connection, message)

    def _listen(self) -> None:
        try:
            while (message := receive(self._connection)) is not None:
                if message["kind"] == "ping":
                    self.say({"kind": "pong"})
                elif message["kind"] == "cancel":
                    self.cancelled.add(message["id"])
                else:
                    self.messages.put(message)
        finally:
            # Nobody is there to compute for any more; the main thread may be deep in a product.
            os._exit(0)


def _error(error: Exception, call: int | None) -> dict[str, Any]:
    name = "EngineError"
    if isinstance(error, ImportError):
        said = f"a Python package is missing; got {error}; videoperceiver engine install torch"
    elif isinstance(error, WorkerError):
        name, said = type(error).__name__, str(error)
    else:
        line = " ".join(str(error).split()) or "no message"
        said = f"the worker failed; got {type(error).__name__}: {line[:600]}"
    return {"kind": "error", "id": call, "error": {"name": name, "message": said}}


def _capabilities(engine: Any, order: dict[str, Any]) -> dict[str, Any]:
    return {
        "engine": "torch",
        "ranks": engine.ranks.count,
        "device": engine.device.type,
        "parameterType": "float32" if order["compute"] == "float32" else f"float32, computed as {order['compute']}",
        "keeps": ["graph", "inputs", "nothing"],
        "sampling": {"watched": False},
        "longestSequence": order["longestSequence"],
        "trainable": order["trained"],
        "versions": {"python": platform.python_version()}
        | {name: version(name) for name in ("torch", "transformers", "peft")},
    }


def _serve(line: _Line, engine: Any) -> None:
    while True:
        message = line.messages.get()
        call, given, media = message["id"], message["given"], message["media"]
        # A rank that stops alone would have the others wait for it; where tokens are drawn nobody waits for anybody.
        is_alone = engine.ranks.count == 1
        stops = is_alone or message["operation"] == "sample"

        def check(call: int = call, stops: bool = stops) -> None:
            if stops and call in line.cancelled:
                raise CancelledError("the call was cancelled")

        try:
            contents = engine.media.missing(given.get("batches", []), media)
            if contents:
                line.say({"kind": "missing", "id": call, "contents": contents})
                continue
            if is_alone:
                check()
            start = time.monotonic()
            value = engine.do(message["operation"], given, media, check)
            seconds = time.monotonic() - start
            # Of what all ranks know alike one is asked.
            value = value if engine.ranks.rank == 0 or message["operation"] in ("forward", "sample") else None
            told = {"kind": "result", "id": call, "value": value, "version": engine.version, "seconds": seconds}
        except Exception as error:
            told = _error(error, call)
        line.say(told)


def _dial() -> socket.socket:
    """Dials the controller; where somebody else starts the ranks it may not listen yet, or have no name."""
    place = os.environ.get(HOST, "127.0.0.1"), int(os.environ[PORT])
    end = time.monotonic() + _DIAL_SECONDS
    while time.monotonic() < end:
        with contextlib.suppress(OSError):
            connection = socket.create_connection(place, timeout=30)
            connection.settimeout(None)
            return connection
        time.sleep(1)
    raise WorkerError("nobody listens", where=f"{place[0]}:{place[1]}", expected="the controller")


def main() -> None:
    """Runs until the controller's connection ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    die_with_parent()
    connection = _dial()
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    where = {"rank": int(os.environ.get("RANK", "0")), "host": socket.gethostname(), "process": os.getpid()}
    send(connection, {"kind": "hello", "token": os.environ.pop(TOKEN, ""), **where})
    line = _Line(connection)
    order = line.messages.get()["order"]
    try:
        # Here, so that what is missing is told like any other error.
        from .engine import TorchEngine  # noqa: PLC0415

        engine = TorchEngine(order)
    except Exception as error:
        line.say(_error(error, None))
        return
    line.say({"kind": "ready", "capabilities": _capabilities(engine, order), "inspects": True, "warnings": []})
    _serve(line, engine)


if __name__ == "__main__":
    main()
