"""What we and `prov` write for any document passes the published schemas."""

import json
from pathlib import Path

import jsonschema
import prov
from documents import documents
from hypothesis import given, settings
from lxml import etree

from lineage import formats
from lineage.errors import FormatError

SCHEMAS = Path(prov.__file__).parent / "tests" / "schemas"
# The published schema spells one of its kinds `wasEndedby`, which the submission's text and every reader write `wasEndedBy`.
PROV_JSON = jsonschema.Draft4Validator(json.loads((SCHEMAS / "prov-json.schema.json").read_text().replace("wasEndedby", "wasEndedBy")))
PROV_JSONLD = jsonschema.Draft7Validator(json.loads((SCHEMAS / "prov-jsonld.schema.json").read_text()))
PROV_XML = etree.XMLSchema(etree.parse(SCHEMAS / "prov.xsd"))
CONTEXT = "https://openprovenance.org/prov-jsonld/context.jsonld"


@given(documents())
@settings(max_examples=60)
def test_prov_json_passes_its_schema(document):
    assert list(PROV_JSON.iter_errors(json.loads(formats.dumps(document, "json")))) == []


@given(documents())
@settings(max_examples=30)
def test_prov_jsonld_passes_its_schema(document):
    """The schema knows the submission's context by its URL only; ours stands in the file, to be read offline."""
    linked = json.loads(formats.dumps(document, "jsonld"))
    linked["@context"] = [part if all(isinstance(iri, str) for iri in part.values()) else CONTEXT for part in linked["@context"]]
    assert list(PROV_JSONLD.iter_errors(linked)) == []


def test_the_schemas_refuse_what_is_no_prov():
    assert not PROV_JSON.is_valid({"uses": {"_:u": {"prov:activity": "ex:a", "prov:entity": "ex:e"}}})  # no kind of statement
    assert not PROV_JSONLD.is_valid({"@context": [CONTEXT], "@graph": [{"@type": "prov:Usage", "entity": "ex:e"}]})


@given(documents())
@settings(max_examples=30)
def test_prov_xml_passes_its_schema(document):
    try:
        written = formats.dumps(document, "xml")
    except FormatError:
        return  # a name that XML does not have: test_formats tells which
    PROV_XML.assertValid(etree.fromstring(written))
