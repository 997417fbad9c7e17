"""Errors as RFC 9457 problem documents for programs, and as a page for people.

Law: a problem says what happened and what to do next, and never quotes what was sent.
"""

from __future__ import annotations

import orjson
from aiohttp import web

from web.markup import render

API = "/api/"


class Problem(Exception):
    """Ends a request with this status; `code` is a stable word, `help_text` says what to do next."""

    def __init__(
        self,
        status: int,
        code: str,
        title: str,
        detail: str = "",
        *,
        help_text: str = "",
        retry_after: int | None = None,
    ) -> None:
        super().__init__(title)
        self.status = status
        self.code = code
        self.title = title
        self.detail = detail
        self.help_text = help_text
        self.headers = {} if retry_after is None else {"Retry-After": str(retry_after)}

    def document(self) -> dict[str, object]:
        """The problem as RFC 9457 members, with `code` and `help`."""
        document: dict[str, object] = {
            "type": f"urn:friendstream:problem:{self.code}",
            "title": self.title,
            "status": self.status,
            "code": self.code,
        }
        if self.detail:
            document["detail"] = self.detail
        if self.help_text:
            document["help"] = self.help_text
        return document


def answer(request: web.Request, problem: Problem) -> web.Response:
    """The problem in the shape that the path promises."""
    if request.path.startswith(API):
        body = orjson.dumps(problem.document())
        return web.Response(
            body=body, status=problem.status, content_type="application/problem+json", headers=problem.headers
        )
    page = render(
        "page",
        title=problem.title,
        content=render("problem", title=problem.title, detail=problem.detail, help=problem.help_text),
    )
    return web.Response(text=page, status=problem.status, content_type="text/html", headers=problem.headers)


def of_http(trouble: web.HTTPException) -> Problem:
    """aiohttp's own refusals (no such path, wrong method) as problems."""
    headers = {name: value for name, value in trouble.headers.items() if name == "Allow"}
    problem = Problem(trouble.status, f"http_{trouble.status}", trouble.reason)
    problem.headers = headers
    return problem
