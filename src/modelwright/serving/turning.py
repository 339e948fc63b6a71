"""Requests that are turned away: the HTTP status and the sentences that go with it. Knows no route."""

from __future__ import annotations

from http import HTTPStatus

BAD, UNKNOWN, TOO_LARGE = HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND, HTTPStatus.REQUEST_ENTITY_TOO_LARGE
WRONG_TYPE, UNREADABLE = HTTPStatus.UNSUPPORTED_MEDIA_TYPE, HTTPStatus.UNPROCESSABLE_ENTITY
FULL = HTTPStatus.SERVICE_UNAVAILABLE


class Turned(Exception):
    """Away, with a status and sentences that are safe to tell anyone: no path, no address, no part of another request."""

    def __init__(self, status: HTTPStatus, *sentences: str) -> None:
        super().__init__("\n".join(sentences))
        self.status, self.sentences = status, sentences
