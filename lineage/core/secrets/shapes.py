"""Recognise secrets by their shape: what a service gives out can be told from other text.

A shape is found by a literal that each of its secrets holds, and confirmed by a pattern there: a
text without the literals costs no more than looking for them.
tests/core/test_secrets_library.py compares the table with the patterns of detect-secrets.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from lineage.core.secrets.patterns import Pattern

_WORD = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")


@dataclass(frozen=True)
class Shape:
    """The secrets of one kind.

    Attributes:
        kind: The kind, as reports name it.
        literal: A text that each secret of the kind begins with.
        rest: Pattern of what follows the literal.
        inside: A secret may begin within a word.
    """

    kind: str
    literal: str
    rest: str
    inside: bool = False

    @cached_property
    def pattern(self) -> Pattern:
        """The whole pattern."""
        return Pattern(re.escape(self.literal) + self.rest)

    def spans(self, text: str) -> Iterator[tuple[int, int]]:
        """Return the places of secrets of this kind in *text*."""
        start = text.find(self.literal)
        while start >= 0:
            end = 0
            if self.inside or not start or text[start - 1] not in _WORD:
                found = self.pattern.match(text, start)
                end = found.end() if found else 0
            if end:
                yield start, end
            start = text.find(self.literal, max(end, start + 1))


# Letters and digits, of which one is a digit or a capital, or many: no ordinary word.
_MIXED = r"(?:(?=[a-z]{0,40}[A-Z0-9])[A-Za-z0-9]{8,}|[A-Za-z0-9]{12,})"
_LONG = r"[A-Za-z0-9_\-]{16,}"
_HEX = r"[0-9a-fA-F]{16,}"
_ANY = r"[^\s\"'<>\\`]+"

SHAPES = (
    Shape("Hugging Face token", "hf_", rf"(?!transformers\b|tokenizers?\b|hub\b){_MIXED}"),
    Shape("Hugging Face token", "api_org_", r"[A-Za-z0-9]{16,}"),
    Shape("API key (sk-)", "sk-", rf"(?:[A-Za-z0-9]{{0,40}}[-_]){{0,8}}{_MIXED}[\w\-]*"),
    Shape("Stripe key", "sk_", rf"(?:live|test|prod)_{_MIXED}"),
    Shape("ElevenLabs key", "sk_", r"[0-9a-f]{32,}"),
    Shape("Stripe key", "rk_", rf"(?:live|test|prod)_{_MIXED}"),
    Shape("webhook secret", "whsec_", r"[A-Za-z0-9+/=]{8,}"),
    Shape("GitHub token", "ghp_", r"[A-Za-z0-9_]{8,}"),
    Shape("GitHub token", "gho_", r"[A-Za-z0-9_]{8,}"),
    Shape("GitHub token", "ghu_", r"[A-Za-z0-9_]{8,}"),
    Shape("GitHub token", "ghs_", r"[A-Za-z0-9_]{8,}"),
    Shape("GitHub token", "ghr_", r"[A-Za-z0-9_]{8,}"),
    Shape("GitHub token", "github_pat_", r"\w{8,}"),
    Shape("GitLab token", "gl", r"(?:pat|dt|ft|ffct|soat|rt|cbt|imt|ptt|agent|oas|wt)-[\w\-]{8,}"),
    Shape("GitLab token", "GR1348941", r"[\w\-]{8,}"),
    Shape("npm token", "npm_", rf"(?!config|package|lifecycle){_MIXED}"),
    Shape("PyPI token", "pypi-", r"(?:AgE[\w\-]{8,}|[\w\-]{50,})"),
    Shape("RubyGems key", "rubygems_", _HEX),
    Shape("Google API key", "AIza", r"[\w\-]{16,}"),
    Shape("Google OAuth token", "ya29.", r"[\w\-.]{8,}"),
    Shape("Google client secret", "GOCSPX-", r"[\w\-]{8,}"),
    Shape("Google refresh token", "1//0", r"[\w\-]{16,}"),
    Shape("AWS access key", "AKIA", r"[0-9A-Z]{12,}(?:[\s,:;\"']{1,4}[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+]))?", inside=True),
    Shape("AWS access key", "ASIA", r"[0-9A-Z]{16,}(?:[\s,:;\"']{1,4}[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+]))?", inside=True),
    Shape("AWS access key", "ABIA", r"[0-9A-Z]{16,}", inside=True),
    Shape("AWS access key", "ACCA", r"[0-9A-Z]{16,}", inside=True),
    Shape("AWS access key", "A3T", r"[0-9A-Z]{17,}", inside=True),
    Shape("AWS Bedrock key", "ABSK", r"[A-Za-z0-9+/=]{40,}"),
    Shape("Azure account key", "AccountKey=", r"[A-Za-z0-9+/=]{8,}", inside=True),
    Shape("Slack token", "xox", r"[a-z](?:\.xox[a-z])?-[\w\-]{8,}"),
    Shape("Slack token", "xapp-", r"[\w\-]{8,}"),
    Shape("Slack webhook", "hooks.slack.com/", _ANY),
    Shape("Discord webhook", "discord.com/api/", rf"(?:v\d+/)?webhooks/{_ANY}"),
    Shape("Discord webhook", "discordapp.com/api/", rf"(?:v\d+/)?webhooks/{_ANY}"),
    Shape("Teams webhook", "webhook.office.com/", _ANY),
    Shape("Zapier webhook", "hooks.zapier.com/", _ANY),
    Shape("Telegram token", "api.telegram.org/bot", r"[\w:\-]{8,}"),
    Shape("JSON Web Token", "eyJ", r"[\w\-=]{4,}\.[\w\-=]{4,}(?:\.[\w\-.+/=]*)?"),
    Shape("SendGrid key", "SG.", r"[\w\-]{16,}\.[\w\-]{16,}"),
    Shape("Mailgun key", "key-", r"[0-9a-f]{32}"),
    Shape("Twilio key", "SK", r"[0-9a-z]{32}(?![0-9a-zA-Z])"),
    Shape("Twilio account", "AC", r"[0-9a-z]{32}(?![0-9a-zA-Z])"),
    Shape("Square token", "sq0", r"[a-z]{3}-[\w\-\\]{16,}"),
    Shape("Shopify token", "shp", rf"(?:at|ca|pa|ss|tka)_{_HEX}"),
    Shape("Docker token", "dckr_", r"(?:pat|oat)_[\w\-]{8,}"),
    Shape("DigitalOcean token", "do", rf"[opr]_v1_{_HEX}"),
    Shape("Databricks token", "dapi", _HEX),
    Shape("Replicate token", "r8_", _MIXED),
    Shape("Groq key", "gsk_", _MIXED),
    Shape("xAI key", "xai-", _MIXED),
    Shape("Perplexity key", "pplx-", _MIXED),
    Shape("NVIDIA key", "nvapi-", _LONG),
    Shape("Tavily key", "tvly-", rf"(?:[a-z]{{2,8}}-)?{_MIXED}"),
    Shape("LangSmith key", "lsv2_", r"\w{16,}"),
    Shape("Langfuse key", "sk-lf-", r"[0-9a-f\-]{16,}"),
    Shape("W&B key", "wandb_v1_", r"\w{16,}"),
    Shape("W&B key", "local-", r"[0-9a-f]{40}(?![0-9a-zA-Z])"),
    Shape("Together key", "tgp_v1_", r"[\w\-]{16,}"),
    Shape("Pinecone key", "pcsk_", r"\w{16,}"),
    Shape("Jina key", "jina_", r"(?=[A-Za-z_]{0,40}[0-9])\w{24,}"),
    Shape("Voyage key", "pa-", r"(?=[\w\-]{0,40}[0-9])[A-Za-z0-9_\-]{40,}"),
    Shape("Notion token", "ntn_", _MIXED),
    Shape("Notion token", "secret_", r"[A-Za-z0-9]{40,}"),
    Shape("Linear key", "lin_api_", _MIXED),
    Shape("Figma token", "figd_", _LONG),
    Shape("Postman key", "PMAK-", r"[0-9a-f\-]{24,}"),
    Shape("Airtable token", "pat", r"[A-Za-z0-9]{14}\.[0-9a-f]{64}"),
    Shape("Grafana token", "glsa_", r"\w{16,}"),
    Shape("Grafana token", "glc_", r"[A-Za-z0-9+/=]{32,}"),
    Shape("Vault token", "hvs.", _LONG),
    Shape("Vault token", "hvb.", _LONG),
    Shape("Sentry token", "sntry", r"[su]_[\w+/=\-]{16,}"),
    Shape("New Relic key", "NRAK-", r"[A-Z0-9]{16,}"),
    Shape("Doppler token", "dp.", r"(?:pt|st|ct|sa|scim|audit)\.[\w\-.]{16,}"),
    Shape("PlanetScale token", "pscale_", r"(?:tkn|pw|oauth)_[\w\-.=]{16,}"),
    Shape("Supabase key", "sbp_", _HEX),
    Shape("Supabase key", "sb_secret_", r"[\w\-]{16,}"),
    Shape("age key", "AGE-SECRET-KEY-1", r"[A-Z0-9]{16,}"),
    Shape("1Password token", "ops_ey", r"[\w\-.=+/]{16,}"),
    Shape("Artifactory key", "AKC", r"(?=[a-zA-Z]{0,40}[0-9])[a-zA-Z0-9]{10,}"),
    Shape("Artifactory key", "cmVmdGtu", r"[A-Za-z0-9]{32,}"),
    Shape("Facebook token", "EAA", r"(?=[A-Za-z]{0,40}[0-9])[A-Za-z0-9]{50,}"),
    Shape("Square token", "EAAA", r"[\w\-]{56,}"),
    Shape("Softlayer key", "api.softlayer.com/soap/v3", r"(?:\.1)?/[a-z0-9]{64}"),
    Shape("Atlassian token", "ATATT3xFfGF0", _LONG),
    Shape("Atlassian token", "ATCTT3xFfGN0", _LONG),
    Shape("Fly.io token", "fm", r"[12][a-z]?_[A-Za-z0-9+/=]{40,}"),
    Shape("Fly.io token", "fo1_", r"[\w\-]{40,}"),
    Shape("Hugging Face token", "api_", r"(?=[a-z]{0,40}[A-Z])(?=[A-Z]{0,40}[a-z])[A-Za-z]{34}(?![A-Za-z0-9_])"),
    Shape("Heroku key", "HRKU-", _LONG),
    Shape("Dropbox token", "sl.", r"(?:u\.)?[\w\-]{100,}"),
    Shape("Buildkite token", "bkua_", _HEX),
    Shape("CircleCI token", "CCIPAT_", r"\w{40,}"),
    Shape("CircleCI token", "CCIPRJ_", r"\w{40,}"),
    Shape("Contentful token", "CFPAT-", _LONG),
    Shape("Dynatrace token", "dt0", r"[a-z][0-9]{2}\.[A-Z0-9]{24}\.[A-Z0-9]{64}"),
    Shape("EasyPost key", "EZ", r"[AT]K[A-Za-z0-9]{54}"),
    Shape("Flutterwave key", "FLWSECK", r"(?:_TEST)?-[0-9a-zA-Z]{12,}"),
    Shape("Frame.io token", "fio-u-", r"[\w\-]{40,}"),
    Shape("Google storage key", "GOOG1E", r"[A-Z0-9]{40,}"),
    Shape("HubSpot token", "pat-", r"(?:na|eu)[0-9]-[0-9a-f\-]{36}"),
    Shape("Kaggle key", "KGAT_", _HEX),
    Shape("Netlify token", "nfp_", r"[A-Za-z0-9]{30,}"),
    Shape("Okta token", "SSWS 00", r"[\w\-]{20,}"),
    Shape("OpenShift token", "sha256~", r"[\w\-]{43}"),
    Shape("Prefect key", "pn", r"[ub]_[A-Za-z0-9]{36}"),
    Shape("Pulumi token", "pul-", r"[0-9a-f]{40}"),
    Shape("ReadMe key", "rdme_", r"[a-z0-9]{60,}"),
    Shape("Brevo key", "xkeysib-", r"[0-9a-f]{64}-[A-Za-z0-9]{16}"),
    Shape("Brevo key", "xsmtpsib-", r"[0-9a-f]{64}-[A-Za-z0-9]{16}"),
    Shape("Shippo token", "shippo_", r"(?:live|test)_[0-9a-fA-F]{40}"),
    Shape("Sourcegraph token", "sgp_", r"(?:[a-zA-Z0-9]{1,24}_)?[0-9a-f]{40}"),
    Shape("Twitch token", "oauth:", r"[a-z0-9]{30}(?![a-z0-9])"),
    Shape("Typeform token", "tfp_", r"[\w\-.]{40,}"),
    Shape("Yandex key", "AQVN", r"(?=[A-Za-z_\-]{0,40}[0-9])[\w\-]{35,}"),
    Shape("Vercel token", "vc", r"[kpiar]_[A-Za-z0-9]{24,}"),
    Shape("Render key", "rnd_", r"(?=[a-z]{0,40}[0-9A-Z])[A-Za-z0-9]{24,}"),
    Shape("Cerebras key", "csk-", r"(?=[a-z]{0,40}[0-9])[a-z0-9]{30,}"),
    Shape("Fireworks key", "fw_", r"(?=[a-z]{0,40}[0-9A-Z])[A-Za-z0-9]{20,}"),
    Shape("RunPod key", "rpa_", r"[A-Za-z0-9]{30,}"),
    Shape("E2B key", "e2b_", _HEX),
    Shape("Firecrawl key", "fc-", r"[0-9a-f]{32}(?![0-9a-zA-Z])"),
    Shape("NuGet key", "oy2", r"[a-z0-9]{43}(?![0-9a-zA-Z])"),
    Shape("crates.io token", "cio", r"[A-Za-z0-9]{32}(?![0-9a-zA-Z])"),
    Shape("ngrok key", "ngrok_", r"[A-Za-z0-9]{20,}"),
    Shape("Tailscale key", "tskey-", r"[a-z]{2,10}-[A-Za-z0-9\-]{16,}"),
    Shape("GitHub token", "v1.", r"[0-9a-f]{40}(?![0-9a-zA-Z])"),
    Shape("Linear key", "lin_oauth_", _HEX),
    Shape("Plaid token", "access-", r"(?:sandbox|development|production)-[0-9a-f\-]{36}"),
    Shape("Modal token", "ak-", r"(?=[A-Za-z]{0,40}[0-9])[A-Za-z0-9]{22}(?![\w\-])"),
    Shape("Modal token", "as-", r"(?=[A-Za-z]{0,40}[0-9])[A-Za-z0-9]{22}(?![\w\-])"),
    Shape("Mapbox token", "sk.eyJ", r"[\w\-]{20,}\.[\w\-]{16,}"),
    Shape("private key in base 64", "LS0tLS1CRUdJTi", r"(?!BDRVJUSUZJQ0FUR|BQVUJMSUMg)[A-Za-z0-9+/=\s]{24,}"),
    Shape("private key", "PuTTY-User-Key-File-", r"(?s:.*)"),
)
_SHORTEST = 24  # characters; no secret below is shorter
# Shapes without a literal to begin with, each with a text that must be there.
_OTHERS = (
    ("Discord token", Pattern(r"(?<![\w\-])[MNO][A-Za-z0-9_\-]{23,25}\.[A-Za-z0-9_\-]{6}\.[A-Za-z0-9_\-]{27,}"), "."),
    ("Telegram token", Pattern(r"(?<![\w\-])[0-9]{8,10}:[A-Za-z0-9_\-]{35}(?![\w\-])"), ":"),
    ("Azure client secret", Pattern(r"(?<![\w~.\-])[\w~.\-]{3}[0-9]Q~[\w~.\-]{31,}"), "Q~"),
    ("Mailchimp key", Pattern(r"(?<![0-9a-zA-Z])[0-9a-z]{32}-us[0-9]{1,2}(?![0-9a-zA-Z])"), "-us"),
    ("Terraform token", Pattern(r"(?<![\w\-])\w{14}\.atlasv1\.[\w\-=]{40,}"), ".atlasv1."),
    ("private key", Pattern(r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----(?:(?s:.)*?-----END [A-Z0-9 ]{0,40}-----|(?s:.*))"), "PRIVATE KEY"),
    ("private key", Pattern(r"---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----(?s:.*)"), "SSH2 ENCRYPTED"),
    ("W&B key", Pattern(r"(?<=login[ =:])\s{0,4}[\"']?[0-9a-f]{40}(?![0-9a-fA-F])"), "login"),
    ("W&B key", Pattern(r"(?<=login[\"'],)\s{0,4}[\"'][0-9a-f]{40}(?![0-9a-fA-F])"), "login"),
)  # fmt: skip


def spans(text: str) -> Iterator[tuple[str, int, int]]:
    """Return the kind and place of each secret in *text* that is known by its shape; places may overlap."""
    for shape in SHAPES:
        if shape.literal in text:
            yield from ((shape.kind, *span) for span in shape.spans(text))
    for kind, pattern, needed in _OTHERS if len(text) >= _SHORTEST else ():
        if needed in text:
            yield from ((kind, *found.span()) for found in pattern.finditer(text))
