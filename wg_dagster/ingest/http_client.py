"""Answers of vendors' servers: tried again where that helps, not faster than allowed, checked before they count.

No key ever stands in a message: our errors name host, path and status, never headers, queries or what a library says of a request.
"""

import random
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any

import httpx
import tenacity

from wg_dagster.errors import FetchFailed, KeyRefused
from wg_dagster.ingest.http_resume import Partial

_AGAIN = (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS)
_SERVER_FAULT = 500
_REFUSED = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)


class _TryAgain(Exception):
    """Something that may go better next time; `wait`: seconds the server asks for."""

    def __init__(self, what: str, wait: float | None = None) -> None:
        super().__init__(what)
        self.wait = wait


@dataclass(frozen=True)
class Patience:
    """How often and how long to wait: doubling from `first` seconds with jitter, what the server asks for at most `longest`."""

    tries: int = 6
    first: float = 1.0
    longest: float = 300.0
    timeout: float = 60.0
    per_minute: float = 60.0  # requests


@dataclass
class Server:
    """One vendor's server.

    `headers` may hold a key; `key_name` is the environment variable to name where it is refused. `sleep`, `clock` and `seed` are given
    by tests.
    """

    base_url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    key_name: str = ""
    patience: Patience = Patience()
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic
    seed: int = 0

    def __post_init__(self) -> None:
        self._client = httpx.Client(base_url=self.base_url, headers=dict(self.headers), timeout=self.patience.timeout)
        self._jitter = random.Random(self.seed)  # noqa: S311 (waiting times are no secret)
        self._next = -float("inf")

    def close(self) -> None:
        """Give the connections back."""
        self._client.close()

    def json(self, path: str, query: Mapping[str, str]) -> Any:
        """What the server answers, as JSON; FetchFailed after all tries."""

        def once() -> Any:
            with self._answer(path, query, {}) as answer:
                answer.read()
                try:
                    return answer.json()
                except ValueError:
                    raise _TryAgain("the answer is no JSON") from None

        return self._tried(path, once)

    def download(self, path: str, query: Mapping[str, str], target: Path) -> None:
        """Fetch a file; a cut one goes on where it broke off if the server allows it. `target` appears whole or not at all."""
        partial = Partial(target)

        def once() -> None:
            with self._answer(path, query, {"Accept-Encoding": "identity", **partial.range_headers()}) as answer:
                if answer.headers.get("Content-Encoding", "identity") != "identity":
                    raise FetchFailed(f"{self._place(path)} packs what should come as it is; another server can be given with --base-url")
                partial.begin(answer.status_code, answer.headers)
                for chunk in answer.iter_raw():
                    partial.add(chunk)
            missing = partial.missing()
            if missing:
                raise _TryAgain(missing)
            partial.finish()

        self._tried(path, once)

    @contextmanager
    def _answer(self, path: str, query: Mapping[str, str], headers: Mapping[str, str]) -> Generator[httpx.Response]:
        """An answer that can be used; the body is not read yet."""
        self._hold_back()
        try:
            with self._client.stream("GET", path, params=dict(query), headers=dict(headers)) as answer:
                self._judge(path, answer, partial="Range" in headers)
                yield answer
        except httpx.RequestError as error:
            raise _TryAgain(type(error).__name__) from None

    def _judge(self, path: str, answer: httpx.Response, *, partial: bool) -> None:
        status = answer.status_code
        if status in _REFUSED:
            raise KeyRefused(
                f"{self._place(path)} answered {status}: the request is refused; "
                + (f"set {self.key_name} to a key that covers it" if self.key_name else "the server wants no such request")
            ) from None
        if status in _AGAIN or status >= _SERVER_FAULT:
            raise _TryAgain(f"status {status}", _asked_wait(answer.headers.get("Retry-After")))
        if status == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE and partial:
            return
        if status not in (HTTPStatus.OK, HTTPStatus.PARTIAL_CONTENT):
            raise FetchFailed(f"{self._place(path)} answered {status}; check the dates and the address (--base-url)") from None

    def _hold_back(self) -> None:
        """Wait until the next request is allowed."""
        now = self.clock()
        if now < self._next:
            self.sleep(self._next - now)
            now = self._next
        self._next = now + 60.0 / self.patience.per_minute

    def _tried(self, path: str, once: Callable[[], Any]) -> Any:
        attempts = tenacity.Retrying(
            stop=tenacity.stop_after_attempt(self.patience.tries),
            wait=self._wait,
            retry=tenacity.retry_if_exception_type(_TryAgain),
            sleep=self.sleep,
            reraise=True,
        )
        try:
            return attempts(once)
        except _TryAgain as last:
            raise FetchFailed(
                f"{self._place(path)} failed {self.patience.tries} times, at last: {last}. What was fetched so far is kept; run the same command again later"
            ) from None

    def _wait(self, state: tenacity.RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        if isinstance(error, _TryAgain) and error.wait is not None:
            return min(error.wait, self.patience.longest)
        longest = min(self.patience.first * 2.0 ** (state.attempt_number - 1), self.patience.longest)
        return longest * (0.5 + 0.5 * self._jitter.random())

    def _place(self, path: str) -> str:
        return f"{httpx.URL(self.base_url).host}{path}"


def _asked_wait(header: str | None) -> float | None:
    """Seconds that a Retry-After header asks for: a number or a date; None where it says nothing."""
    if header is None:
        return None
    try:
        return max(float(header), 0.0)
    except ValueError:
        pass
    try:
        until = parsedate_to_datetime(header)
    except ValueError:
        return None
    return max((until - datetime.now(UTC)).total_seconds(), 0.0)
