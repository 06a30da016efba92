"""A real server on this machine that fails on purpose: what is asked for arrives once and whole, and no key is ever told."""

import traceback

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from vendor_server import BODY, KEY, Handler, cut_at, says, status, with_ranges

from wg_dagster.errors import FetchFailed, KeyRefused
from wg_dagster.ingest.http_client import Patience, Server


@pytest.mark.parametrize(
    "fault",
    [
        status(429),
        status(500),
        status(503),
        lambda handler: handler.send(200, b'{"data": [1, 2', cut=5),
        lambda handler: handler.send(200, b'{"data": [1, 2'),
        lambda handler: handler.send(200, b"<html>busy</html>"),
        lambda handler: handler.hang_up(),
        lambda handler: handler.send(200, b"{}", Content_Length="9", cut=2),
    ],
    ids=["429", "500", "503", "cut", "half a JSON", "no JSON", "hung up", "wrong length"],
)
def test_what_fails_once_is_asked_again(vendor, client, fault):
    vendor[0].script[:] = [fault, says({"data": [1]})]
    server, waits = client()
    assert server.json("/x", {}) == {"data": [1]}
    assert len(vendor[0].seen) == 2
    assert len(waits) == 1


def test_a_server_that_does_not_answer_in_time_is_asked_again(vendor, client):
    vendor[0].script[:] = [lambda handler: handler.released.wait(10) and None, says({"data": []})]
    server, _ = client(timeout=0.2)
    assert server.json("/x", {}) == {"data": []}


def test_waits_double_with_a_jitter_that_repeats(vendor, client):
    """Between half and all of 1, 2, 4 seconds."""
    vendor[0].script[:] = [status(500)]
    server, waits = client()
    with pytest.raises(FetchFailed, match=r"127\.0\.0\.1/x failed 4 times, at last: status 500"):
        server.json("/x", {})
    assert [0.5 * 2**k <= wait <= 2**k for k, wait in enumerate(waits)] == [True] * 3
    first = list(waits)
    waits.clear()
    again, _ = client()
    with pytest.raises(FetchFailed):
        again.json("/x", {})
    assert waits == first


def test_the_server_s_wish_to_wait_is_granted_up_to_a_limit(vendor, client):
    vendor[0].script[:] = [
        status(429, Retry_After="7"),
        status(503, Retry_After="9999"),
        status(429, Retry_After="Thu, 01 Jan 2015 00:00:00 GMT"),
        says(1),
    ]
    server, waits = client(longest=60.0)
    assert server.json("/x", {}) == 1
    assert waits == [7.0, 60.0, 0.0]


def test_requests_keep_their_distance(vendor, client):
    """30 a minute: the second and third wait 2 seconds each; the clock does not move here."""
    vendor[0].script[:] = [says(1)]
    waits: list[float] = []
    server = Server(vendor[1], patience=Patience(per_minute=30), sleep=waits.append, clock=lambda: 100.0)
    for _ in range(3):
        server.json("/x", {})
    server.close()
    assert waits == [2.0, 4.0]


def test_a_key_does_not_follow_to_another_address(vendor, client):
    vendor[0].script[:] = [lambda handler: handler.send(302, Location="http://127.0.0.2/x")]
    with pytest.raises(FetchFailed, match="answered 302"):
        client()[0].json("/x", {})
    assert len(vendor[0].seen) == 1


@pytest.mark.parametrize("code", [401, 403])
def test_a_refused_key_is_not_tried_again_and_not_told(vendor, client, code):
    vendor[0].script[:] = [lambda handler: handler.send(code, f"bad key {KEY}".encode())]
    server, waits = client()
    with pytest.raises(KeyRefused, match=f"answered {code}.*set SOME_KEY") as refused:
        server.json("/x", {"code": "1"})
    assert len(vendor[0].seen) == 1
    assert waits == []
    assert KEY not in "".join(traceback.format_exception(refused.value)) + repr(server)


def test_an_address_that_is_not_there_is_no_passing_fault(vendor, client):
    vendor[0].script[:] = [status(404)]
    with pytest.raises(FetchFailed, match="answered 404; check the dates"):
        client()[0].json("/x", {})


