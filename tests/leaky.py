"""Secrets of many kinds, made from a seed, and the shapes of command lines and texts in which they occur.

No secret stands in this file: each is made when it is asked for, so that no scanner takes the repository for a leak.
"""

import base64
import json
import random
import string
from html import escape
from urllib.parse import quote

ALNUM = string.ascii_letters + string.digits
CAPITALS = string.ascii_uppercase + string.digits
HEX = "0123456789abcdef"


class Maker:
    """Makes the random part of secrets; `made` are all that it made, each to be found nowhere."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.made = []

    def text(self, letters=ALNUM, length=24):
        """A random text that holds a digit, a capital and a small letter where its letters have them."""
        while True:
            found = "".join(self.random.choices(letters, k=length))
            wanted = [kind for kind in (string.ascii_lowercase, string.ascii_uppercase, string.digits) if set(kind) & set(letters)]
            if all(set(kind) & set(found) for kind in wanted):
                self.made.append(found)
                return found


def _kept(maker, text):
    """The text, as one that was made."""
    maker.made.append(text)
    return text


# By shape: what a service gives out, wherever it stands.
SHAPES = {
    "hugging face": lambda m: "hf_" + m.text(string.ascii_letters, 34),
    "openai": lambda m: "sk-" + "proj-" + m.text(ALNUM, 48),
    "openai, old": lambda m: "sk-" + m.text(ALNUM, 48),
    "anthropic": lambda m: "sk-" + "ant-api03-" + m.text(ALNUM, 60),
    "openrouter": lambda m: "sk-" + "or-v1-" + m.text(HEX, 64),
    "github, classic": lambda m: "ghp" + "_" + m.text(ALNUM, 36),
    "github, oauth": lambda m: "gho" + "_" + m.text(ALNUM, 36),
    "github, server": lambda m: "ghs" + "_" + m.text(ALNUM, 36),
    "github, fine-grained": lambda m: "github" + "_pat_" + m.text(ALNUM, 60),
    "gitlab": lambda m: "glpat" + "-" + m.text(ALNUM, 20),
    "npm": lambda m: "npm" + "_" + m.text(ALNUM, 36),
    "google": lambda m: "AI" + "za" + m.text(ALNUM, 35),
    "google oauth": lambda m: "ya29" + "." + m.text(ALNUM, 40),
    "google client": lambda m: "GOC" + "SPX-" + m.text(ALNUM, 28),
    "stripe": lambda m: "sk_" + "live_" + m.text(ALNUM, 24),
    "stripe, restricted": lambda m: "rk_" + "live_" + m.text(ALNUM, 24),
    "aws id": lambda m: "AK" + "IA" + m.text(string.ascii_uppercase + string.digits, 16),
    "aws, temporary": lambda m: "AS" + "IA" + m.text(string.ascii_uppercase + string.digits, 16),
    "slack bot": lambda m: "xox" + "b-" + m.text(string.digits, 12) + "-" + m.text(ALNUM, 24),
    "slack user": lambda m: "xox" + "p-" + m.text(string.digits, 12) + "-" + m.text(ALNUM, 24),
    "slack webhook": lambda m: (
        "https://hooks.slack." + "com/services/T" + m.text(ALNUM, 8) + "/B" + m.text(ALNUM, 8) + "/" + m.text(ALNUM, 24)
    ),
    "discord webhook": lambda m: "https://discord." + "com/api/webhooks/" + m.text(string.digits, 18) + "/" + m.text(ALNUM, 60),
    "jwt": lambda m: "eyJ" + m.text(ALNUM, 20) + "." + "eyJ" + m.text(ALNUM, 40) + "." + m.text(ALNUM, 43),
    "sendgrid": lambda m: "SG" + "." + m.text(ALNUM, 22) + "." + m.text(ALNUM, 43),
    "pypi": lambda m: "pypi" + "-AgEIcHlwaS5vcmc" + m.text(ALNUM, 80),
    "digitalocean": lambda m: "dop" + "_v1_" + m.text(HEX, 64),
    "databricks": lambda m: "da" + "pi" + m.text(HEX, 32),
    "replicate": lambda m: "r8" + "_" + m.text(ALNUM, 37),
    "groq": lambda m: "gs" + "k_" + m.text(ALNUM, 52),
    "nvidia": lambda m: "nv" + "api-" + m.text(ALNUM, 64),
    "langsmith": lambda m: "lsv2" + "_pt_" + m.text(HEX, 32),
    "docker": lambda m: "dckr" + "_pat_" + m.text(ALNUM, 27),
    "shopify": lambda m: "shp" + "at_" + m.text(HEX, 32),
    "square": lambda m: "sq0" + "csp-" + m.text(ALNUM, 43),
    "mailchimp": lambda m: m.text(HEX, 32) + "-us" + "12",
    "telegram": lambda m: m.text(string.digits, 9) + ":" + "AA" + m.text(ALNUM, 33),
    "vault": lambda m: "hvs" + "." + m.text(ALNUM, 90),
    "wandb": lambda m: "wandb" + "_v1_" + m.text(ALNUM, 77),
    "url user": lambda m: "https://me:" + m.text() + "@host/x",
    "url token": lambda m: "https://" + m.text() + "@host/x",
    "url, @ in it": lambda m: "postgres://me:" + m.text(ALNUM, 10) + "@" + m.text(ALNUM, 10) + "@db/x",
    "url, / in it": lambda m: "https://me:a" + m.text(ALNUM, 10) + "/" + m.text(ALNUM, 10) + "@host/x",
    "mongo": lambda m: "mongodb+srv://me:" + m.text() + "@c.mongodb.net/x",
    "redis": lambda m: "redis://:" + m.text() + "@host:6379/0",
    "query": lambda m: "https://host/x?a=1&api_key=" + m.text() + "&b=2",
    "query key": lambda m: "https://host/x?key=" + m.text(),
    "azure signature": lambda m: "https://a.blob.core.windows.net/c?sv=1&sig=" + m.text(),
    "aws signature": lambda m: "https://b.s3.amazonaws.com/k?X-Amz-Date=1&X-Amz-Signature=" + m.text(HEX, 64),
    "google signature": lambda m: "https://storage.googleapis.com/b?X-Goog-Signature=" + m.text(HEX, 64),
    "connection string": lambda m: "Server=db;User Id=sa;Password=" + m.text() + ";Encrypt=yes",
    "azure account": lambda m: "AccountName=a;Account" + "Key=" + m.text(ALNUM, 86) + "==",
    "bearer": lambda m: "Authorization: Bearer " + m.text(),
    "basic": lambda m: "Authorization: Basic " + base64.b64encode(f"me:{m.text()}".encode()).decode(),
    "cookie": lambda m: "Cookie: session=" + m.text() + "; theme=dark",
    "api header": lambda m: "X-API-Key: " + m.text(),
    "pem": lambda m: (
        "-----BEGIN " + "PRIVATE KEY-----\n" + m.text(ALNUM, 64) + "\n" + m.text(ALNUM, 40) + "\n-----END " + "PRIVATE KEY-----"
    ),
    "pem, rsa, no end": lambda m: "-----BEGIN RSA " + "PRIVATE KEY-----\n" + m.text(ALNUM, 64),
    "assignment": lambda m: "OPENAI_API_KEY=" + m.text(),
    "assignment, colon": lambda m: "password: " + m.text(),
    "json": lambda m: json.dumps({"a": 1, "client_secret": m.text()}),
    "json in json": lambda m: json.dumps(json.dumps({"api_key": m.text(), "b": 2})),
    "python": lambda m: repr({"password": m.text(), "n": 3}),
    "list of headers": lambda m: repr([("Accept", "*/*"), ("Authorization", m.text())]),
    "option": lambda m: "prog --hf-token " + m.text() + " --lr 1",
    "shell": lambda m: "sh -c 'export GITLAB_TOKEN_PROD=" + m.text() + "; make'",
    "curl": lambda m: "curl -u me:" + m.text() + " https://host",
    "failed command": lambda m: f"Command {['prog', '--password', m.text(), 'x']} returned non-zero exit status 1.",
    "piped": lambda m: "echo " + m.text() + " | docker login -u me --password-stdin",
    "netrc": lambda m: "machine host login me password " + m.text(),
    "atlassian": lambda m: "ATA" + "TT3xFfGF0" + m.text(ALNUM, 180),
    "buildkite": lambda m: "bk" + "ua_" + m.text(HEX, 40),
    "circleci": lambda m: "CCI" + "PAT_" + m.text(ALNUM, 22) + "_" + m.text(HEX, 40),
    "dynatrace": lambda m: "dt0" + "c01." + m.text(CAPITALS, 24) + "." + m.text(CAPITALS, 64),
    "fly": lambda m: "fm" + "2_" + m.text(ALNUM, 100),
    "hubspot": lambda m: "pat" + "-na1-" + m.text(HEX, 8) + "-1234-4234-8234-" + m.text(HEX, 12),
    "hugging face, old": lambda m: "api" + "_" + m.text(string.ascii_letters, 34),
    "modal": lambda m: "ak" + "-" + m.text(ALNUM, 22),
    "okta": lambda m: "SSWS 0" + "0" + m.text(ALNUM, 40),
    "brevo": lambda m: "xkeysib" + "-" + m.text(HEX, 64) + "-" + m.text(ALNUM, 16),
    "tailscale": lambda m: "tskey" + "-auth-" + m.text(ALNUM, 16) + "-" + m.text(ALNUM, 32),
    "vercel": lambda m: "vc" + "k_" + m.text(ALNUM, 56),
    "host and port": lambda m: "me:" + m.text() + "@db:5432/x",
    "oracle": lambda m: "jdbc:oracle:thin:scott/" + m.text() + "@//host:1521/x",
    "address in an address": lambda m: "https://host/x?next=" + quote(f"https://other/?token={m.text()}", safe=""),
    "password in an address in an address": lambda m: "https://host/x?next=" + quote(f"https://me:{m.text()}@other/", safe=""),
    "json, escaped": lambda m: quote(json.dumps({"password": m.text()})),
    "json in html": lambda m: escape(json.dumps({"password": m.text()})),
    "xml": lambda m: f"<server><password>{m.text()}</password></server>",
    "xml, cdata": lambda m: f"<password><![CDATA[{m.text()}]]></password>",
    "xml attributes": lambda m: f'<property name="password" type="text" value="{m.text()}"/>',
    "xml properties": lambda m: f"<property><name>fs.s3a.secret.key</name><value>{m.text()}</value></property>",
    "json, capitals": lambda m: json.dumps([{"Name": "DB_PASSWORD", "Value": m.text()}]),
    "yaml block": lambda m: f"api_key: |\n  {m.text()}\nx: 1",
    "yaml, next line": lambda m: f"password:\n  {m.text()}\nx: 1",
    "in a sentence": lambda m: f"Incorrect API key provided: {m.text()}. You can find yours",
    "in a sentence, quoted": lambda m: f"invalid access token '{m.text()}'",
    "password in a sentence": lambda m: f"login failed for me with password {m.text()}",
    "sql": lambda m: f"CREATE USER me IDENTIFIED BY '{m.text()}'",
    "basic auth, python": lambda m: f"HTTPBasicAuth('me', '{m.text()}')",
    "login, python": lambda m: f"huggingface_hub.login('{m.text()}')",
    "aws configure": lambda m: "aws configure set aws_secret_access_key " + m.text(ALNUM, 40),
    "dockerfile": lambda m: "ENV HF_TOKEN " + m.text(),
    "docker login": lambda m: "docker login -u me -p " + m.text() + " registry",
    "mysql": lambda m: "mysql -uroot -p" + m.text() + " db",
    "sshpass": lambda m: "sshpass -p '" + m.text() + "' ssh host",
    "htpasswd": lambda m: "htpasswd -bc file me " + m.text(),
    "kubectl": lambda m: "kubectl create secret generic x --from-literal=foo=" + m.text(),
    "printf": lambda m: "printf '%s' " + m.text() + " | docker login --password-stdin",
    "curl, options together": lambda m: "curl -su me:" + m.text() + " https://host",
    "pem, base 64": lambda m: _kept(m, base64.b64encode(b"-----BEGIN RSA " + b"PRIVATE KEY-----\n" + m.text(ALNUM, 64).encode()).decode()),
    "& in it": lambda m: "password=" + m.text(ALNUM, 8) + "&" + m.text(ALNUM, 8),
    "' in it": lambda m: "password: " + m.text(ALNUM, 8) + "'" + m.text(ALNUM, 8),
}
# By name: the secret itself is any text.
NAMES = (
    "api_key", "apiKey", "API-KEY", "openai_api_key", "token", "hf_token", "HFTOKEN", "accessToken", "access_token", "refresh_token", "mytoken",
    "GITLAB_TOKEN_PROD", "token_value", "auth_token", "use_auth_token", "bearer", "authorization", "Authorization", "proxy-authorization",
    "password", "passwd", "passphrase", "dbpassword", "db_password", "PGPASSWORD", "MYSQL_PWD", "SSHPASS", "pwd", "smtp_pass", "userPassword",
    "secret", "client_secret", "clientSecret", "AWS_SECRET_ACCESS_KEY", "aws_secret_access_key", "secretKey", "private_key", "signing_key",
    "credentials", "cred", "cookie", "session_cookie", "Cookie", "wandb_key", "openai_key", "azure_key", "account_key", "subscription-key",
    "x-api-key", "jwt", "webhook_url", "encryption_key", "ssh_key", "master_key", "service_account_key",
    "dbPassWord", "passwort", "Kennwort", "contraseña", "contrasena", "mot_de_passe", "motDePasse", "senha", "wachtwoord", "hasło", "lösenord",
    "şifre", "пароль", "密码", "パスワード", "비밀번호", "zugangsschluessel", "ansible_become_pass", "pagerduty_key",
)  # fmt: skip
# Command lines, with § for a secret.
COMMANDS = (
    ("--api-key=§",), ("--api-key", "§"), ("--pass", "§"), ("--pwd", "§"), ("--passphrase=§",), ("--wandb-key", "§"), ("--openai_key=§",),
    ("--bearer", "§"), ("--cred", "§"), ("--cookie", "§"), ("curl", "-u", "me:§"), ("curl", "--user", "me:§"), ("curl", "-ume:§"),
    ("--token-value=§",), ("--accessToken=§",), ("--accessToken", "§"), ("--clientSecret", "§"), ("--mytoken", "§"), ("--token", "a", "§"),
    ("--password", "--", "§"), ("--key", "§"), ("GITLAB_TOKEN_PROD=§",), ("HFTOKEN=§",), ("dbpassword=§",), ("PGPASSWORD=§",), ("MYSQL_PWD=§",),
    ("SSHPASS=§",), ('{"api_key": "§"}',), ("--config", '{"token":"§"}'), ("{'password': '§'}",), ("sh", "-c", "prog --token §"),
    ("bash", "-c", "curl -u me:§ URL"), ("bash", "-lc", "MYSQL_PWD='§' mysql -u root"), ("sh", "-c", "sh -c 'prog --password §'"),
    ("-H", "Cookie: s=§"), ("-H", "X-API-Key: §"), ("--header=Authorization: Bearer §",), ("--set", "password: §"), ("env", "OPENAI_API_KEY=§"),
    ("docker", "run", "-e", "HF_TOKEN=§"), ("docker", "run", "--env=HF_TOKEN=§"), ("docker", "login", "-p", "§"), ("mysql", "-uroot", "-p§"),
    ("sshpass", "-p", "§", "ssh", "host"), ("redis-cli", "-a", "§"), ("+model.api_key=§",), ("++auth.token=§",), ("--password=§ and more",),
    ("--config", '{"env": [{"name": "API_KEY", "value": "§"}]}'), ("-passin", "pass:§"), ("--api_keys", "§", "§"), ("-d", "user=me&password=§"),
    ("python", "-c", "import os; os.environ['HF_TOKEN'] = '§'"), ("/p:Password=§",), ("--dsn", "postgres://me:§@db/x"),
    ("aws", "configure", "set", "aws_secret_access_key", "§"), ("setx", "OPENAI_API_KEY", "§"), ("curl", "-su", "me:§"),
    ("az", "login", "--service-principal", "-p", "§"), ("htpasswd -bc file me §",), ("mysql -uroot -p§ db",),
    ("sqlplus", "scott/§@db"), ("sqlplus", "-s", "scott/§@//host:1521/x"), ("sh", "-c", "sqlplus scott/§@db"), ("smbclient", "//host/s", "-U", "me%§"),
    ("smbclient", "-UDOM/me%§"), ("aws", "ssm", "put-parameter", "--name", "x", "--value", "§"), ("gh", "secret", "set", "NAME", "--body", "§"),
    ("gh secret set NAME -b§",), ("kubectl", "create", "secret", "generic", "x", "--from-literal=a=§", "--from-literal", "b=§"),
    ("vault", "kv", "put", "secret/p", "a=§", "b=§"), ("bash", "-c", "vault kv patch secret/p a='§'"), ("fly", "secrets", "set", "DB=§"),
    ("db.example.org:5432:app:me:§",), ("*:*:*:me:§",), ("keytool", "-storepass", "§"), ("rabbitmqctl", "add_user", "me", "§"),
    ("htpasswd", "-bc", "file", "me", "§"),
)  # fmt: skip
# What experiments record, and is no secret.
PLAIN_NAMES = (
    "max_new_tokens", "eos_token_id", "pad_token_id", "eos_token", "tokenizer", "token_type_ids", "add_special_tokens", "num_key_value_heads", "key_dim",
    "keyword", "sort_key", "author", "authority", "monkey", "primary_key", "pass@1", "pass_k", "pass_rate", "bypass", "forward_pass", "num_tokens",
    "tokens_per_second", "prompt_tokens", "completion_tokens", "past_key_values", "public_key", "cache_key", "label_key", "skip_special_tokens",
    "bad_words_token_ids", "session_id", "run_id", "token_count", "tokenizer_revision", "passage", "keypoints", "compass", "secretary", "author_email",
    "auth_type", "token_url", "api_key_env", "password_file", "qk_norm", "decoder_start_token_id", "top_k", "image_token", "mask_token", "num_passes",
    "separator_token", "language_token", "yes_token", "reward_token", "placeholder_token", "initializer_token", "rare_token", "page_token",
    "cookie_theft_task", "password_cracking_dataset", "secret_sharing", "cred_interval", "role_key", "segment_key",
)  # fmt: skip
PLAIN_TEXTS = (
    "Qwen/Qwen2.5-32B", "meta-llama/Llama-3.1-8B-Instruct", "sk-learn", "scikit-learn==1.5.2", "hf_transformers", "pass@1=0.32", "<|endoftext|>",
    "What is a good password?", "How do I reset my password: a guide for beginners", "Explain what a token is: a unit of text that a model reads.",
    "The secret of a good key is simple.", "python train.py --max_new_tokens 150 --tokenizer qwen --sort-key length --author me", "s3://bucket/a/b.parquet",
    "git@github.com:org/repo.git", "https://github.com/org/repo@v1.0", "ssh://git@github.com/org/repo.git", "http://localhost:8080/v1", "localhost:8080",
    "https://huggingface.co/org/model/resolve/main/config.json?download=true", "nvcr.io/nvidia/pytorch:24.05-py3", "docker run -u 1000:1000 image",
    "tokenizer(text, return_tensors='pt')", "eos_token='</s>', pad_token='[PAD]'", "{'eos_token_id': 2, 'tokens': 15}", "max_tokens=100", "api_key=$OPENAI_API_KEY",
    "HF_TOKEN=${HF_TOKEN}", "PWD=/home/me", "me@example.com", "/data/keys/tokens.jsonl", "task-1234567890", "Basic understanding of algebra", "bearer of bad news",
    "transformers==4.45.0,tokenizers==0.20", "--password-stdin", "author: Jane Doe", "key-value store", "User: hello\nAssistant: hi",
    "docker run --gpus all -p 8888:8888 -u me:users image", "curl -b cookies.txt https://host", "map:0.5@iou.5", "f1:macro@val", "sort -u a:b",
    "https://host/x?q=a%20b%3Dc", "&lt;s&gt; is a token", "<key>C#m</key>", "the token embedding of Qwen2.5-7B-Instruct-AWQ",
    "https://example.org/a?key=value", "https://example.org/search?q=tokens&key=first_name", "kubectl create configmap x --from-literal=a=b",
    "gh pr create --body text", "vault kv get secret/p", "smbclient -U me //host/s", "sqlplus / as sysdba", "reg.io:5000:latest", "fe80:1234:abcd:ef01:2345",
    "src/a.c:1234:12:error:undeclared",
    "The pass key is 71432. Remember it.", "api_version: 2024-06-01", "mkdir -p out/a1b2c3d4", "the API key of section 4.2",
)  # fmt: skip
