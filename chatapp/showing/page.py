"""The page of the audience's view: one picture as large as the window, nothing from elsewhere."""

from __future__ import annotations

from importlib import resources

__all__ = ["headers", "page"]


def page(nonce: str) -> str:
    """The page, as HTML. ``nonce`` is what its script and its style are allowed by."""
    text = resources.files("chatapp.showing").joinpath("page.html").read_text("utf-8")
    return text.replace("{nonce}", nonce)


def headers(nonce: str = "") -> dict[str, str]:
    """The headers of every answer: nothing is loaded from elsewhere, kept, framed or told on."""
    allowed = f"'nonce-{nonce}'" if nonce else "'none'"
    return {
        "Content-Security-Policy": (
            f"default-src 'none'; script-src {allowed}; style-src {allowed}; img-src blob:; "
            "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        ),
        "Cache-Control": "no-store",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Cross-Origin-Opener-Policy": "same-origin",
    }
