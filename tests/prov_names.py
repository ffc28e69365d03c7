"""The PROV name of a key of oracles.py: the one place where the facts' walk and the graph meet."""

from lineage.facts import CodeVersion, ModelLoad
from lineage.mapping.names import Ids, canonical
from lineage.prov.statement import Name

IDS = Ids()


class Names:
    """The names of the things of one history."""

    def __init__(self, history):
        self._named = {}
        for session in history:
            self._session(session)

    def _session(self, session):
        found = self._named
        if session.code:
            found["code", session.code.git_sha, session.code.diff_sha256 if session.code.dirty else None] = IDS.code(session.code)
            found["code", session.code.git_sha, None] = IDS.code(CodeVersion(git_sha=session.code.git_sha))
        found["session", session.id] = IDS.session(session)
        found["environment", canonical(session.environment)] = IDS.plan("environment", session.environment)
        for run in session.activities:
            for file in [*run.used, *run.made, *(part for one in run.made for part in one.parts)]:
                found["file", file.sha256] = IDS.artifact(file, session)
            if run.script:
                found["script", run.script.path, run.script.version] = IDS.script(run.script, session)
            if isinstance(run, ModelLoad):
                digests = tuple(sorted(file.sha256 for file in run.used))
                found["base", digests or (run.provenance["model_name"], run.provenance["revision"])] = IDS.base_model(run, session)
                found["plan", canonical(run.provenance)] = IDS.plan("config", run.provenance)
            elif run.params:
                found["plan", type(run), canonical(run.params)] = IDS.plan(f"params-{type(run).__name__.lower()}", run.params)
        for file in session.artifacts:
            found["file", file.sha256] = IDS.artifact(file, session)

    def of(self, key):
        """The IRI under which the graph knows the thing."""
        kind, first, *rest = key
        match kind:
            case "run" | "doing":
                return IDS.run(first)
            case "loaded":
                return IDS.loaded_model(first)
            case "sentinels":
                return IDS.sentinels(first)
            case "loader":
                return IDS.loader(first, None)
            case "operator":
                return IDS.operator(first)
            case "software":
                return IDS.software(first, rest[0])
            case "slice":
                return Name(f"{self.of(('file', first))}-slice-L{rest[0]}")
            case "metric":
                return IDS.metric(self.of(("file", first)), rest[0])
        return self._named[key]
