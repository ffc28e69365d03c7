"""Keep secrets out of everything that is written: one policy, by name and by shape.

redact          a text of any kind, with `***` in place of secrets
command_line    the arguments of a command
hide            a JSON object: null under the name of a secret, `***` within a text
reasons         why values of the parameters of one record are not there
hidden_params   the parameters of one record; costs nothing where nothing is hidden
kinds           what secrets a patch or another file holds
found, changed  where secrets stand in a JSON value or a command that was written before

names           which names are names of secrets
shapes          what services give out
assignments     `K=V`, `K: V`, JSON, headers and options in a text
credentials     what follows a scheme, a user, a program's option
urls            user information, signatures and keys in addresses

To add a kind of token, add a row to `shapes.SHAPES`; to add a name, a word to `names`.
"""

from lineage.core.secrets.arguments import changed, command_line
from lineage.core.secrets.messages import redact
from lineage.core.secrets.search import kinds
from lineage.core.secrets.text import HIDDEN
from lineage.core.secrets.values import PART, WHOLE, found, hidden_params, hide, reasons

__all__ = ["HIDDEN", "PART", "WHOLE", "changed", "command_line", "found", "hidden_params", "hide", "kinds", "reasons", "redact"]
