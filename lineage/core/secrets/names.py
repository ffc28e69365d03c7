"""Decide by its name whether a value is a secret: `hf_token` is one, `eos_token` is not.

A name is read as words (`clientSecret`, `X-API-Key` and `HFTOKEN` too). One of them must name a
secret, and none beside it may turn that into something else: `token_ids`, `max_tokens`, `sort_key`.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from enum import IntEnum
from functools import lru_cache

from lineage.core.secrets.patterns import Pattern


class Level(IntEnum):
    """How much of a value its name makes a secret."""

    NONE = 0
    TEXT = 1  # text is a secret; numbers and booleans are counts and switches
    ALL = 2  # whatever it is


LONGEST = 128  # characters of a name that are looked at
# A text without any of these holds no name of a secret; `words` finds nothing else.
HINTS = (
    "pass", "pwd", "token", "secret", "key", "auth", "cred", "cookie", "bearer", "jwt", "otp", "_pw",
    "contrase", "motdepasse", "mot_de_passe", "senha", "wachtwoord", "hasło", "haslo", "heslo", "lösenord",
    "losenord", "salasana", "adgangskode", "şifre", "пароль", "密码", "密碼", "口令", "パスワード", "비밀번호",
    "schlüssel", "schluessel", "mnemonic", "seed_phrase", "webhook", "sessid", "_pat", "kennwort", "signature", "accountkey", "jaas",
)  # fmt: skip
_WORDS = Pattern(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+|[^\W\d_A-Za-z]+")
# Names of passwords in other languages, without accents.
_FOREIGN = Pattern(
    r"contrasen(?:y|i)?a|motdepasse|senha|wachtwoord|haslo|heslo|losenord|salasana|adgangskode|sifre"
    r"|пароль|密码|密碼|口令|ハスワート|비밀번호|(?:zugangs|zugriffs|geheim|api)schlu(?:e)?ssel"
)
_PASSWORD = Pattern(r"pass(?:word|wd|phrase|code|wort)|kennwort|secrets?$|^secret(?:key|access|token|value)")
_PASS_OWNERS = frozenset((
    "admin", "basic", "become", "broker", "db", "email", "ftp", "git", "http", "imap", "jdbc", "kafka",
    "key", "keystore", "ldap", "login", "mail", "mariadb", "mongo", "mqtt", "my", "mysql", "oracle", "pg",
    "postgres", "proxy", "rabbit", "rabbitmq", "redis", "registry", "root", "rpc", "rsync", "sasl",
    "service", "sftp", "smtp", "sql", "ssh", "sudo", "svn", "truststore", "user", "vault", "vpn", "wifi",
))  # fmt: skip
_KEY_OWNERS = frozenset((
    "access", "account", "admin", "ai", "anthropic", "api", "app", "assemblyai", "auth", "aws", "azure",
    "baseten", "bot", "braintrust", "cerebras", "clearml", "cloudflare", "dashscope", "deepgram", "kaggle",
    "mapbox", "maps", "moonshot", "opsgenie", "pagerduty", "roboflow", "runpod", "serpapi", "siliconflow",
    "snowflake", "zilliz", "client", "cohere", "comet", "crypto", "databricks", "datadog", "dd", "deepinfra",
    "deepseek", "deploy", "developer", "elastic", "eleven", "elevenlabs", "encryption", "fireworks",
    "gcp", "gemini", "github", "gitlab", "google", "gpt", "groq", "hf", "hmac", "host", "hub",
    "huggingface", "integration", "internal", "jina", "jwt", "labs", "langfuse", "langsmith",
    "license", "master", "mistral", "ml", "neptune", "nvidia", "openai", "openrouter", "org",
    "perplexity", "pinecone", "private", "prod", "project", "qdrant", "replicate", "rsa", "secret",
    "sendgrid", "serper", "server", "service", "session", "shared", "sign", "signing", "ssh",
    "storage", "stripe", "subscription", "tavily", "together", "token", "twilio", "user", "vault",
    "voyage", "wandb", "weaviate", "webhook", "write", "xai", "zhipu",
))  # fmt: skip
_PAT_OWNERS = frozenset(["ado", "azure", "devops", "gh", "git", "github", "gitlab", "jira"])
# Words that follow the name of a secret where the value is something else.
_ABOUT = frozenset((
    "acc", "accuracy", "algo", "algorithm", "arn", "backend", "class", "classes", "column",
    "columns", "cost", "count", "counts", "cracking", "dataset", "datasets", "detection", "dim", "dir", "directory", "domain", "embed", "embedding",
    "embeddings", "enabled", "endpoint", "env", "expiration", "expires", "expiry", "field", "file",
    "filename", "folder", "format", "header", "headers", "hint", "id", "ids", "idx", "index",
    "indices", "interval", "kind", "label", "len", "length", "level", "limit", "limits", "loss", "manager",
    "mask", "max", "method", "min", "mode", "model", "name", "names", "num", "number", "padding", "path",
    "pattern", "policy", "position", "positions", "prompt", "provider", "rate", "ratio", "regex",
    "required", "retrieval", "scheme", "score", "sharing", "size", "source", "stdin", "strategy", "strength",
    "style", "task", "tasks", "theft", "timeout", "ttl", "type", "types", "uri", "url", "usage", "var", "variable", "vocab",
))  # fmt: skip
# Words that come before, where the value is a switch or a number.
_SWITCH = frozenset((
    "ask", "change", "enable", "forgot", "has", "is", "max", "min", "n", "need", "needs", "no",
    "num", "require", "requires", "reset", "show", "use", "with",
))  # fmt: skip
# Tokens of a vocabulary, and what is counted in them.
_VOCABULARY = frozenset((
    "add", "added", "additional", "answer", "assistant", "audio", "backdoor", "bad", "begin", "boi", "bos", "boundary",
    "budget", "choice", "concept", "continuation", "domain", "eoc", "false", "good", "human", "init", "initializer",
    "instance", "lang", "language", "latent", "mem", "memory", "modifier", "newline", "no", "option", "page",
    "placeholder", "rare", "reward", "separator", "step", "task", "timestamp", "true", "yes",
    "class", "cls", "codebook", "completion", "context", "control", "decoder", "draft", "dropout",
    "embedding", "end", "eod", "eoi", "eom", "eop", "eos", "eot", "extra", "fake", "fill", "fim",
    "first", "forced", "generated", "generation", "healing", "ignore", "image", "img", "input",
    "instruction", "last", "lm", "logit", "logits", "logprob", "logprobs", "lookup", "mask", "mean",
    "merge", "merging", "middle", "multi", "new", "next", "non", "nontext", "object", "observation",
    "out", "output", "overlap", "pad", "patch", "per", "pixel", "pool", "pooled", "pooling",
    "position", "pre", "prefix", "prev", "previous", "prob", "probability", "probs", "prompt",
    "pruning", "query", "reasoning", "register", "response", "role", "row", "segment", "sep",
    "sequence", "space", "special", "speech", "start", "stop", "sub", "subword", "suffix", "system",
    "target", "text", "think", "thinking", "tool", "trigger", "turn", "unk", "unknown", "valid",
    "video", "vision", "visual", "vocab", "vocabulary", "weight", "weights", "word", "words", "wte",
))  # fmt: skip
# Words behind `token` that leave it a secret, as the services of _KEY_OWNERS do; others make it a part of a model.
_TOKEN_TAIL = frozenset((
    "b", "backup", "c", "cd", "ci", "data", "dev", "development", "github", "gitlab", "key", "live",
    "main", "old", "plain", "prod", "production", "raw", "read", "ro", "rw", "secret", "stage",
    "staging", "str", "string", "user", "value", "write", "x",
))  # fmt: skip
_TOKENS_OWNERS = frozenset((
    "access", "api", "auth", "bearer", "bot", "csrf", "github", "gitlab", "hf", "id_", "oauth",
    "refresh", "secret", "security", "session",
))  # fmt: skip


def words(name: str) -> list[str]:
    """Split *name* into its words, in lower case; digits are words of their own."""
    name = name[:LONGEST]
    if not name.isascii():  # without accents, and kana in one width
        name = "".join(letter for letter in unicodedata.normalize("NFKD", name) if not unicodedata.combining(letter))
        name = unicodedata.normalize("NFC", name.replace("ł", "l").replace("Ł", "L").replace("ı", "i"))
    return [word.lower() for word in _WORDS.compiled.findall(name)]


@lru_cache(maxsize=4096)
def level(name: str) -> Level:
    """Decide what a value called *name* is."""
    parts = words(name)
    if "@" in name:  # pass@1 is a measure
        return Level.NONE
    found = (_at(parts, place) for place in range(len(parts)))
    return max(found, default=Level.NONE)


def _at(parts: Sequence[str], place: int) -> Level:
    """Decide what the word at *place* makes of the value, among the words around it."""
    word, before, after = parts[place], parts[:place], parts[place + 1 :]
    kind = _alone(word, before, after)
    if kind is Level.NONE or (before and before[-1] in _SWITCH) or _is_about(word, after):
        return Level.NONE
    return kind


def _is_about(word: str, after: Sequence[str]) -> bool:
    """Say whether what follows makes the value something about the secret; a webhook is its address."""
    if word == "webhook":
        return bool(after) and after[-1] not in ("url", "uri")
    return not _ABOUT.isdisjoint(after)


def _alone(word: str, before: Sequence[str], after: Sequence[str]) -> Level:
    if _PASSWORD.search(word) or _FOREIGN.search(word) or word in ("pwd", "credential", "credentials", "cred", "creds"):
        return Level.ALL
    if (word.endswith("pwd") and word != "oldpwd") or (word == "passe" and [*before[-2:]] == ["mot", "de"]):
        return Level.ALL
    if word == "pass" and after[:1] in (["word"], ["wd"], ["phrase"]):  # dbPassWord
        return Level.ALL
    if word.endswith("pass"):
        return _pass(word, before, after)
    if word.endswith(("token", "tokens")):
        return _token(word, before, after)
    if word.endswith(("key", "keys")):
        return Level.TEXT if _is_key(word, before) else Level.NONE
    if word in _OTHERS or (word.endswith(("cookie", "cookies", "sessid", "sessionid")) and word != "sessionid"):
        return Level.TEXT
    owner = before[-1] if before else ""
    is_short = (word == "pw" and not after) or (word == "pat" and owner in _PAT_OWNERS)
    is_phrase = word == "phrase" and owner in ("seed", "recovery", "pass")
    return Level.TEXT if is_short or is_phrase else Level.NONE


_OTHERS = frozenset((
    "auth", "authorization", "basicauth", "bearer", "csrf", "httpauth", "jaas", "jsessionid", "jwt",
    "mnemonic", "otp", "passin", "passout", "totp", "webhook", "xauth", "xsrf",
))  # fmt: skip


def _pass(word: str, before: Sequence[str], after: Sequence[str]) -> Level:
    owner = word.removesuffix("pass") or (before[-1] if before else "")
    if after or (owner and owner not in _PASS_OWNERS):
        return Level.NONE
    return Level.ALL if owner else Level.TEXT  # "pass" alone may say that a test passed


def _token(word: str, before: Sequence[str], after: Sequence[str]) -> Level:
    is_plural = word.endswith("s")
    owner = word.removesuffix("s").removesuffix("token")
    around = {*before, *after, owner}
    if is_plural:
        return Level.TEXT if not _TOKENS_OWNERS.isdisjoint(around) and not (around & {"num", "max", "n"}) else Level.NONE
    if around & _VOCABULARY or around & {"num", "n", "max", "min"}:
        return Level.NONE
    is_named = all(part.isdigit() or part in _TOKEN_TAIL or part in _KEY_OWNERS for part in after)
    return Level.TEXT if is_named or not _KEY_OWNERS.isdisjoint(before) else Level.NONE


def _is_key(word: str, before: Sequence[str]) -> bool:
    owner = word.removesuffix("s").removesuffix("key")
    if owner:
        return any(owner == one or (len(one) > 2 and owner.endswith(one)) for one in _KEY_OWNERS)
    return bool(before) and (before[-1] in _KEY_OWNERS or before[-1].endswith(("api", "secret")))
