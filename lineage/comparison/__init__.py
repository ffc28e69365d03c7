"""Are these two results comparable, and if not, what differs?

    subjects   what is compared: an evaluation, a data set, a model or a session, with the runs and loads that made it
    seen       what the facts say of a subject, and where each stands
    policy     what is looked at, and what a difference means: the one table
    verdict    the table applied to two subjects
    sessions   two sessions, fact by fact
    reports    both as text, Markdown and JSON

Nothing is assumed: what was not recorded on either side is unknown, also where it was recorded on neither.
"""
