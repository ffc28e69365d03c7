"""Do the records still hold?  Reads the disk, changes nothing of what it reads, and says what was checked and what was not.

    audit       a folder -> a report: the world is read once, every rule looks at it, consequences are told, exceptions applied
    rules       RULES: which function finds what; the codes, words and reasons stand in lineage/findings.py
    world       what a rule may look at: sessions, what the files really hold, manifests as they were written, reports
    loads, code, provenance, records, params, artifacts, reports, training, times, graphs      the rules, by what they look at
    signatures  the same, of what lineage.signing finds
    overlap     records that a test set shares with training data
    concerns    the things of the graph that a finding is about, and their consequences (lineage.consequences)
    config      what is selected, ignored and excused, from pyproject.toml
    plain, page, machines   the report as text and Markdown, as HTML, as JSON, SARIF and JUnit
    shacl       the same profile as SHACL shapes (shapes.ttl), for other people's tools

To add a rule: a row in `lineage.findings`, a function in one of these modules, a row in RULES, and a good and a bad fixture.
"""
