"""`lineage serve`: the address that it prints, the port that it finds, how it ends."""

import errno
import os
import re
import resource
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import ExitStack

import pytest
from test_served_http import has_ipv6

from lineage.cli import main
from lineage.cli.serve import command
from lineage.errors import LineageError, NotFoundError
from lineage.server import Server, Settings, running

OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@pytest.fixture
def started():
    processes = []

    def start(*argv, before=None):
        process = subprocess.Popen(
            [sys.executable, "-m", "lineage.cli", "serve", *map(str, argv)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=before,
        )
        processes.append(process)
        return process, process.stdout.readline().strip()

    yield start
    for process in processes:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_prints_its_address_answers_and_ends_cleanly(started, artifacts, number):
    process, address = started(artifacts, "--port", 0)
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/", address)
    with OPENER.open(f"{address}version", timeout=20) as reply:
        assert reply.status == 200
    process.send_signal(number)
    out, err = process.communicate(timeout=20)
    assert (process.returncode, out) == (0, "") and err.endswith("stopped\n") and "Traceback" not in err


def test_a_background_job_of_a_shell_which_ignores_interrupts_ends_too(started, artifacts):
    process, _ = started(artifacts, "--port", 0, before=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN))
    process.send_signal(signal.SIGINT)
    assert process.wait(20) == 0


def test_it_ends_at_once_while_a_query_runs_and_leaves_no_process(started, artifacts):
    process, address = started(artifacts, "--port", 0)
    slow = "sparql?query=SELECT%20(COUNT(*)%20AS%20%3Fn)%20%7B%20%3Fa%20%3Fb%20%3Fc.%3Fd%20%3Fe%20%3Ff.%3Fg%20%3Fh%20%3Fi.%3Fj%20%3Fk%20%3Fl%20%7D"
    port = int(address.rstrip("/").rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(f"GET /{slow} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        children = _wait_for(lambda: _children(process.pid))
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
        assert _wait_for(lambda: not any(os.path.exists(f"/proc/{one}") for one in children))


def _children(pid):
    with open(f"/proc/{pid}/task/{pid}/children") as file:
        found = file.read().split()
    tasks = os.listdir(f"/proc/{pid}/task")
    for task in tasks:
        with open(f"/proc/{pid}/task/{task}/children") as file:
            found += file.read().split()
    return set(found)


def _wait_for(look, seconds=10):
    until = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < until
        time.sleep(0.05)
    return found


def test_the_next_port_is_taken_where_one_is_not_free(started, artifacts):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        process, address = started(artifacts, "--port", port)
        assert 0 < int(address.rstrip("/").rpartition(":")[2]) != port
        process.terminate()
        assert f"port {port} is taken" in process.communicate(timeout=20)[1]


def test_a_folder_that_is_not_there_is_told_before_anything_listens(capsys, tmp_path):
    assert main(["serve", str(tmp_path / "none")]) == 3
    assert main(["serve", "--store", str(tmp_path / "none")]) == 3
    assert "none" in capsys.readouterr().err
    with pytest.raises(NotFoundError), running(Settings(place=tmp_path / "none")):
        pass


def test_a_host_that_is_not_ours_to_listen_on_is_told(artifacts):
    with pytest.raises(LineageError, match="cannot listen"), running(Settings(place=artifacts, host="192.0.2.1")):
        pass


def test_a_prov_file_is_served_without_records(serve, artifacts, tmp_path, capsys):
    assert main(["export", str(artifacts), "--format", "trig", "--output", str(tmp_path / "all.trig")]) == 0
    client = serve(place=tmp_path / "all.trig")
    assert "many.jsonl" in client.get("/model")[2]
    assert '"value":"2"' in client.ask("SELECT (COUNT(?s) AS ?n) { ?s a lin:Session }")[2]
    assert client.get(f"/records/{client.named('many.jsonl')}")[0] == 404


def test_the_browser_is_opened_where_it_is_asked_for(monkeypatch, artifacts):
    opened = []
    monkeypatch.setattr("lineage.cli.serve.webbrowser.open", opened.append)
    monkeypatch.setattr(Server, "wait", lambda server: opened.append(server.address))
    assert main(["serve", str(artifacts), "--port", "0", "--open"]) == 0
    assert opened[0] == opened[1] and opened[0].startswith("http://127.0.0.1:")


def test_help_shows_an_example():
    assert "lineage serve artifacts/ --open" in command.epilog


def test_an_empty_host_is_refused_and_does_not_mean_every_address(capsys, artifacts):
    assert main(["serve", str(artifacts), "--host", ""]) == 2
    assert "the address to listen on is empty" in capsys.readouterr().err


def test_what_listens_everywhere_prints_an_address_that_opens_and_says_who_can_read(started, artifacts):
    process, address = started(artifacts, "--port", 0, "--host", "0.0.0.0")
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/", address)
    with OPENER.open(f"{address}version", timeout=20) as reply:
        assert reply.status == 200
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=20)
    assert process.returncode == 0 and "it listens on 0.0.0.0: other machines can reach this" in err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_at_once_whatever_its_clients_do(started, artifacts, number):
    process, address = started(artifacts, "--port", 0)
    port = int(address.rstrip("/").rpartition(":")[2])
    with ExitStack() as stack:
        connections = [stack.enter_context(socket.create_connection(("127.0.0.1", port))) for _ in range(40)]
        for connection, begin in zip(
            connections, [b"", b"GET / HT", b"GET /version HTTP/1.1\r\nHost: localhost\r\n\r\n", b"\x00"] * 10, strict=True
        ):
            connection.sendall(begin)
        assert connections[2].recv(15) == b"HTTP/1.1 200 OK"
        process.send_signal(number)
        out, err = process.communicate(timeout=5)
        assert connections[0].recv(1) == b""
    assert process.returncode == 0
    assert out == ""
    assert err.splitlines()[1:] == ["stopped"]


def test_more_connections_than_the_process_may_open_files_exclude_nobody(started, artifacts):
    limit = (256, 256)
    process, address = started(artifacts, "--port", 0, before=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, limit))
    port = int(address.rstrip("/").rpartition(":")[2])
    with ExitStack() as stack:
        for _ in range(600):
            stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=20))
        for _ in range(10):
            began = time.monotonic()
            with OPENER.open(f"{address}version", timeout=20) as reply:
                assert reply.status == 200
            assert time.monotonic() - began < 5
    process.terminate()
    assert process.communicate(timeout=20)[1].splitlines()[1:] == ["stopped"]


