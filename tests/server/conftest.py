"""A folder that is served on loopback, and a bare client that sends what it is told to and nothing else."""

import gc
import http.client
import json
from urllib.parse import urlencode

import pytest
from draw.conftest import browser  # noqa: F401  # the same Chromium
from server_data import HOSTILE, RECORDS, generated

from lineage.server import Settings, running


@pytest.fixture(scope="module", autouse=True)
def swept():
    """What other tests left of the engine is collected by the thread that made it, as the engine demands, and not by one of the server's."""
    gc.collect()


@pytest.fixture(scope="session")
def artifacts(tmp_path_factory):
    """Two sessions, a file of 230 records of which the third is hostile, and another of three."""
    folder = tmp_path_factory.mktemp("served") / "artifacts"
    rows = [{"instruction": HOSTILE if n == 2 else f"question {n}", "response": f"answer {n}"} for n in range(RECORDS)]
    generated(folder, "many", "many.jsonl", rows)
    generated(folder, HOSTILE, "few.jsonl", rows[:3])
    return folder


class Client:
    """Sends requests to a server and gives back (status, headers, text)."""

    def __init__(self, server):
        self.server = server

    def send(self, method, path, body=None, **headers):
        connection = http.client.HTTPConnection("127.0.0.1", self.server.server_port, timeout=60)
        try:
            connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
            reply = connection.getresponse()
            return reply.status, reply.headers, reply.read().decode()
        finally:
            connection.close()

    def get(self, path, **headers):
        return self.send("GET", path, **headers)

    def json(self, path):
        status, _, text = self.get(path)
        assert status == 200, text
        return json.loads(text)

    def ask(self, query, accept=None, **more):
        """A query by GET."""
        return self.get(f"/sparql?{urlencode({'query': query, **more})}", **({"Accept": accept} if accept else {}))

    def named(self, name):
        """The end of the id of a file, as the explorer knows it."""
        data = self.json(f"/sparql?{urlencode({'query': f'SELECT ?f {{ ?f prov:atLocation {json.dumps(name)} }}'})}")
        return data["results"]["bindings"][0]["f"]["value"].rpartition("/")[2]


@pytest.fixture(scope="session")
def server(artifacts):
    with running(Settings(place=artifacts)) as server:
        yield server


@pytest.fixture(scope="session")
def client(server):
    return Client(server)


@pytest.fixture
def serve(request):
    """Serve something else for the length of a test."""
    opened = []

    def start(**settings):
        context = running(Settings(**settings))
        server = context.__enter__()
        opened.append(context)
        return Client(server)

    yield start
    for context in opened:
        context.__exit__(None, None, None)
