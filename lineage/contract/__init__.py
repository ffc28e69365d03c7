"""Facts <-> the JSON that users have (docs/reference/files.md).

strict     JSON read with every oddity named
fields     typed reading, wrong shapes noted with their path
times      ISO 8601, and xsd:dateTime
metadata   the `metadata` block of records and reports
records    JSONL files of records -> counts, slices, findings
report     evaluation reports
manifest   session manifests
journal    what each process of a session appends, and the fold of it
"""
