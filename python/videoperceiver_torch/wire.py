"""Framed messages: a JSON header and raw arrays behind it (`src/core/framed-messages.ts`); nothing is ever executed.

A frame: header length (u32), body length (f64), little-endian; the header, UTF-8; the arrays, each on a multiple of 8
bytes. In the header an array stands as {"$array": index}, a map as {"$map": entries}. A key without value is left out.
"""

import json
import socket
import struct
from typing import Any

import numpy as np

from .errors import DataFormatError

PREFIX = struct.Struct("<Id")
LIMITS = (1 << 28, 2**36)
TYPES = {"f32": np.float32, "i32": np.int32, "i64": np.int64, "u8": np.uint8}
NAMES = {np.dtype(kind): name for name, kind in TYPES.items()}


class Map(dict):
    """Sent as a JavaScript Map, whose keys need not be strings."""


def _padded(size: int) -> int:
    return (size + 7) // 8 * 8


def _pack(value: Any, arrays: list[np.ndarray]) -> Any:
    if isinstance(value, np.ndarray):
        arrays.append(np.ascontiguousarray(value))
        return {"$array": len(arrays) - 1}
    if isinstance(value, Map):
        return {"$map": [[_pack(key, arrays), _pack(one, arrays)] for key, one in value.items()]}
    if isinstance(value, dict):
        return {key: _pack(one, arrays) for key, one in value.items() if one is not None}
    if isinstance(value, (list, tuple)):
        return [_pack(one, arrays) for one in value]
    return value


def _unpack(value: Any, arrays: list[np.ndarray]) -> Any:
    if isinstance(value, list):
        return [_unpack(one, arrays) for one in value]
    if not isinstance(value, dict):
        return value
    if "$array" in value:
        return arrays[value["$array"]]
    if "$map" in value:
        return Map((_unpack(key, arrays), _unpack(one, arrays)) for key, one in value["$map"])
    return {key: _unpack(one, arrays) for key, one in value.items()}


def send(connection: socket.socket, value: Any) -> None:
    """Sends a message, arrays not copied."""
    arrays: list[np.ndarray] = []
    packed = _pack(value, arrays)
    listed = [{"type": NAMES[array.dtype], "bytes": array.nbytes} for array in arrays]
    header = json.dumps({"value": packed, "arrays": listed}, allow_nan=False).encode()
    body = sum(_padded(array.nbytes) for array in arrays)
    connection.sendall(PREFIX.pack(len(header), float(body)) + header)
    for array in arrays:
        if array.nbytes > 0:
            connection.sendall(memoryview(array.reshape(-1).view(np.uint8)))
        connection.sendall(bytes(_padded(array.nbytes) - array.nbytes))


def _decode(header: bytes, body: bytearray) -> Any:
    """The message of a header and its body; arrays are views of the body."""
    try:
        content = json.loads(header)
        arrays, at = [], 0
        for one in content["arrays"]:
            kind, size = TYPES[one["type"]], one["bytes"]
            if at + size > len(body) or size % np.dtype(kind).itemsize:
                raise DataFormatError("not a message of this protocol", got=f"an array of {size} bytes")
            arrays.append(np.frombuffer(body, kind, size // np.dtype(kind).itemsize, at))
            at += _padded(size)
        return _unpack(content["value"], arrays)
    except (ValueError, KeyError, TypeError, IndexError) as error:
        raise DataFormatError("not a message of this protocol", got=str(error)) from error


def _receive_exactly(connection: socket.socket, size: int) -> bytearray | None:
    view = memoryview(buffer := bytearray(size))
    while view:
        count = connection.recv_into(view)
        if count == 0:
            return None
        view = view[count:]
    return buffer


def receive(connection: socket.socket) -> Any:
    """The next message; None when the connection has ended."""
    prefix = _receive_exactly(connection, PREFIX.size)
    if prefix is None:
        return None
    header_size, body_size = PREFIX.unpack(prefix)
    if header_size > LIMITS[0] or not 0 <= body_size <= LIMITS[1] or body_size != int(body_size):
        got = f"a header of {header_size} and a body of {body_size} bytes"
        raise DataFormatError("not a message of this protocol", got=got)
    header = _receive_exactly(connection, header_size)
    body = _receive_exactly(connection, int(body_size))
    return None if header is None or body is None else _decode(bytes(header), body)
