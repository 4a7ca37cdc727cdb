"""A provider of logins on loopback: discovery, a page to choose who one is, signed tokens, and the way out."""

import base64
import hashlib
import json
import secrets
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey

CLIENT, SECRET = "wabench-at-the-stand-in", "a-client-secret-nobody-may-see"


@dataclass
class Provider:
    """Whom it knows, by the name on its page, with what its tokens say of them; and what it was asked."""

    people: Mapping[str, Mapping[str, Any]]
    key: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048, {"kid": "k1", "use": "sig"}))
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    logged_out: list[str] = field(default_factory=list)
    url: str = ""

    def metadata(self) -> dict[str, Any]:
        ends = {"authorization": "authorize", "token": "token", "end_session": "logout"}
        return {
            "issuer": self.url,
            "jwks_uri": f"{self.url}/jwks",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "code_challenge_methods_supported": ["S256"],
            **{f"{name}_endpoint": f"{self.url}/{path}" for name, path in ends.items()},
        }

    def choose(self, asked: Mapping[str, str]) -> str:
        """Draw a link for each person, as a provider does that finds several accounts."""
        assert asked["client_id"] == CLIENT
        links = []
        for name in self.people:
            code = secrets.token_urlsafe(16)
            self.codes[code] = {"name": name, "nonce": asked["nonce"], "challenge": asked["code_challenge"]}
            back = urlencode({"code": code, "state": asked["state"]})
            links.append(f'<li><a href="{escape(asked["redirect_uri"])}?{back}">{escape(name)}</a></li>')
        return f"<h1>Who are you?</h1><ul>{''.join(links)}</ul>"

    def token(self, posted: Mapping[str, str], authorization: str) -> dict[str, Any]:
        """Exchange a code, once, for who asks with the secret and the verifier it began with."""
        basic = base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        assert authorization == f"Basic {basic}"
        begun = self.codes.pop(posted["code"])
        digest = hashlib.sha256(posted["code_verifier"].encode()).digest()
        assert base64.urlsafe_b64encode(digest).rstrip(b"=").decode() == begun["challenge"]
        now = int(time.time())
        claims = {
            "iss": self.url,
            "aud": CLIENT,
            "sub": begun["name"],
            "nonce": begun["nonce"],
            "iat": now,
            "exp": now + 3600,
            **self.people[begun["name"]],
        }
        signed = jwt.encode({"alg": "RS256", "kid": "k1"}, claims, self.key)
        return {"access_token": "opaque", "token_type": "Bearer", "expires_in": 3600, "id_token": signed}


@contextmanager
def running(people: Mapping[str, Mapping[str, Any]]) -> Iterator[Provider]:
    """Run a provider that knows these people."""
    provider = Provider(people)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(provider))
    provider.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _handler(provider: Provider) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
            match parts.path:
                case "/.well-known/openid-configuration":
                    self._answer(json.dumps(provider.metadata()), "application/json")
                case "/jwks":
                    self._answer(json.dumps(KeySet([provider.key]).as_dict(private=False)), "application/json")
                case "/authorize":
                    self._answer(provider.choose(asked), "text/html")
                case "/logout":
                    provider.logged_out.append(asked["client_id"])
                    self.send_response(302)
                    self.send_header("Location", asked["post_logout_redirect_uri"])
                    self.end_headers()
                case _:
                    self.send_error(404)

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            posted = {name: values[0] for name, values in parse_qs(body).items()}
            answer = provider.token(posted, self.headers["Authorization"])
            self._answer(json.dumps(answer), "application/json")

        def _answer(self, text: str, kind: str) -> None:
            body = text.encode()
            self.send_response(200)
            self.send_header("Content-Type", f"{kind}; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    return Handler
