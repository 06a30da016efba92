"""A vendor's server on this machine whose answers are scripted, so that it can fail on purpose."""

import json
import socket
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler

KEY = "Secret-Key-7f3a"
BODY = bytes(range(256)) * 400  # 102,400 bytes
Answer = Callable[["Handler"], None]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    script: list[Answer]
    seen: list[tuple[str, dict[str, str]]]
    released: threading.Event

    def do_GET(self):
        self.seen.append((self.path, dict(self.headers)))
        script = self.script
        (script.pop(0) if len(script) > 1 else script[0])(self)

    def send(self, status: int, body: bytes = b"", *, cut: int | None = None, **headers: str):
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **{name.replace("_", "-"): value for name, value in headers.items()}}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body if cut is None else body[:cut])
        self.close_connection = cut is not None

    def hang_up(self):
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)

    def log_message(self, *_):
        pass


def says(content, **headers) -> Answer:
    return lambda handler: handler.send(200, json.dumps(content).encode(), **headers)


def status(code: int, **headers: str) -> Answer:
    return lambda handler: handler.send(code, b"no", **headers)


def with_ranges(handler: Handler) -> None:
    """The whole file, or the rest that is asked for."""
    asked = handler.headers.get("Range")
    start = int(asked.removeprefix("bytes=").rstrip("-")) if asked and handler.headers.get("If-Range") == '"v1"' else 0
    span = {"Content_Range": f"bytes {start}-{len(BODY) - 1}/{len(BODY)}"} if start else {}
    handler.send(206 if start else 200, BODY[start:], ETag='"v1"', **span)


def cut_at(count: int) -> Answer:
    return lambda handler: handler.send(200, BODY, cut=count, ETag='"v1"')
