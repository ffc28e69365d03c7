"""A session, the code and environment it ran in, and who answers for it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from lineage.contract.times import time_gaps, xsd_time
from lineage.facts import CodeVersion, Script, Session
from lineage.known_by import source
from lineage.mapping.attributes import Attribute, failure, gaps, known, known_by, some
from lineage.mapping.names import DCTERMS, LIN, MLS, PROV, SCHEMA, Ids
from lineage.prov.statement import Name, Statement, literal, statement
from lineage.prov.terms import ACTIVITY, AGENT, ASSOCIATION, DELEGATION, DERIVATION, ENTITY, USAGE

# Libraries that decide what a model does: each is an agent of its own. The rest stand as attributes of the environment.
LIBRARIES = ("accelerate", "bitsandbytes", "peft", "tokenizers", "torch", "transformers")
RECORDER = "lineage-prov"
_NOT_OF_THE_MACHINE = ("packages", "command_line", "lineage_version", "script", "seeds")


@dataclass(frozen=True, slots=True)
class Scope:
    """What every function of the mapping needs to know: how things are named, and whose session it is."""

    ids: Ids
    session: Session

    @property
    def activity(self) -> Name | None:
        """The session's own activity; None where no file says that there was a session."""
        return self.ids.session(self.session) if self.session.manifest or self.session.inferred else None


def kind(*classes: Name) -> Iterator[Attribute]:
    """`prov:type`, once for each class."""
    for one in classes:
        yield PROV["type"], one


def when(value: str | None) -> str | None:
    """A time as PROV writes it; a naive one is left out, for nobody recorded its offset, and stands as a gap."""
    return xsd_time(value) if value else None


def session_statements(scope: Scope) -> Iterator[Statement]:
    """The session as an activity, with its environment, code and agents."""
    session, me = scope.session, scope.activity
    if me is None:
        return
    yield statement(ACTIVITY, me, when(session.started_at), when(session.ended_at), attributes=_about(session))
    yield from _environment(scope, me)
    if session.code:
        yield from _code(scope, me, session.code)
    yield from _agents(scope, me)


def _about(session: Session) -> Iterator[Attribute]:
    yield from kind(LIN["Session"], MLS["Experiment"], *([LIN["Inferred"]] if session.inferred else []))
    yield from some(PROV["label"], session.title or f"session {session.id}")
    yield from some(DCTERMS["identifier"], session.id)
    yield from some(LIN["status"], None if session.inferred else session.status)
    yield from known({key: session.environment.get(key) for key in ("command_line", "seeds")})
    yield from some(LIN["host"], session.host)
    yield from known_by(source(session, "status"))
    yield from failure(session.error)
    yield from gaps((*session.gaps, *time_gaps(started_at=session.started_at, ended_at=session.ended_at)))


def _environment(scope: Scope, me: Name) -> Iterator[Statement]:
    content = {key: value for key, value in scope.session.environment.items() if key not in ("command_line", "seeds", "gaps", "script")}
    if not content:
        return
    name = scope.ids.plan("environment", content)
    yield statement(ENTITY, name, attributes=_environment_attributes(scope))
    yield statement(USAGE, None, me, name, attributes=[(PROV["role"], LIN["environment"])])


def _environment_attributes(scope: Scope) -> Iterator[Attribute]:
    environment = scope.session.environment
    yield from kind(LIN["Environment"])
    yield from some(PROV["label"], f"Python {environment.get('python_version') or '?'} on {_platform(environment.get('platform'))}")
    yield from known(environment, skip=(*_NOT_OF_THE_MACHINE, "gaps"))
    packages = environment.get("packages")
    if isinstance(packages, dict):
        for package, version in sorted(packages.items()):
            yield LIN["package"], literal(f"{package}=={version}")
    yield from known_by(source(scope.session, "environment"))


def _platform(value: object) -> str:
    return value if isinstance(value, str) else "an unknown platform"


def _code(scope: Scope, me: Name, code: CodeVersion) -> Iterator[Statement]:
    name = scope.ids.code(code)
    if name is None:
        return
    yield statement(ENTITY, name, attributes=_code_attributes(code))
    yield statement(USAGE, None, me, name, attributes=[(PROV["role"], LIN["code"])])
    if code.git_sha and code.dirty:
        yield from _dirty(scope, name, code.git_sha, code)


