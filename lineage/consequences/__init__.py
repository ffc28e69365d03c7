"""Consequences: what was made from a thing, by which way, and what to do about each result.

`impact`, `verify`, `audit`, `serve` and the explorer ask here, so that they give one answer.

    consequences  a graph and the things concerned -> Consequences
    weigh         a walk that was made already (`lineage.trace.answers.Impact`) -> Consequences
    chains        the way from a result to what it came from, on one line
    changed       the things that a digest, a session or changed lines of a file concern
    policy        the table that gives the action (docs/explanation/consequences.md)

A consequence is what was made from a thing. What its session used is not concerned: a model that is loaded by a session
without a signature is the same model as before.
"""

from lineage.consequences.policy import ACTIONS as ACTIONS
from lineage.consequences.policy import Action as Action
from lineage.consequences.policy import Cause as Cause
from lineage.consequences.weighing import Affected as Affected
from lineage.consequences.weighing import Consequences as Consequences
from lineage.consequences.weighing import consequences as consequences
from lineage.consequences.weighing import weigh as weigh
