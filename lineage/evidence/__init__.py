"""What was recorded, put under the headings of those who ask: an index of evidence, cards, a paragraph for a paper.

    scope       the facts that are told of: a folder, or what one thing came from
    found       finders: facts -> evidence, each a few lines; what none finds is "not recorded"
    text        Markdown and YAML, escaped by construction
    annex_iv    a table: clause, what it asks in our words, finder
    model_card, data_card    the same, with front matter for the Hugging Face Hub
    methods     the same, a sentence a row
    report      a profile by its name

None of it says that anything complies with anything: it says where the evidence lies, and where there is none.
"""
