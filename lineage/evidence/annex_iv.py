"""Technical documentation of Regulation (EU) 2024/1689, Annex IV, with Annex XI and Articles 12 and 19: what is asked, in our words, and what answers it.

The text of the Regulation decides (https://eur-lex.europa.eu/eli/reg/2024/1689/oj), as it stands amended; ours only says where to look.
"""

from __future__ import annotations

from lineage.evidence import found
from lineage.evidence.found import Row

ROWS = (
    Row("Annex IV 1(a)", "purpose of the system, its provider, its version and how that relates to earlier ones"),
    Row("Annex IV 1(b)", "how it works together with hardware and software that is not part of it"),
    Row("Annex IV 1(c)", "versions of the software it needs", found.software),
    Row("Annex IV 1(d)", "in what forms it is placed on the market"),
    Row("Annex IV 1(e)", "hardware on which it is meant to run; recorded is that on which it ran", found.hardware),
    Row("Annex IV 1(f)-(h)", "pictures of the product, the user interface, instructions for use"),
    Row(
        "Annex IV 2(a)", "steps of development; models of others that were used, and how they were changed: base models", found.base_models
    ),
    Row("Annex IV 2(a)", "the same: trainings", found.trainings),
    Row("Annex IV 2(b)", "design choices and what is optimised for; recorded are parameters, not reasons", found.settings),
    Row("Annex IV 2(c)", "how the parts of the software work together"),
    Row("Annex IV 2(c)", "computing that was used to develop, train and test; recorded is time by the clock", found.compute),
    Row("Annex IV 2(d)", "training data: where it comes from and how it was obtained", found.training_data),
    Row(
        "Annex IV 2(d)", "the same: how it was selected, labelled and cleaned; recorded are steps of selection and merging", found.selection
    ),
    Row("Annex IV 2(e)", "assessment of human oversight"),
    Row("Annex IV 2(f)", "changes that are planned beforehand"),
    Row("Annex IV 2(g)", "validation and testing: data, metrics, logs and reports", found.evaluations),
    Row(
        "Annex IV 2(g)",
        "the same: reports dated and signed by those responsible; recorded is which sessions a key has signed, not whose it is",
        found.signatures,
    ),
    Row("Annex IV 2(h)", "measures of cybersecurity"),
    Row("Annex IV 3", "monitoring, functioning and control; accuracy for groups of persons; foreseeable risks"),
    Row("Annex IV 4", "why the metrics are fit for the system"),
    Row("Annex IV 5", "the risk management system"),
    Row("Annex IV 6", "changes through the lifecycle", found.changes),
    Row("Annex IV 7-9", "standards applied, declaration of conformity, plan of monitoring after the market"),
    Row(
        "Annex XI 1(2)(c)",
        "general-purpose models: type and provenance of data for training and testing, number of data points",
        found.data,
    ),
    Row("Annex XI 1(2)(d)", "general-purpose models: computation and time of training; recorded is time by the clock", found.training_time),
    Row("Annex XI 1(2)(e)", "general-purpose models: energy"),
    Row("Article 12(1)", "events are recorded automatically while the system is in use; recorded are those of its making", found.logs),
    Row("Article 19(1)", "for how long such logs are kept"),
)
