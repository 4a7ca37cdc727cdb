"""What the app's answers carry: no frame may show it, and cookies stay on https where there is nothing else."""

import asyncio

import httpx
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from wabench import web


async def answer(request: Request) -> PlainTextResponse:
    response = PlainTextResponse("ok", headers={"X-Frame-Options": "ALLOWALL"})
    response.set_cookie("user", "ana", httponly=True)
    response.set_cookie("language", "ru", secure=True)
    return response


@pytest.mark.parametrize("is_https", [True, False])
def test_an_answer_is_guarded(is_https: bool) -> None:
    guarded = Middleware(web.Guarded, is_https=is_https)
    app = Starlette(routes=[Route("/", answer)], middleware=[guarded])

    async def ask() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="https://app.example") as client:
            return await client.get("/")

    told = asyncio.run(ask())
    assert {name: told.headers[name] for name in web.HEADERS} == web.HEADERS
    cookies = told.headers.get_list("set-cookie")
    assert len(cookies) == 2
    assert [cookie.lower().count("; secure") for cookie in cookies] == [int(is_https), 1]
