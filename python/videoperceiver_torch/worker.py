"""The program of the worker: dials its controller, shows the token, does its calls; ends with its connection."""

import os
import queue
import signal
import socket
import sys
import threading
from importlib.metadata import version
from typing import Any

from .errors import CancelledError, WorkerError
from .wire import receive, send

PORT, TOKEN = (f"VIDEOPERCEIVER_ENGINE_{what}" for what in ("PORT", "TOKEN"))


class _Inbox:
    """Messages in order; a cancelled call is known at once, and the end of the connection ends the process."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._messages: queue.Queue[dict[str, Any]] = queue.Queue()
        self.cancelled: set[int] = set()
        threading.Thread(target=self._listen, daemon=True).start()

    def take(self) -> dict[str, Any]:
        return self._messages.get()

    def _listen(self) -> None:
        try:
            while (message := receive(self._connection)) is not None:
                if message["kind"] == "cancel":
                    self.cancelled.add(message["id"])
                else:
                    self._messages.put(message)
        finally:
            # Nobody is there to compute for any more; the main thread may be deep in a product.
            os._exit(0)


def _error(error: Exception, call: int | None) -> dict[str, Any]:
    if isinstance(error, ImportError):
        hint = "videoperceiver engine install torch"
        told = {"name": "EngineError", "message": f"a Python package is missing; got {error}; {hint}"}
    elif isinstance(error, WorkerError):
        told = {"name": type(error).__name__, "message": str(error)}
    else:
        line = " ".join(str(error).split()) or "no message"
        told = {
            "name": "EngineError",
            "message": f"the worker failed; got {type(error).__name__}: {line[:600]}",
        }
    return {"kind": "error", "id": call, "error": told}


def _capabilities(engine: Any, order: dict[str, Any]) -> dict[str, Any]:
    return {
        "engine": "torch",
        "ranks": 1,
        "device": engine.device.type,
        "parameterType": "float32",
        "keeps": ["graph", "inputs", "nothing"],
        "sampling": {"watched": False},
        "longestSequence": order["longestSequence"],
        "trainable": order["trained"],
        "versions": {
            "python": sys.version.split()[0],
            **{name: version(name) for name in ("torch", "transformers", "peft")},
        },
    }


def _serve(connection: socket.socket, inbox: _Inbox, engine: Any) -> None:
    while True:
        message = inbox.take()
        call, given, media = message["id"], message["given"], message["media"]

        def check(call: int = call) -> None:
            if call in inbox.cancelled:
                raise CancelledError("the call was cancelled")

        try:
            contents = engine.missing(given, media)
            if contents:
                send(connection, {"kind": "missing", "id": call, "contents": contents})
                continue
            check()
            value = engine.do(message["operation"], given, media, check)
            send(connection, {"kind": "result", "id": call, "value": value, "version": engine.version})
        except Exception as error:
            send(connection, _error(error, call))


def main() -> None:
    """Runs until the controller's connection ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    connection = socket.create_connection(("127.0.0.1", int(os.environ[PORT])))
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    send(connection, {"kind": "hello", "token": os.environ.pop(TOKEN, "")})
    inbox = _Inbox(connection)
    order = inbox.take()["order"]
    try:
        # Here, so that what is missing is told like any other error.
        from .engine import TorchEngine  # noqa: PLC0415

        engine = TorchEngine(order)
    except Exception as error:
        send(connection, _error(error, None))
        return
    told = {"capabilities": _capabilities(engine, order), "inspects": True, "warnings": []}
    send(connection, {"kind": "ready", **told})
    _serve(connection, inbox, engine)


if __name__ == "__main__":
    main()
