"""Values of each kind, none of them anybody's. Keys are put together here, so that no scanner of
repositories takes them for real ones."""

from __future__ import annotations

from typing import Final

LETTERS: Final = "aB3dE5gH7jK9mN1pQ2rS4tU6vW8xY0zA" * 4

VALUES: Final[tuple[tuple[str, str], ...]] = (
    ("EMAIL", "ada.lovelace@analytical-engine.org"),
    ("EMAIL", "o'brien+news@mail.example.co.uk"),
    ("EMAIL", "jürgen.müller@straße.de"),
    ("EMAIL", "почта@пример.рф"),
    ("PHONE", "(555) 123-4567"),
    ("PHONE", "+1 212-555-0187"),
    ("PHONE", "415.555.0132"),
    ("PHONE", "+44 20 7946 0958"),
    ("PHONE", "+49 30 1234567"),
    ("CARD", "4111 1111 1111 1111"),
    ("CARD", "5500-0000-0000-0004"),
    ("CARD", "378282246310005"),
    ("CARD", "6011111111111117"),
    ("CARD", "2223 0031 2200 3222"),
    ("CARD", "30569309025904"),
    ("SSN", "219-09-9999"),
    ("IP", "93.184.216.34"),
    ("IP", "2606:2800:220:1:248:1893:25c8:1946"),
    ("IBAN", "DE89 3704 0044 0532 0130 00"),
    ("IBAN", "GB82WEST12345698765432"),
    ("VAT_ID", "DE123456789"),
    ("AWS_KEY", "AKIA" + "IOSFODNN7EXAMPLE"),
    ("GITHUB_TOKEN", "ghp_" + LETTERS[:36]),
    ("GITHUB_TOKEN", "github_pat_" + LETTERS[:22] + "_" + LETTERS[:59]),
    ("GITLAB_TOKEN", "glpat-" + LETTERS[:20]),
    ("ANTHROPIC_KEY", "sk-ant-api03-" + LETTERS[:95]),
    ("OPENAI_KEY", "sk-proj-" + LETTERS[:74] + "T3BlbkFJ" + LETTERS[:74]),
    ("OPENAI_KEY", "sk-" + LETTERS[:20] + "T3BlbkFJ" + LETTERS[:20]),
    ("GOOGLE_KEY", "AIza" + LETTERS[:35]),
    ("HUGGING_FACE_TOKEN", "hf_" + LETTERS[:34]),
    ("NPM_TOKEN", "npm_" + LETTERS[:36]),
    ("PYPI_TOKEN", "pypi-AgEIcHlwaS5vcmc" + LETTERS[:90]),
    ("SENDGRID_KEY", "SG." + LETTERS[:22] + "." + LETTERS[:43]),
    ("SLACK_TOKEN", "xoxb-" + "123456789012-1234567890123-" + "abcdefabcdef12"),
    ("SQUARE_SECRET", "sq0csp-" + LETTERS[:43]),
    ("STRIPE_KEY", "sk_live_" + LETTERS[:24]),
    ("TELEGRAM_TOKEN", "110201543:AA" + LETTERS[:33]),
    ("TWILIO_KEY", "SK" + "0123456789abcdef" * 2),
    ("MAILCHIMP_KEY", "0123456789abcdef" * 2 + "-us12"),
    ("DISCORD_TOKEN", "M" + LETTERS[:23] + "." + LETTERS[:6] + "." + LETTERS[:27]),
    (
        "JWT",
        "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0."
        "dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U",
    ),
    (
        "PRIVATE_KEY",
        "-----BEGIN ENCRYPTED PRIVATE "
        + "KEY-----\n"
        + f"{LETTERS[:64]}\n" * 3
        + "-----END ENCRYPTED PRIVATE KEY-----",
    ),
)
"""Each is found wherever it stands as a word."""

IN_CONTEXT: Final[tuple[tuple[str, str, str], ...]] = (
    ("PHONE", "My phone number is {}", "5551234567"),
    ("PHONE", "Call me: {}.", "2125550187"),
    ("PASSWORD", "postgres://bob:{}@db.internal:5432/shop", "hunter2"),
    ("PASSWORD", "https://bob:{}@example.com/", "p@ss!w$rd"),
    ("PASSWORD", 'password = "{}"', "hunter2"),
    ("PASSWORD", "{{'db_password': '{}'}}", "tr0ub4dor&3"),
    ("AWS_KEY", 'aws_secret_key = "{}"', LETTERS[:40]),
    ("AZURE_KEY", "{};EndpointSuffix=core.windows.net", "AccountKey=" + LETTERS[:86] + "=="),
    ("CLOUDANT_KEY", 'cloudant_password = "{}"', "0123456789abcdef" * 4),
    ("IBM_KEY", 'ibm_api_key: "{}"', LETTERS[:44]),
    ("IBM_KEY", 'cos_secret_access_key = "{}"', "0123456789abcdef" * 3),
    ("SOFTLAYER_KEY", 'softlayer_api_key = "{}"', "0123456789abcdef" * 4),
    ("NPM_TOKEN", "//registry.example/:_authToken={}", "01234567-89ab-cdef-0123-456789abcdef"),
    ("ARTIFACTORY_KEY", "It is {} now", "AKC" + LETTERS[:20]),
    ("TAX_ID", "Steuer-ID: {}", "12345678901"),
    ("INSURANCE_ID", "Rentenversicherungsnummer {}", "65 170839 J 003"),
    ("PASSPORT", "Passport number {}", "C01234567"),
    ("PERMIT", "Residence Permit {}", "AT1234567"),
)
"""Each is found by what stands around it."""
