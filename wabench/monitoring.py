"""A port of its own for `/healthz` and `/metrics`, in a thread beside what is watched; nothing depends on it."""

import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from wabench.metrics import CONTENT_TYPE, Family, rendered

_STOP_SECONDS = 5.0

Collect = Callable[[], Iterable[Family]]


@contextmanager
def watched(
    host: str, port: int, collect: Collect, is_well: Callable[[], bool], say: Callable[[str], None]
) -> Iterator[None]:
    """Tell health and metrics for a `with` block; where the port can't be had, say so and go on without. 0: don't."""
    listening = _listen(host, port, say) if port else None
    if listening is None:
        yield
        return
    config = uvicorn.Config(app(collect, is_well), log_level="warning", access_log=False, lifespan="off")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, name="metrics", daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.should_exit = True
        thread.join(_STOP_SECONDS)
        listening.close()


def app(collect: Collect, is_well: Callable[[], bool]) -> Starlette:
    """Build what answers."""

    def health(_: Request) -> Response:
        return PlainTextResponse("ok") if is_well() else PlainTextResponse("it stands still", 503)

    def metrics(_: Request) -> Response:
        return Response(rendered(collect()), media_type=CONTENT_TYPE)

    return Starlette(routes=[Route("/healthz", health), Route("/metrics", metrics)])


def _listen(host: str, port: int, say: Callable[[str], None]) -> socket.socket | None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
        listening.listen()  # at once: two that are only bound don't notice each other
    except OSError as error:
        listening.close()
        say(f"no metrics: can't listen on {host}:{port} ({error.strerror}); see docs/settings.md")
        return None
    return listening
