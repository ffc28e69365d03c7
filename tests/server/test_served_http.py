"""What any client meets: headers, what is not there, who is let in, and a folder that changes under the server."""

import json
import socket
import struct
import time
import urllib.request

import pytest
from server_data import HOSTILE, generated

OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))
ALWAYS = ("Content-Security-Policy", "X-Content-Type-Options", "Referrer-Policy", "Content-Length", "Content-Type")
PATHS = ("/", "/model", "/version", "/query", "/query.js", "/query.css", "/questions", "/sparql", "/nothing")


@pytest.mark.parametrize("path", PATHS)
def test_every_reply_has_its_headers_and_head_has_the_same_without_a_body(client, path):
    status, headers, text = client.get(path)
    again, other, nothing = client.send("HEAD", path)
    assert (
        all(headers[name] for name in ALWAYS)
        and headers["X-Content-Type-Options"] == "nosniff"
        and "Access-Control-Allow-Origin" not in headers
    )
    assert (again, other["Content-Length"], nothing) == (status, str(len(text.encode())), "")
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    "path",
    [
        "/../pyproject.toml",
        "/records/../../prompts.jsonl",
        "/records/%2e%2e%2fprompts.jsonl",
        "/records/%00",
        "/records/",
        "//etc/passwd",
        "/many.jsonl",
        "/records/prompts.jsonl",
    ],
)
def test_no_path_leads_out_of_what_is_served(client, path):
    status, _, text = client.get(path)
    assert status == 404 and "instruction" not in text and "to do:" in text


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", "localhost@evil.example", "", "0.0.0.0", "10.0.0.1"]
)
def test_a_host_that_is_not_ours_is_refused(client, host):
    status, _, text = client.get("/model", Host=host)
    assert status == 403 and "sessions" not in text


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:1", "127.0.0.1", "[::1]:80", "127.0.0.2"])
def test_loopback_has_several_names(client, host):
    assert client.get("/version", Host=host)[0] == 200


def test_a_page_of_another_site_is_refused_unless_it_was_let_in(serve, client, artifacts):
    foreign = {"Origin": "http://evil.example"}
    assert client.get("/sparql?query=ASK%7B%7D", **foreign)[0] == 403
    assert client.get("/sparql?query=ASK%7B%7D", Sec_Fetch_Site="cross-site")[0] == 403
    assert client.get("/model", Sec_Fetch_Site="same-site", Sec_Fetch_Mode="navigate")[0] == 403
    assert client.get("/", Sec_Fetch_Site="cross-site", Sec_Fetch_Mode="navigate")[0] == 200  # a link may lead here
    opened = serve(place=artifacts, cors=("http://good.example",))
    status, headers, _ = opened.get("/sparql?query=ASK%7B%7D", Origin="http://good.example", Sec_Fetch_Site="cross-site")
    assert (status, headers["Access-Control-Allow-Origin"]) == (200, "http://good.example")
    assert opened.get("/model", Origin="http://good.example", Sec_Fetch_Site="cross-site")[0] == 403
    assert opened.get("/sparql?query=ASK%7B%7D", **foreign)[0] == 403
    status, headers, _ = opened.send("OPTIONS", "/sparql", Origin="http://good.example")
    assert status == 204 and "POST" in headers["Access-Control-Allow-Methods"]


def raw(server, data, shut=False):
    """Send bytes as they are, and read until the server closes."""
    with socket.create_connection(("127.0.0.1", server.server_port), timeout=20) as connection:
        connection.sendall(data)
        if shut:
            connection.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: connection.recv(65536), b""))


def test_a_connection_is_kept_for_the_next_request_and_closed_when_asked(server):
    one = b"GET /version HTTP/1.1\r\nHost: localhost\r\n\r\n"
    last = b"GET /version HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    assert raw(server, one + one + last).count(b"HTTP/1.1 200 OK") == 3


