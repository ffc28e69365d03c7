"""Limits of every reader, in one place. Input may come from a stranger, so nothing about it is unbounded.

The time and memory of a reader grow no faster than its input, and its input ends here.
"""

from __future__ import annotations

LINE = 64 << 20  # bytes of one line of records or of a journal; a longer line is passed over
JSON = 64 << 20  # bytes of a JSON file that is read as a whole: a manifest, a report, an envelope
VALUES = 2_000_000  # values in one JSON text; an empty object takes 3 bytes of a file and 64 of memory
PROBLEMS = 100  # of the shape of one manifest that are told
DEPTH = 200  # levels of a JSON text; a record has five
PROV = 256 << 20  # bytes of a PROV document that this package reads itself
PROV_LIBRARY = 8 << 20  # bytes of PROV-N, PROV-XML and PROV-JSONLD: `prov` takes some thirty times the memory
PROV_STRING = 1 << 20  # bytes of one string of PROV-N: `prov` takes 150 times the memory for it
STATEMENTS = 1000  # statements that an RDF document may give beyond FACTOR times its triples
FACTOR = 4
PROOF = 1 << 20  # bytes; a proof has some forty hashes
REPORT = 256 << 20  # bytes of a report of an audit that is checked
KEY = 1 << 16  # bytes of a key file
QUERY_FILE = 1 << 20  # bytes of a file with a SPARQL query
CONFIGURATION = 1 << 20  # bytes of a file with settings
MODEL_HEADER = 16 << 20  # bytes of the header of a safetensors file; 100,000 tensors take 12 MB
UNPACKED = 64 << 20  # bytes that a packed file may unpack to, however small it is; two scans of that many take about 2 s
RATIO = 1000  # times its size, that a larger packed file may unpack to
QUERY_SECONDS = 30.0  # that a SPARQL query may take
QUERY_MEMORY = 192 << 20  # bytes that a SPARQL query may take beside the graph
