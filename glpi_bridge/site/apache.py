"""Apache's configuration of the sites, made from the routes: `python -m glpi_bridge.site.apache` writes it anew."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from .headers import ALWAYS, FRESH, NOT_PASSED_ON, TAKEN_OFF, YEAR
from .routes import (
    CONNECTION,
    LENGTH,
    QUERY,
    REFUSALS,
    SAME_SITE,
    SITES,
    TOKEN,
    WITH_BODY,
    body_kinds,
    request_lines,
    routes,
)

FILE: Final = Path(__file__).resolve().parents[2] / "config" / "apache" / "sites.conf"
MODULES: Final = ("alias", "authz_core", "dir", "headers", "mime", "proxy", "proxy_http", "rewrite")
"""Apache's modules that it needs (`a2enmod`)."""


def configuration() -> str:
    """Return what belongs inside the virtual host of the sites."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield "# Made by `python -m glpi_bridge.site.apache` from routes.yml: change that, not this. Belongs inside the"
    yield "# virtual host of the two sites; vhost.conf beside this is an example with all it needs."
    yield "# Modules: a2enmod " + " ".join(MODULES)
    yield "DocumentRoot ${SITE_ROOT}"
    yield "TraceEnable Off"
    yield "ProxyRequests Off"
    yield "ProxyAddHeaders Off"
    yield "AllowEncodedSlashes Off"
    yield "MergeSlashes Off"
    yield "# Where GLPI breaks off Apache ends a kept connection without a word, and browsers send again, writes too."
    yield "KeepAlive Off"
    yield "FileETag MTime Size"
    yield '<Location "/">\n  Require all granted\n</Location>'
    yield "<Directory ${SITE_ROOT}>"
    yield "  Options None\n  AllowOverride None\n  DirectoryIndex index.html\n  DirectorySlash Off"
    yield "  AddType text/javascript .js\n  AddType application/json .json\n  AddType image/svg+xml .svg"
    yield "  AddDefaultCharset utf-8\n  RemoveType .gz\n  AddEncoding gzip .gz"
    yield "</Directory>"
    yield ""
    yield "RewriteEngine On"
    yield "# An answer of ours to a refused request is not judged again."
    yield 'RewriteCond %{ENV:REDIRECT_STATUS} "!^$"'
    yield "RewriteRule ^/refused/ - [L]"
    yield "# 1. Method and address as sent: only these."
    for line in request_lines(routes()):
        yield f'RewriteCond %{{THE_REQUEST}} "!^{line} HTTP/"'
    yield "RewriteRule ^ - [R=404,L]"
    yield from _judge("%{QUERY_STRING}", QUERY, 400, "2. The query: only these keys, as sent.")
    yield from _judge("%{HTTP:Sec-Fetch-Site}", SAME_SITE, 403, "3. Only pages of this site, or no browser.")
    yield "# 4. A session's token in its header, of the right form."
    yield f'RewriteCond %{{HTTP:Session-Token}} "!{TOKEN}"'
    opened = "|".join(f"api/{one.path}$" for one in routes() if not one.session)
    yield f'RewriteRule "^/(?:portal|panel)/(?!{opened})(?:api/|file)" - [R=401,L]'
    yield from _judge("%{HTTP:Connection}", CONNECTION, 400, "5. No list of headers to be dropped on the way.")
    yield from _judge("%{HTTP:Transfer-Encoding}", "^$", 411, "6. A length is told, and is at most 20 MB.")
    yield from _judge("%{HTTP:Content-Length}", LENGTH, 413)
    yield "# 7. The kind of body that belongs to the address."
    for kind in body_kinds(routes()):
        yield f'RewriteCond "%{{REQUEST_METHOD}}:%{{REQUEST_URI}}:%{{HTTP:Content-Type}}" "!{kind}"'
    yield f'RewriteCond "%{{REQUEST_METHOD}}:%{{HTTP:Content-Length}}" "{WITH_BODY}"'
    yield "RewriteRule ^/(?:portal|panel)/api/ - [R=415,L]"
    yield "# 8. Pages and files: the packed one where it is understood."
    yield 'RewriteRule "^/$" /portal/ [R=302,L]'
    yield 'RewriteRule "^/(portal|panel)$" /$1/ [R=302,L]'
    yield 'RewriteRule "^(/(?:portal|panel)/(?:[a-z]{2}/)?)$" $1index.html'
    yield 'RewriteCond %{HTTP:Accept-Encoding} "\\bgzip\\b"'
    yield "RewriteCond %{DOCUMENT_ROOT}%{REQUEST_URI}.gz -f"
    yield 'RewriteRule "^(/.+\\.(?:html|js|css|svg|json))$" $1.gz [L]'
    yield 'RewriteCond %{HTTP:Accept-Encoding} "\\bgzip\\b"'
    yield "RewriteCond %{DOCUMENT_ROOT}$1.gz -f"
    yield 'RewriteRule "^(/(?:portal|panel)/(?:[a-z]{2}/)?index\\.html)$" $1.gz [L]'
    yield ""
    yield "# To GLPI: the App-Token is ours."
    yield 'RequestHeader set App-Token "${SITE_APP_TOKEN}"'
    for name in NOT_PASSED_ON:
        yield f"RequestHeader unset {name}"
    yield "# disablereuse: nothing is sent on a connection that GLPI may just be closing."
    yield "ProxyTimeout 60"
    for site in SITES:
        yield f'ProxyPass "/{site}/api/" "${{SITE_GLPI}}/apirest.php/" disablereuse=On'
        yield f'ProxyPass "/{site}/file" "${{SITE_GLPI}}/front/document.send.php" disablereuse=On'
    yield "<IfDefine SITE_HEALTH>"
    yield '  ProxyPass "/panel/health.json" "${SITE_HEALTH}" disablereuse=On'
    yield "</IfDefine>"
    yield ""
    yield "# To the browser."
    for name in TAKEN_OFF:
        if name == "Location":
            continue
        yield f"Header unset {name}\nHeader always unset {name}"
    yield '<LocationMatch "^/(?:portal|panel)/(?:api/|file)">'
    yield "  Header unset Location\n  Header always unset Location"
    yield '  Header always set Cache-Control "no-store"'
    for status in REFUSALS:
        yield f"  ErrorDocument {status} /refused/{status}.json"
    yield "</LocationMatch>"
    for name, value in ALWAYS.items():
        yield f'Header always set {name} "{value}"'
    yield 'Header always set Strict-Transport-Security "max-age=31536000" "expr=%{HTTPS} == \'on\'"'
    yield from _cached('LocationMatch "^/(?!assets/|(?:portal|panel)/(?:api/|file))"', FRESH)
    yield from _cached('Location "/assets/"', YEAR)


def _cached(where: str, how: str) -> Iterator[str]:
    yield f"<{where}>"
    yield f'  Header set Cache-Control "{how}"'
    yield "  Header merge Vary Accept-Encoding"
    yield f"</{where.split(maxsplit=1)[0]}>"


def _judge(subject: str, pattern: str, status: int, why: str = "") -> Iterator[str]:
    if why:
        yield f"# {why}"
    yield f'RewriteCond {subject} "!{pattern}"'
    yield f'RewriteRule "^/(?:portal|panel)/(?:api/|file)" - [R={status},L]'


if __name__ == "__main__":
    FILE.write_text(configuration(), "utf-8")
    sys.stdout.write(f"{FILE} written\n")
