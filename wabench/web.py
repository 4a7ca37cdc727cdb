"""What the app's answers carry beyond what Streamlit writes: no page shows it in a frame, and cookies stay on https."""

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADERS = {
    "Content-Security-Policy": "frame-ancestors 'none'",
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
}


class Guarded:
    """An ASGI middleware. Streamlit leaves `Secure` off its cookies; where all is https, they get it here."""

    def __init__(self, app: ASGIApp, is_https: bool) -> None:
        self._app, self._is_https = app, is_https

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
                self._secure(headers)
            await send(message)

        await self._app(scope, receive, guarded)

    def _secure(self, headers: MutableHeaders) -> None:
        if not self._is_https:
            return
        cookies = headers.getlist("set-cookie")
        del headers["set-cookie"]
        for cookie in cookies:
            headers.append("set-cookie", cookie if "; secure" in cookie.lower() else f"{cookie}; Secure")
