"""The headers every answer of the sites' web server carries."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

CSP: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; "
    "form-action 'none'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; "
    "trusted-types dompurify"
)
ALWAYS: Final[Mapping[str, str]] = {
    "Content-Security-Policy": CSP,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
TAKEN_OFF: Final = (
    "Access-Control-Allow-Origin", "Access-Control-Expose-Headers", "Access-Control-Allow-Methods",
    "Access-Control-Allow-Headers", "Set-Cookie", "Location", "Link", "X-Powered-By",
)  # fmt: skip
"""What GLPI answers and the sites' pages do not need; its addresses are not the sites'."""

NOT_PASSED_ON: Final = ("Cookie", "Origin", "Authorization", "Referer", "X-HTTP-Method-Override")
"""What a browser sends and GLPI does not get; App-Token is replaced."""

YEAR: Final = "public, max-age=31536000, immutable"
FRESH: Final = "no-cache"
