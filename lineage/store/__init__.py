"""The combined graph: many sessions as one, asked in SPARQL 1.1.  Only reads what it is asked about.

    terms       values and files' names as RDF terms, and terms for people
    sparql      what a query may say, and how a parameter is bound: as a term, never as text
    sources     folders and PROV files -> one named graph a session
    embedded    those graphs in memory
    saved       the same on disk: a session is replaced as a whole, readers and a writer do not meet
    child       a query in a process of its own, which can be stopped; seal: and can open no connection
    targets     what can be asked, whichever of these it is
    endpoint    a SPARQL 1.1 endpoint by its URL; http: how it is spoken to, guard: for how long; push: how sessions get there
    results     answers -> JSON, CSV, TSV, Turtle, a table, Python values

The default graph is the merge of all named graphs (SPARQL 1.1 Query, 13.1): a triple that two sessions tell is there once.
"""