def test_a_cut_download_goes_on_where_it_broke_off(vendor, client, tmp_path):
    vendor[0].script[:] = [cut_at(30_000), with_ranges]
    client()[0].download("/f.zip", {}, tmp_path / "f.zip")
    assert (tmp_path / "f.zip").read_bytes() == BODY
    begun = int(vendor[0].seen[1][1]["Range"].removeprefix("bytes=").rstrip("-"))
    assert 0 < begun <= 30_000
    assert sorted(path.name for path in tmp_path.iterdir()) == ["f.zip"]


def test_a_download_goes_on_in_the_next_process(vendor, client, tmp_path):
    vendor[0].script[:] = [cut_at(30_000)]
    with pytest.raises(FetchFailed, match="kept"):
        client(tries=1)[0].download("/f.zip", {}, tmp_path / "f.zip")
    assert not (tmp_path / "f.zip").exists()
    vendor[0].script[:] = [with_ranges]
    client()[0].download("/f.zip", {}, tmp_path / "f.zip")
    assert (tmp_path / "f.zip").read_bytes() == BODY
    assert "Range" in vendor[0].seen[-1][1]


def test_a_file_that_changed_meanwhile_starts_anew(vendor, client, tmp_path):
    vendor[0].script[:] = [cut_at(30_000), lambda handler: handler.send(200, b"another", ETag='"v2"')]
    client()[0].download("/f.zip", {}, tmp_path / "f.zip")
    assert (tmp_path / "f.zip").read_bytes() == b"another"


def test_a_server_without_ranges_gives_the_whole_again(vendor, client, tmp_path):
    vendor[0].script[:] = [cut_at(30_000), lambda handler: handler.send(200, BODY)]
    client()[0].download("/f.zip", {}, tmp_path / "f.zip")
    assert (tmp_path / "f.zip").read_bytes() == BODY


def test_a_part_that_was_not_asked_for_is_thrown_away(vendor, client, tmp_path):
    """The server begins at byte 7 whatever is asked: then the whole is fetched anew."""
    other = lambda handler: handler.send(206, BODY[7:], ETag='"v1"', Content_Range=f"bytes 7-{len(BODY) - 1}/{len(BODY)}")  # noqa: E731
    vendor[0].script[:] = [cut_at(30_000), other, lambda handler: handler.send(200, BODY)]
    client()[0].download("/f.zip", {}, tmp_path / "f.zip")
    assert (tmp_path / "f.zip").read_bytes() == BODY
    assert "Range" not in vendor[0].seen[2][1]


def test_a_packed_file_is_not_taken_for_the_file(vendor, client, tmp_path):
    vendor[0].script[:] = [lambda handler: handler.send(200, BODY, Content_Encoding="gzip")]
    with pytest.raises(FetchFailed, match="packs what should come as it is"):
        client()[0].download("/f.csv", {}, tmp_path / "f.csv")
    assert list(tmp_path.iterdir()) == []


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cuts=st.lists(st.integers(0, 60_000), max_size=5), honest=st.booleans())
def test_however_often_it_breaks_off_the_file_is_the_same(vendor, client, tmp_path, cuts, honest):
    """Each answer gives at most so many bytes from where it begins; a dishonest server changes its version in between."""

    def rest(handler: Handler) -> None:
        version = '"v1"' if honest else f'"v{len(handler.script)}"'
        asked = handler.headers.get("Range") if handler.headers.get("If-Range") == version else None
        start = int(asked.removeprefix("bytes=").rstrip("-")) if asked else 0
        span = {"Content_Range": f"bytes {start}-{len(BODY) - 1}/{len(BODY)}"} if start else {}
        cut = next(limits, None)
        handler.send(
            206 if start else 200, BODY[start:], cut=cut if cut is not None and cut < len(BODY) - start else None, ETag=version, **span
        )

    limits = iter(cuts)
    vendor[0].script[:] = [rest]
    client(tries=len(cuts) + 1)[0].download("/f.zip", {}, tmp_path / "f.zip")
    assert (tmp_path / "f.zip").read_bytes() == BODY
    assert [path.name for path in tmp_path.iterdir()] == ["f.zip"]