@pytest.mark.parametrize(
    ("host", "address"), [("::1", "::1"), ("[::1]", "::1"), ("::", "::1"), ("0.0.0.0", "127.0.0.1"), ("localhost", "127.0.0.1")]
)
def test_each_kind_of_address_is_served_from_the_command_line(started, artifacts, host, address):
    if ":" in host and not has_ipv6():
        pytest.skip("this machine has no IPv6")
    process, shown = started(artifacts, "--port", 0, "--host", host)
    with OPENER.open(f"{shown}version", timeout=20) as reply:
        assert reply.status == 200
    with socket.create_connection((address, int(shown.rstrip("/").rpartition(":")[2])), timeout=20) as connection:
        connection.sendall(b"GET /version HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        assert connection.recv(15) == b"HTTP/1.1 200 OK"
    process.terminate()
    assert process.wait(20) == 0


def test_where_no_port_is_free_the_error_names_the_address(artifacts, monkeypatch):
    def taken(*_, **__):
        raise OSError(errno.EADDRINUSE, "Address already in use")

    monkeypatch.setattr("lineage.server.web.socket.create_server", taken)
    with pytest.raises(LineageError, match=r"127\.0\.0\.1:0: cannot listen: Address already in use \(give another --host or --port\)"):
        Server(Settings(place=artifacts, port=8030))


@pytest.mark.parametrize("missing", ["starlette", "uvicorn", "h11"])
def test_without_its_libraries_it_says_what_to_install_and_shows_its_help(artifacts, missing):
    code = f"import sys; sys.modules[{missing!r}] = None; from lineage.cli import main; sys.exit(main(sys.argv[1:]))"
    done = subprocess.run([sys.executable, "-c", code, "serve", artifacts], capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert "pip install 'lineage-prov[server]'" in done.stderr
    assert "Traceback" not in done.stderr
    assert subprocess.run([sys.executable, "-c", code, "serve", "--help"], capture_output=True, timeout=60).returncode == 0


def test_a_server_that_ended_by_itself_is_an_error(artifacts, monkeypatch):
    monkeypatch.setattr("lineage.server.web._Uvicorn.run", lambda *_: None)
    with running(Settings(place=artifacts)) as server, pytest.raises(LineageError, match="ended by itself"):
        server.wait()