def _code_attributes(code: CodeVersion) -> Iterator[Attribute]:
    yield from kind(LIN["CodeVersion"], SCHEMA["SoftwareSourceCode"])
    sha = code.git_sha
    yield from some(PROV["label"], f"{_state(code)}code {sha[:8]}" if sha else f"{code.script.path}" if code.script else None)
    observed = sha and not code.dirty and not code.sha_variable
    yield from some(DCTERMS["identifier"], f"swh:1:rev:{sha}" if observed else None)
    yield from some(LIN["gitSha"], sha)
    yield from some(LIN["gitShaVariable"], code.sha_variable)
    yield from some(LIN["gitBranch"], code.branch)
    yield from some(LIN["gitDirty"], code.dirty)
    yield from some(LIN["diffSha256"], code.diff_sha256)
    for script in code.untracked:
        yield LIN["untracked"], literal(f"{script.sha256}  {script.path}")
    for file in code.uncovered:
        yield LIN["notInPatch"], literal(f"{file.sha256}  {file.path}")
    yield from known_by(source(code, "git_sha"))
    yield from gaps(code.gaps)


def _state(code: CodeVersion) -> str:
    return "modified " if code.dirty else "declared " if code.sha_variable else ""


def _dirty(scope: Scope, name: Name, sha: str, code: CodeVersion) -> Iterator[Statement]:
    """The changed code is a revision of the commit, and derived from the patch, if that was kept.

    The patch is derived from neither: the same changes may be made to several commits.
    """
    commit = scope.ids.commit(sha)
    yield statement(ENTITY, commit, attributes=_code_attributes(CodeVersion(git_sha=sha, dirty=False, known=code.known)))
    yield statement(DERIVATION, None, name, commit, attributes=kind(PROV["Revision"]))
    if code.patch:
        patch = scope.ids.artifact(code.patch, scope.session)
        yield statement(DERIVATION, None, name, patch)


def _agents(scope: Scope, me: Name) -> Iterator[Statement]:
    session, ids = scope.session, scope.ids
    packages = session.environment.get("packages")
    versions = packages if isinstance(packages, dict) else {}
    for library in LIBRARIES:
        if isinstance(versions.get(library), str):
            yield from software(scope, me, library, versions[library], LIN["library"])
    recorder = session.environment.get("lineage_version")
    if isinstance(recorder, str):
        yield from software(scope, me, RECORDER, recorder, LIN["recorder"])
    if session.operator:
        operator = ids.operator(session.operator)
        yield statement(AGENT, operator, attributes=[*kind(PROV["Person"]), *some(PROV["label"], session.operator)])
        yield statement(ASSOCIATION, None, me, operator, attributes=[(PROV["role"], LIN["operator"])])


def software(scope: Scope, activity: Name, name: str, version: str, role: Name) -> Iterator[Statement]:
    """A library at a version, associated with an activity, acting for the operator where one is known."""
    agent = scope.ids.software(name, version)
    about = [*kind(PROV["SoftwareAgent"]), *some(PROV["label"], f"{name} {version}"), *some(SCHEMA["softwareVersion"], version)]
    yield statement(AGENT, agent, attributes=about)
    yield statement(ASSOCIATION, None, activity, agent, attributes=[(PROV["role"], role)])
    yield from on_behalf(scope, agent)


def on_behalf(scope: Scope, agent: Name) -> Iterator[Statement]:
    """*agent* acted on behalf of the operator, if we were asked to record one."""
    if scope.session.operator:
        yield statement(DELEGATION, None, agent, scope.ids.operator(scope.session.operator), scope.activity)


def script_agent(scope: Scope, script: Script) -> Iterator[Statement]:
    """The program as a software agent, at its version."""
    about = [
        *kind(PROV["SoftwareAgent"], LIN["Script"]),
        *some(PROV["label"], _script_label(script)),
        *some(LIN["sha256"], script.sha256),
    ]
    yield statement(AGENT, scope.ids.script(script, scope.session), attributes=[*about, *some(LIN["gitSha"], script.version)])
    yield from on_behalf(scope, scope.ids.script(script, scope.session))


def _script_label(script: Script) -> str:
    """The script at its version, with its digest: of a tree with changes the commit does not tell which script ran."""
    if not script.version:
        return script.path
    return f"{script.path} @{script.version[:8]}{f' ({script.sha256[:8]})' if script.sha256 else ''}"
