"""The documents that the `prov` library tests itself with: read as it reads them, and kept whole by every format."""

from pathlib import Path

import prov
import pytest
from prov.model import ProvDocument

from lineage import formats
from lineage.errors import FormatError
from lineage.prov.bridge import from_prov, to_prov
from lineage.prov.document import flattened, same

CORPUS = sorted((Path(prov.__file__).parent / "tests" / "json").glob("*.json"))
# PROV-DM 5 requires an argument that these lack: PROV-N cannot write them, and we read no relation that relates nothing.
INCOMPLETE = {
    "association2", "attribution1", "attribution2", "communication1", "communication2", "delegation2", "derivation1", "derivation2",
    "derivation9", "end1", "end4", "influence1", "influence2", "mention1", "start1", "start4", "usage1",
}  # fmt: skip
NO_MENTION = {("mention2", "jsonld")}  # PROV-JSONLD has no term for it


@pytest.mark.parametrize("path", [path for path in CORPUS if path.stem not in INCOMPLETE], ids=lambda path: path.stem)
def test_a_document_is_read_as_prov_reads_it_and_survives_every_format(path):
    theirs = ProvDocument.deserialize(content=path.read_text(), format="json")
    document = formats.loads(path.read_bytes(), "json")
    assert to_prov(document) == theirs
    for name in formats.FORMATS:
        if (path.stem, name) in NO_MENTION:
            with pytest.raises(FormatError, match="cannot hold"):
                formats.dumps(document, name)
            continue
        if name in ("turtle", "trig", "nquads") and path.stem.startswith("scruffy-"):
            continue  # two relations with one identifier are one node in RDF
        whole = flattened(document) if name == "turtle" else document
        if name in ("provn", "xml", "jsonld"):  # prov writes these, and writes a time in its own digits
            whole = from_prov(to_prov(whole))
        assert same(formats.loads(formats.dumps(whole, name), name), whole), name


@pytest.mark.parametrize("name", sorted(INCOMPLETE))
def test_a_relation_without_a_required_argument_is_refused(name):
    (path,) = (path for path in CORPUS if path.stem == name)
    with pytest.raises(FormatError, match="needs"):
        formats.loads(path.read_bytes(), "json")
