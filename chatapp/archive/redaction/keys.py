"""Keys, tokens and passwords, by detect-secrets' regular expressions. Only its patterns run: its
own scan reads files, asks the issuer whether a key works, and yields ``ghp`` for a GitHub token.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from importlib import import_module
from typing import Any, Final

from chatapp.archive.redaction import checks
from chatapp.archive.redaction.scanning import Rule, Span


def _word(match: re.Match[str]) -> Span | None:
    """The whole word that the match stands in: patterns of a fixed length leave tails."""
    return _widened(match.string, *match.span())


def _first(match: re.Match[str]) -> Span | None:
    """The word of the first group: what is assigned."""
    group = 1 if match.re.groups else 0
    return _widened(match.string, *match.span(group))


def _first_mixed(match: re.Match[str]) -> Span | None:
    """The same if it holds digits, as all but one in a thousand of these keys do."""
    group = 1 if match.re.groups else 0
    return _first(match) if checks.mixed(match.group(group)) else None


def _mixed_word(match: re.Match[str]) -> Span | None:
    found = re.search(r"\w+", match.group())
    if not found or not checks.mixed(found.group()):
        return None
    return _widened(match.string, match.start() + found.start(), match.start() + found.end())


def _password(match: re.Match[str]) -> Span | None:
    return match.span(1) if checks.written(match.group(1)) else None


def _npm(match: re.Match[str]) -> Span | None:
    start = match.start(1)
    return start, start + len(match.group(1).split()[0])


_WORD: Final = re.compile(r"[A-Za-z0-9_-]*")


def _widened(line: str, start: int, end: int) -> Span:
    before = _WORD.match(line[:start][::-1])
    behind = _WORD.match(line, end)
    return start - (before.end() if before else 0), behind.end() if behind else end


# Left out: Base64HighEntropyString and HexHighEntropyString (each hash, id and long name in a
# text about code), IPPublicDetector (misses an address at the end of a sentence; DataFog's is
# used), PrivateKeyDetector and JwtTokenDetector's pattern (they find the first line of a key, a
# token without its signature; ``gaps`` finds the whole).
_KEPT: Final[tuple[tuple[str, str, str, Callable[..., Span | None], str], ...]] = (
    ("artifactory", "ArtifactoryDetector", "ARTIFACTORY_KEY", _mixed_word, "A"),
    ("aws", "AWSKeyDetector", "AWS_KEY", _first_mixed, ""),
    ("azure_storage_key", "AzureStorageKeyDetector", "AZURE_KEY", _word, "AccountKey="),
    ("basic_auth", "BasicAuthDetector", "PASSWORD", _password, "://"),
    ("cloudant", "CloudantDetector", "CLOUDANT_KEY", _first, ""),
    ("discord", "DiscordBotTokenDetector", "DISCORD_TOKEN", _word, "."),
    ("github_token", "GitHubTokenDetector", "GITHUB_TOKEN", _word, "gh"),
    ("gitlab_token", "GitLabTokenDetector", "GITLAB_TOKEN", _word, ""),
    ("ibm_cloud_iam", "IbmCloudIamDetector", "IBM_KEY", _first_mixed, ""),
    ("ibm_cos_hmac", "IbmCosHmacDetector", "IBM_KEY", _first_mixed, ""),
    ("mailchimp", "MailchimpDetector", "MAILCHIMP_KEY", _word, "-us"),
    ("npm", "NpmDetector", "NPM_TOKEN", _npm, "_authToken"),
    ("openai", "OpenAIDetector", "OPENAI_KEY", _word, "T3BlbkFJ"),
    ("pypi_token", "PypiTokenDetector", "PYPI_TOKEN", _word, "pypi-"),
    ("sendgrid", "SendGridDetector", "SENDGRID_KEY", _word, "SG."),
    ("slack", "SlackDetector", "SLACK_TOKEN", _word, ""),
    ("softlayer", "SoftlayerDetector", "SOFTLAYER_KEY", _first, ""),
    ("square_oauth", "SquareOAuthDetector", "SQUARE_SECRET", _word, "sq0csp-"),
    ("stripe", "StripeDetector", "STRIPE_KEY", _word, "k_live_"),
    ("telegram_token", "TelegramBotTokenDetector", "TELEGRAM_TOKEN", _word, ":"),
    ("twilio", "TwilioKeyDetector", "TWILIO_KEY", _word, ""),
)


def _assigned(group: int) -> Callable[[re.Match[str]], Span | None]:
    """What a line of code gives to a name like ``password``. Sentences, single words and
    stand-ins are not passwords: ``"password": "Must not be empty"``, ``"your-api-key"``."""

    def span(match: re.Match[str]) -> Span | None:
        value = match.group(group)
        sound = checks.mixed(value) and checks.written(value) and not re.search(r"\s", value)
        return match.span(group) if sound and len(value) >= 6 else None

    return span


@cache
def key_rules() -> tuple[Rule, ...]:
    """detect-secrets' rules that are kept. Imported on first use: it takes 0.1 s."""
    rules = []
    for module, name, kind, span, needs in _KEPT:
        plugin: Any = getattr(import_module(f"detect_secrets.plugins.{module}"), name)
        rules += [
            Rule(kind, f"detect-secrets/{name}", pattern, span, needs)
            for pattern in plugin.denylist
        ]
    keyword: Any = import_module("detect_secrets.plugins.keyword")
    rules += [
        Rule("PASSWORD", "detect-secrets/KeywordDetector", pattern, _assigned(group), needs)
        for pattern, group in keyword.QUOTES_REQUIRED_DENYLIST_REGEX_TO_GROUP.items()
        # Names followed by a quoted word and a semicolon: prose, and its time grows cubically.
        if pattern is not keyword.FOLLOWED_BY_QUOTES_AND_SEMICOLON_REGEX
        for needs in (":" if pattern is keyword.FOLLOWED_BY_COLON_QUOTES_REQUIRED_REGEX else "=",)
    ]
    return tuple(rules)


def is_token(text: str) -> bool:
    """Whether two parts of base64 with a point between them are a JSON web token's."""
    from detect_secrets.plugins.jwt import JwtTokenDetector

    return bool(JwtTokenDetector.is_formally_valid(text))