def test_a_body_that_nobody_reads_is_not_taken_for_a_request(server):
    hidden = b"GET /version HTTP/1.1\r\nHost: localhost\r\n\r\n"
    last = b"GET /questions/none HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    for head, status in ((b"GET /version", b"200"), (b"POST /nothing", b"404"), (b"PUT /sparql", b"405"), (b"POST /sparql", b"415")):
        told = raw(server, head + b" HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % len(hidden) + hidden + last)
        assert [part[:3] for part in told.split(b"HTTP/1.1 ")[1:]] == [status, b"404"]


@pytest.mark.parametrize(
    ("more", "status"),
    [
        (b"Transfer-Encoding: chunked\r\n\r\n5\r\nASK{}\r\n0\r\n\r\n", b"411"),
        (b"Content-Length: 6\r\nContent-Length: 7\r\n\r\nASK {}", b"400"),
        (b"Content-Length: -1\r\n\r\n", b"400"),
        (b"Content-Length: 99999999999999999999\r\n\r\n", b"413"),
        (b"\r\n", b"411"),
    ],
)
def test_a_body_of_unclear_length_is_refused(server, more, status):
    told = raw(server, b"POST /sparql HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/sparql-query\r\n" + more, shut=True)
    assert told.startswith(b"HTTP/1.1 " + status) and told.count(b"HTTP/1.1 ") == 1


@pytest.mark.parametrize(
    "data",
    [
        b"\x16\x03\x01\r\n\r\n",
        b"GET\r\n\r\n",
        b"<script> / HTTP/1.1\r\n\r\n",
        b"GET http://[ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
    ],
)
def test_what_is_no_request_gets_a_plain_refusal(server, data):
    told = raw(server, data, shut=True)
    assert (b"text/html" not in told and b"what:" in told and b"nosniff" in told) or told.startswith(b"what:")


def test_a_client_that_leaves_leaves_no_trace(serve, artifacts, capfd):
    client = serve(place=artifacts)
    for _ in range(5):
        connection = socket.create_connection(("127.0.0.1", client.server.server_port))
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # a close that resets
        connection.sendall(b"GET /model HTTP/1.1\r\nHost: localhost\r\n\r\n" * 20)
        connection.close()
    assert client.get("/version")[0] == 200
    time.sleep(0.3)
    assert capfd.readouterr().err == ""


def test_what_changed_in_the_folder_is_shown_and_what_did_not_is_not_sent_again(serve, tmp_path):
    generated(tmp_path / "artifacts", "first", "one.jsonl", [{"instruction": "1"}])
    client = serve(place=tmp_path / "artifacts")
    version, (_, headers, _) = client.json("/version"), client.get("/model")
    assert client.get("/model", If_None_Match=headers["ETag"])[0] == 304 and client.json("/version") == version
    generated(tmp_path / "artifacts", "second", "two.jsonl", [{"instruction": "2"}])
    assert client.json("/version") != version
    status, _, text = client.get("/model", If_None_Match=headers["ETag"])
    assert status == 200 and "two.jsonl" in text
    assert len(json.loads(client.ask("SELECT ?s { ?s a lin:Session }")[2])["results"]["bindings"]) == 2


def test_a_folder_that_is_gone_is_told_and_comes_back(serve, tmp_path):
    generated(tmp_path / "artifacts", "first", "one.jsonl", [{"instruction": "1"}])
    client = serve(place=tmp_path / "artifacts")
    (tmp_path / "artifacts").rename(tmp_path / "away")
    status, _, text = client.get("/model")
    assert status == 404 and "no such folder" in text
    (tmp_path / "away").rename(tmp_path / "artifacts")
    assert client.get("/model")[0] == 200


def test_a_store_follows_its_folder(serve, tmp_path):
    generated(tmp_path / "artifacts", "first", "one.jsonl", [{"instruction": "1"}])
    client = serve(place=tmp_path / "artifacts", store=tmp_path / "graph")
    count = "SELECT (COUNT(?s) AS ?n) { ?s a lin:Session }"
    counts = [json.loads(client.ask(count)[2])["results"]["bindings"][0]["n"]["value"]]
    generated(tmp_path / "artifacts", "second", "two.jsonl", [{"instruction": "2"}])
    counts.append(json.loads(client.ask(count)[2])["results"]["bindings"][0]["n"]["value"])
    assert counts == ["1", "2"] and (tmp_path / "graph" / "rdf").is_dir()


def test_hostile_text_leaves_as_data_of_a_type_that_is_never_run(client):
    page = client.get("/")[2]
    assert HOSTILE not in page and "harmed" not in page
    for path in (f"/{HOSTILE[:40]}".replace(" ", "%20"), "/sparql?query=%3Cscript%3E"):
        _, headers, text = client.get(path)
        assert headers["Content-Type"].startswith("text/plain") and "sandbox" in headers["Content-Security-Policy"] and "\x1b" not in text


@pytest.mark.parametrize(
    "head",
    [
        b"GET /version HTTP/1.1\r\nHost: localhost\r\nX: ",
        b"POST /sparql HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/sparql-query\r\nContent-Length: 9999\r\n\r\n",
    ],
)
def test_a_client_that_sends_a_byte_now_and_then_is_not_waited_for(serve, artifacts, monkeypatch, head):
    monkeypatch.setattr("lineage.server.connection.IDLE", 1)
    client = serve(place=artifacts)
    with socket.create_connection(("127.0.0.1", client.server.server_port), timeout=20) as connection:
        connection.sendall(head)
        connection.settimeout(0.2)
        ended = False
        for _ in range(100):
            try:
                connection.sendall(b"x")
                ended = connection.recv(100) == b""
            except TimeoutError:
                continue
            except ConnectionError:
                ended = True
            if ended:
                break
    assert ended and client.get("/version")[0] == 200


def test_a_connection_that_rests_between_requests_has_its_whole_time_for_each(serve, artifacts, monkeypatch):
    monkeypatch.setattr("lineage.server.connection.IDLE", 3)
    one = b"GET /version HTTP/1.1\r\nHost: localhost\r\n\r\n"
    with socket.create_connection(("127.0.0.1", serve(place=artifacts).server.server_port), timeout=20) as connection:
        for _ in range(4):
            connection.sendall(one[:9])
            time.sleep(1)
            connection.sendall(one[9:])
            reply = connection.recv(65536)
            while not reply.endswith(b"}"):
                reply += connection.recv(65536)
            assert reply.startswith(b"HTTP/1.1 200")


def test_an_address_with_a_host_of_its_own_is_held_against_ours(server):
    for host, status in ((b"evil.example", b"403"), (b"localhost:1@evil.example", b"403"), (b"localhost", b"200")):
        told = raw(server, b"GET http://" + host + b"/version HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        assert told.startswith(b"HTTP/1.1 " + status)


def has_ipv6():
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True


@pytest.mark.parametrize(
    ("host", "address", "allowed", "refused"),
    [
        ("0.0.0.0", "127.0.0.1", ("192.0.2.7", "localhost", "0.0.0.0"), ("evil.example", "192.0.2.7.evil.example", "")),
        ("::1", "::1", ("[::1]", "localhost"), ("evil.example", "[2001:db8::1]", "192.0.2.7", "::1")),
        ("::", "::1", ("[2001:db8::1]", "[::1]:80", "192.0.2.7"), ("evil.example", "[evil.example]")),
    ],
)
def test_who_may_ask_what_listens_elsewhere(serve, artifacts, host, address, allowed, refused):
    if ":" in host and not has_ipv6():
        pytest.skip("this machine has no IPv6")
    server = serve(place=artifacts, host=host).server
    assert server.address == f"http://{f'[{address}]' if ':' in address else address}:{server.server_port}/"

    def status(name):
        with socket.create_connection((address, server.server_port), timeout=20) as connection:
            connection.sendall(b"GET /version HTTP/1.1\r\nHost: " + name.encode() + b"\r\nConnection: close\r\n\r\n")
            return int(connection.recv(65536).split()[1])

    assert [status(name) for name in allowed] == [200] * len(allowed)
    assert [status(name) for name in refused] == [403] * len(refused)
    if host == "0.0.0.0":
        with OPENER.open(f"{server.address}sparql?query=ASK%7B%7D", timeout=20) as reply:
            assert reply.status == 200


def test_only_loopback_is_called_so(serve, artifacts):
    hosts = ["127.0.0.1", "0.0.0.0", *(["::1", "::"] if has_ipv6() else [])]
    assert [serve(place=artifacts, host=host).server.is_loopback for host in hosts] == [True, False, True, False][: len(hosts)]


def test_a_file_that_is_deleted_or_altered_while_it_is_served_is_told_of_and_the_others_stay(serve, tmp_path):
    generated(tmp_path / "artifacts", "first", "one.jsonl", [{"instruction": f"{n}"} for n in range(9)])
    generated(tmp_path / "artifacts", "second", "two.jsonl", [{"instruction": "2"}])
    client = serve(place=tmp_path / "artifacts")
    one, two = client.named("one.jsonl"), client.named("two.jsonl")
    assert len(client.json(f"/records/{one}")["rows"]) == 9
    path = tmp_path / "artifacts" / "one.jsonl"
    path.write_text(path.read_text()[:-40])
    rows = client.json(f"/records/{one}")["rows"]
    assert len(rows) == 9 and rows[-1]["problem"] and not rows[0]["problem"]
    path.unlink()
    assert client.get(f"/records/{one}")[0] == 404 and len(client.json(f"/records/{two}")["rows"]) == 1
    assert "one.jsonl" in client.get("/model")[2]
