"""The lines of a log that a CI runner obeys: the rules of actions/runner, Azure Pipelines and TeamCity."""

import re


def obeyed(text):
    """Yield the lines of *text* that a runner takes for commands."""
    for line in re.split(r"[\n\r\x85\u2028\u2029]", text):
        if line.lstrip().startswith("::"):
            yield line
        if re.search(r"##(vso|teamcity)?\[", line, re.IGNORECASE):
            yield line
