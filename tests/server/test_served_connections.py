"""Connections as strangers make them: silent, slow, malformed, smuggling, half-closed."""

import gzip
import logging
import resource
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from urllib.parse import urlencode

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from test_served_http import raw
from test_served_sparql import SLOW

from lineage.errors import LateError
from lineage.server import records
from lineage.server.settings import REQUEST

SOON = 5  # seconds; an honest request takes some milliseconds
ASK = b"GET /version HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
POST = b"POST /sparql HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/sparql-query\r\n"


def connected(server):
    return socket.create_connection(("127.0.0.1", server.server_port), timeout=20)


def statuses(reply):
    """The status of each reply, of bytes that contain nothing else."""
    assert not reply or reply.startswith(b"HTTP/1.1 ")
    return [int(part[:3]) for part in reply.split(b"HTTP/1.1 ")[1:]]


def until(look, seconds=20):
    end = time.monotonic() + seconds
    while not (result := look()):
        assert time.monotonic() < end
        time.sleep(0.05)
    return result


def open_connections(server):
    return len(server._uvicorn.server_state.connections)


BEGINNINGS = (
    b"",
    b"G",
    b"GET /version HTTP/1.1\r\nHost: loc",
    POST + b"Content-Length: 900\r\n\r\nASK",
    b"\x16\x03\x01\x00",
    b"GET / HTTP/1.1",
)


