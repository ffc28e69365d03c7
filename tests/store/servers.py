"""Real SPARQL servers on loopback, each in a folder of its own, for as long as a test needs them."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import ExitStack, contextmanager
from pathlib import Path

OXIGRAPH = Path(sys.executable).parent / "oxigraph"
VIRTUOSO = shutil.which("virtuoso-t")
VIRTUOSO_INI = """[Database]
DatabaseFile = {folder}/virtuoso.db
ErrorLogFile = {folder}/virtuoso.log
LockFile = {folder}/virtuoso.lck
TransactionFile = {folder}/virtuoso.trx
xa_persistent_file = {folder}/virtuoso.pxa
FileExtend = 50
[TempDatabase]
DatabaseFile = {folder}/temp.db
TransactionFile = {folder}/temp.trx
MaxCheckpointRemap = 500
[Parameters]
ServerPort = 127.0.0.1:{port}
ServerThreads = 10
CheckpointInterval = 0
NumberOfBuffers = 2000
MaxDirtyBuffers = 1500
DirsAllowed = {folder}
SchedulerInterval = 10
[HTTPServer]
ServerPort = 127.0.0.1:{web}
ServerRoot = {folder}
ServerThreads = 10
[SPARQL]
DefaultQuery = select distinct ?g where {{ graph ?g {{ ?s ?p ?o }} }}
"""


def free_ports(count):
    """Return different ports that nobody listens on."""
    with ExitStack() as stack:
        made = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [server.getsockname()[1] for server in made]


@contextmanager
def oxigraph(folder):
    """Oxigraph's own server: the base of its URLs (/query, /update, /store)."""
    (port,) = free_ports(1)
    command = [OXIGRAPH, "serve", "--location", folder / "oxigraph", "--bind", f"127.0.0.1:{port}", "--union-default-graph"]
    with _running(command, folder, f"http://127.0.0.1:{port}/query?query=ASK%7B%7D") as _:
        yield f"http://127.0.0.1:{port}"


@contextmanager
def virtuoso(folder):
    """Virtuoso, with rights for its user dba to write: the base of its URLs (/sparql, /sparql-auth, /sparql-graph-crud-auth)."""
    port, web = free_ports(2)
    (folder / "virtuoso.ini").write_text(VIRTUOSO_INI.format(folder=folder, port=port, web=web))
    command = [VIRTUOSO, "-f", "+configfile", folder / "virtuoso.ini"]
    with _running(command, folder, f"http://127.0.0.1:{web}/sparql?query=ASK%7B%3Fs%20%3Fp%20%3Fo%7D"):
        grant = "GRANT SPARQL_UPDATE TO \"SPARQL\"; DB.DBA.RDF_DEFAULT_USER_PERMS_SET('nobody', 7);"
        subprocess.run(["isql-vt", f"127.0.0.1:{port}", "dba", "dba", f"exec={grant}"], check=True, capture_output=True)
        yield f"http://127.0.0.1:{web}"


@contextmanager
def _running(command, folder, probe):
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen([str(part) for part in command], stdout=log, stderr=log, env={**os.environ, "http_proxy": ""})
    try:
        _wait(process, probe, folder / "server.log")
        yield process
    finally:
        process.kill()
        process.wait()


def _wait(process, probe, log):
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    for _ in range(600):
        try:
            with opener.open(probe, timeout=5):
                return
        except OSError:
            assert process.poll() is None, log.read_text()
            time.sleep(0.05)
    raise AssertionError(f"the server did not answer: {log.read_text()}")