@pytest.fixture
def many_files():
    """Let this process open both ends of many connections."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 4096), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.usefixtures("many_files")
def test_500_silent_slow_and_malformed_connections_exclude_nobody(serve, artifacts):
    client = serve(place=artifacts)
    client.ask("ASK {}")
    stop, trickling = threading.Event(), []
    with ExitStack() as stack:
        connections = [stack.enter_context(connected(client.server)) for _ in range(500)]
        for number, connection in enumerate(connections):
            connection.sendall(BEGINNINGS[number % len(BEGINNINGS)])

        def trickle():
            while not stop.wait(0.2):
                for connection in connections[1::3]:
                    with suppress(OSError):  # the server may end it
                        connection.sendall(b"x")
                        trickling.append(1)

        thread = threading.Thread(target=trickle)
        thread.start()
        try:
            for _ in range(10):
                began = time.monotonic()
                assert [client.get(path)[0] for path in ("/", "/version", "/query")] == [200] * 3
                assert client.ask("ASK {}")[0] == 200
                assert time.monotonic() - began < SOON
        finally:
            stop.set()
            thread.join()
    assert trickling


def test_where_there_are_too_many_the_one_that_waited_longest_makes_room(serve, artifacts, monkeypatch):
    monkeypatch.setattr("lineage.server.connection.MOST", 8)
    client = serve(place=artifacts)
    with ExitStack() as stack:
        silent = [stack.enter_context(connected(client.server)) for _ in range(20)]
        until(lambda: open_connections(client.server) == 8)
        assert client.get("/version")[0] == 200
        assert silent[0].recv(10) == b""
        silent[-1].sendall(ASK)
        assert silent[-1].recv(15) == b"HTTP/1.1 200 OK"


def test_a_connection_whose_request_is_being_answered_never_makes_room(serve, artifacts, monkeypatch):
    monkeypatch.setattr("lineage.server.connection.MOST", 2)
    client = serve(place=artifacts, timeout=3.0)
    client.ask("ASK {}")
    with ThreadPoolExecutor(2) as pool:
        long = [pool.submit(client.ask, SLOW) for _ in range(2)]
        until(lambda: sum(one.is_working for one in client.server._uvicorn._connections()) == 2)
        status, headers, text = client.get("/version")
        assert status == 503
        assert headers["Retry-After"]
        assert "all connections are in use" in text
        assert all("stopped after 3 seconds" in one.result()[2] for one in long)
    assert client.get("/version")[0] == 200


def test_four_long_queries_do_not_stop_the_pages_and_the_records(serve, artifacts):
    client = serve(place=artifacts, timeout=4.0)
    name = client.named("many.jsonl")
    with ThreadPoolExecutor(8) as pool:
        long = [pool.submit(client.ask, SLOW) for _ in range(8)]
        time.sleep(0.5)
        began = time.monotonic()
        for path in ("/", "/model", "/query", "/questions", f"/records/{name}"):
            assert client.get(path)[0] == 200
        assert time.monotonic() - began < 3
        assert not any(one.done() for one in long)
        assert {one.result()[0] for one in long} == {503}


@pytest.mark.parametrize(
    "begin",
    [
        b"",
        b"GET /vers",
        POST + b"Content-Length: 9\r\n\r\nASK",
        POST + b"Content-Length: 9999999\r\n\r\nASK",
    ],
)
def test_a_client_that_stops_sending_is_not_waited_for(serve, artifacts, monkeypatch, begin):
    monkeypatch.setattr("lineage.server.connection.IDLE", 1)
    client = serve(place=artifacts)
    with connected(client.server) as connection:
        connection.sendall(begin)
        reply = b"".join(iter(lambda: connection.recv(65536), b""))
    assert statuses(reply) == ([] if not begin else [413] if b"9999999" in begin else [408])
    until(lambda: open_connections(client.server) == 0)


def test_a_client_that_never_reads_its_reply_is_not_waited_for(serve, artifacts, monkeypatch):
    monkeypatch.setattr("lineage.server.connection.IDLE", 1)
    client = serve(place=artifacts)
    rows = "SELECT (SUBSTR(CONCAT(STR(?a), STR(?b), STR(?c), STR(?d)), 1) AS ?x) { ?a ?b ?c . ?d ?e ?f } LIMIT 40000"
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.connect(("127.0.0.1", client.server.server_port))
        connection.sendall(f"GET /sparql?{urlencode({'query': rows})} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        until(lambda: any(one.unsent for one in client.server._uvicorn._connections()))
        until(lambda: open_connections(client.server) == 0)


def test_clients_that_do_not_read_cannot_fill_the_memory(serve, artifacts, monkeypatch):
    monkeypatch.setattr("lineage.server.web.UNSENT", 12 << 20)
    client = serve(place=artifacts)
    rows = "SELECT ?a ?b ?c ?d ?e ?f { ?a ?b ?c . ?d ?e ?f } LIMIT 30000"
    with ExitStack() as stack:
        for _ in range(6):
            connection = stack.enter_context(connected(client.server))
            connection.sendall(f"GET /sparql?{urlencode({'query': rows})} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        until(lambda: not any(one.is_working for one in client.server._uvicorn._connections()))
        until(lambda: sum(one.unsent for one in client.server._uvicorn._connections()) <= 12 << 20)
        assert open_connections(client.server) < 6
        assert client.get("/version")[0] == 200


def test_a_connection_ends_though_the_process_of_a_query_has_inherited_it(serve, artifacts):
    client = serve(place=artifacts, timeout=6.0)
    client.ask("ASK {}")
    with connected(client.server) as connection, ThreadPoolExecutor(1) as pool:
        connection.sendall(ASK[:10])
        long = pool.submit(client.ask, SLOW)
        time.sleep(1)
        began = time.monotonic()
        connection.sendall(ASK[10:])
        assert statuses(b"".join(iter(lambda: connection.recv(65536), b""))) == [200]
        assert time.monotonic() - began < 3
        assert long.result()[0] == 503


def test_a_slow_reader_gets_all_of_its_reply(serve, artifacts, monkeypatch):
    monkeypatch.setattr("lineage.server.connection.IDLE", 1)
    monkeypatch.setattr("lineage.server.connection.LINGER", 0.1)
    client = serve(place=artifacts)
    query = "SELECT ?a ?b ?c ?d ?e ?f { ?a ?b ?c . ?d ?e ?f } LIMIT 20000"
    expected = client.ask(query, "text/csv")[2].encode()
    head = f"GET /sparql?{urlencode({'query': query})} HTTP/1.1\r\nHost: localhost\r\nAccept: text/csv\r\nConnection: close\r\n\r\n"
    with connected(client.server) as connection:
        connection.sendall(head.encode())
        reply = b""
        while part := connection.recv(len(expected) // 12):
            reply += part
            time.sleep(0.3)
    assert len(expected) > 2_000_000
    assert reply.partition(b"\r\n\r\n")[2] == expected


@pytest.mark.parametrize("close", [b"", b"Connection: close\r\n"])
def test_a_body_that_is_too_large_is_refused_with_a_reply_that_arrives(server, close):
    with connected(server) as connection:
        connection.sendall(POST + close + b"Content-Length: %d\r\n\r\n" % (8 * REQUEST))
        for _ in range(8):
            connection.sendall(b"x" * REQUEST)
        assert connection.recv(12) == b"HTTP/1.1 413"


def test_a_client_that_closes_only_its_sending_end_gets_its_replies(server):
    kept = ASK.replace(b"Connection: close\r\n", b"")
    assert statuses(raw(server, kept, shut=True)) == [200]
    assert statuses(raw(server, kept * 3, shut=True)) == [200] * 3
    assert statuses(raw(server, kept + kept[:20], shut=True)) == [200, 400]
    assert statuses(raw(server, POST + b"Content-Length: 6\r\n\r\nASK {}", shut=True)) == [200]
    assert statuses(raw(server, POST + b"Content-Length: 7\r\n\r\nASK {}", shut=True)) == [400]


HIDDEN = b"GET /nothing HTTP/1.1\r\nHost: localhost\r\n\r\n"
SMUGGLED = {
    "length and chunks": b"Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + HIDDEN,
    "chunks and length": b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n5\r\nASK{}\r\n0\r\n\r\n" + HIDDEN,
    "two lengths": b"Content-Length: 6\r\nContent-Length: 7\r\n\r\nASK {}" + HIDDEN,
    "a list of lengths": b"Content-Length: 6, 7\r\n\r\nASK {}" + HIDDEN,
    "a length with a sign": b"Content-Length: +6\r\n\r\nASK {}" + HIDDEN,
    "a length in hexadecimal": b"Content-Length: 0x6\r\n\r\nASK {}" + HIDDEN,
    "chunked twice": b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n" + HIDDEN,
    "an unknown encoding": b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + HIDDEN,
    "a space before the colon": b"Content-Length : 6\r\n\r\nASK {}" + HIDDEN,
    "a folded header": b"X: 1\r\n Content-Length: 6\r\n\r\n" + HIDDEN,
    "a bare line end": b"X: 1\nContent-Length: 6\r\n\r\nASK {}" + HIDDEN,
    "a chunk of no size": b"Transfer-Encoding: chunked\r\n\r\nzz\r\nASK{}\r\n0\r\n\r\n" + HIDDEN,
    "a NUL in a header": b"X: a\x00b\r\nContent-Length: 6\r\n\r\nASK {}" + HIDDEN,
    "two hosts": b"Host: localhost\r\nContent-Length: 6\r\n\r\nASK {}" + HIDDEN,
}


@pytest.mark.parametrize("kind", SMUGGLED)
def test_where_the_end_of_a_body_is_ambiguous_nothing_after_it_is_a_request(server, kind):
    replies = statuses(raw(server, POST + SMUGGLED[kind], shut=True))
    assert replies
    assert replies[0] >= 400 or kind == "a bare line end"  # a line end too, by RFC 9112, 2.2
    assert 404 not in replies or kind in (
        "a bare line end",
        "a folded header",
    )  # there the body ends without doubt


def test_chunks_in_http_1_0_are_refused(server):
    data = POST.replace(b"1.1", b"1.0") + b"Transfer-Encoding: chunked\r\n\r\n5\r\nASK{}\r\n0\r\n\r\n" + HIDDEN
    assert statuses(raw(server, data, shut=True)) == [400]


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"GET /%s HTTP/1.1\r\nHost: localhost\r\n\r\n" % (b"a" * 70_000), 431),
        (b"GET /version HTTP/1.1\r\nHost: localhost\r\nX: %s\r\n\r\n" % (b"a" * 70_000), 431),
        (b"GET /version HTTP/1.1\r\nHost: localhost\r\n%s\r\n" % (b"X: y\r\n" * 30_000), 431),
        (b"GET /version HTTP/1.1\r\nHost: localhost\r\nX: %s" % (b"a" * 3_000_000), 431),
        (b"GET /version HTTP/2.0\r\nHost: localhost\r\n\r\n", 505),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
        (b"GET /version HTTP/1.0\r\nHost: localhost\r\n\r\n", 200),
        (b"GET /version HTTP/1.0\r\n\r\n", 403),
        (b"GET /version HTTP/1.1\r\n\r\n", 400),
        (b"GET /version\r\n\r\n", 400),
        (b"GET /%zz%2 HTTP/1.1\r\nHost: localhost\r\n\r\n", 404),
        (b"GET /records/%00 HTTP/1.1\r\nHost: localhost\r\n\r\n", 404),
        (b"GET /records/%ff%fe HTTP/1.1\r\nHost: localhost\r\n\r\n", 404),
        (b"GET /a\x00b HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
        (b"GET /\xff HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
        (b"GET version HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
        (b"GET localhost:80 HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
        (b"CONNECT localhost:80 HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
        (b"OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n", 204),
        (b"GET * HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
        (b"GET http://localhost HTTP/1.1\r\nHost: localhost\r\n\r\n", 200),
        (b"GET http://localhost/version?x#y HTTP/1.1\r\nHost: evil>\r\n\r\n", 200),
        (b"GET http://localhost/sparql HTTP/1.1\r\nHost: evil> .\r\n\r\n", 200),
        (b"GET file:///etc/passwd HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
        (b"GET //localhost/version HTTP/1.1\r\nHost: localhost\r\n\r\n", 404),
        (b"TRACE / HTTP/1.1\r\nHost: localhost\r\n\r\n", 405),
        (b"BREW / HTTP/1.1\r\nHost: localhost\r\n\r\n", 405),
        (
            b"GET /version HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n",
            200,
        ),
        (
            b"GET /version HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-For: 1.2.3.4\r\nX-Forwarded-Proto: https\r\n\r\n",
            200,
        ),
    ],
    ids=lambda value: repr(value)[:60] if isinstance(value, bytes) else None,
)
def test_an_odd_request_has_one_reply_of_its_status(server, head, status):
    reply = raw(server, head, shut=True)
    assert statuses(reply) == [status]
    assert b"\x00" not in reply
    assert b"nosniff" in reply


def test_requests_that_are_sent_at_once_are_answered_in_their_order(server):
    kept = [
        b"GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n" % path for path in (b"/version", b"/nothing", b"/query.js", b"/sparql?query=ASK{}")
    ]
    posted = POST + b"Content-Length: 6\r\n\r\nASK {}"
    reply = raw(server, b"".join([*kept, posted] * 5) + ASK)
    assert [part[:3] for part in reply.split(b"HTTP/1.1 ")[1:] if part[:3].isdigit()] == [
        b"200",
        b"404",
        b"200",
        b"200",
        b"200",
    ] * 5 + [b"200"]


def test_what_follows_the_last_request_is_not_read(server):
    with connected(server) as connection:
        connection.sendall(f"GET /sparql?{urlencode({'query': 'ASK {}'})} HTTP/1.0\r\nHost: localhost\r\n\r\n".encode())
        connection.sendall(HIDDEN * 3)
        assert statuses(b"".join(iter(lambda: connection.recv(65536), b""))) == [200]


def test_a_client_that_waits_for_leave_to_send_is_told_to_go_on_or_refused(server):
    expects = POST + b"Expect: 100-continue\r\nConnection: close\r\nContent-Length: %d\r\n\r\n"
    with connected(server) as connection:
        connection.sendall(expects % 6)
        assert connection.recv(21) == b"HTTP/1.1 100 Continue"
        connection.sendall(b"ASK {}")
        assert b"HTTP/1.1 200 OK" in b"".join(iter(lambda: connection.recv(65536), b""))
    with connected(server) as connection:
        connection.sendall(expects.replace(b"Connection: close\r\n", b"") % (2 * REQUEST))
        assert statuses(b"".join(iter(lambda: connection.recv(65536), b""))) == [413]


@pytest.mark.parametrize(
    ("charset", "status"),
    [("utf-8", 200), ('"UTF-8"', 200), ("latin-1", 415), ("utf-16", 415), ("\x01", 415)],
)
def test_a_query_is_sent_in_utf_8(client, charset, status):
    body = 'ASK { FILTER(STRLEN("é") = 1) }'.encode()
    answer, _, text = client.send("POST", "/sparql", body, Content_Type=f"application/sparql-query; charset={charset}")
    assert answer == status
    assert answer != 200 or '"boolean":true' in text.replace(" ", "")


PIECES = st.sampled_from(
    [
        b"GET /version HTTP/1.1\r\n", b"POST /sparql HTTP/1.1\r\n", b"HEAD / HTTP/1.0\r\n", b"Host: localhost\r\n", b"Host: evil\r\n", b"\r\n",
        b"Content-Length: 3\r\n", b"Transfer-Encoding: chunked\r\n", b"Connection: close\r\n", b"Expect: 100-continue\r\n", b"5\r\n", b"0\r\n\r\n",
        b"Content-Type: application/sparql-query\r\n", b"Origin: null\r\n", b"Upgrade: h2c\r\nConnection: Upgrade\r\n", b"ASK", b"%00", b" ", b"\n",
    ]
)  # fmt: skip


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.one_of(PIECES, st.binary(max_size=40)), max_size=20),
    st.booleans(),
    st.integers(0, 400),
)
@example([b"GET /version HTTP/1.1\r\nHost: localhost\r\n\r\n", b"\x00\r\n\r\n"], True, 0)
@example([b"HEAD / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\n", b"\r\n"], True, 0)
@example(
    [b"POST /sparql HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n", b"zz\r\n"],
    True,
    100,
)
def test_any_bytes_get_replies_or_an_end_and_the_next_client_its_answer(server, caplog, pieces, shut, cut):
    caplog.set_level(logging.ERROR)
    data = b"".join(pieces)
    with connected(server) as connection:
        with suppress(ConnectionError):
            connection.sendall(data[:cut])
            connection.sendall(data[cut:])
            if shut:
                connection.shutdown(socket.SHUT_WR)
                reply = b"".join(iter(lambda: connection.recv(65536), b""))
                assert not reply or reply.startswith(b"HTTP/1.1 ")
    assert statuses(raw(server, ASK)) == [200]
    assert [record.getMessage() for record in caplog.records] == []


def test_a_mistake_of_ours_is_a_500_and_its_trace_is_shown(serve, artifacts, monkeypatch, caplog):
    client = serve(place=artifacts)
    monkeypatch.setattr("lineage.server.pages.questions", lambda: 1 / 0)
    status, headers, text = client.get("/questions")
    assert status == 500
    assert "ZeroDivisionError" in text
    assert "sandbox" in headers["Content-Security-Policy"]
    until(lambda: any(record.exc_info and record.exc_info[0] is ZeroDivisionError for record in caplog.records))
    assert client.get("/version")[0] == 200


def test_a_packed_file_that_takes_too_long_is_given_up(tmp_path):
    path = tmp_path / "f.jsonl.gz"
    path.write_bytes(gzip.compress(b'{"a": 1}\n' * 1000))
    assert len(records.page(path, 900, 10, time.monotonic() + 60)["rows"]) == 10
    with pytest.raises(LateError, match="could not be read in time"):
        records.page(path, 900, 10, time.monotonic() - 1)
