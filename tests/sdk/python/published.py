"""What OpenAI publishes of its answers, in the types of its own package, held against every answer that a test sees; and what
the gateway's own document says of them."""

import json
from urllib.parse import parse_qs

import described
import httpx
import httpx2
from openai.types import (
    ImageEditCompletedEvent,
    ImageEditPartialImageEvent,
    ImageGenCompletedEvent,
    ImageGenPartialImageEvent,
    ImagesResponse,
    Model,
)
from openai.types.shared import ErrorObject

EVENTS = {
    "image_generation.partial_image": ImageGenPartialImageEvent,
    "image_generation.completed": ImageGenCompletedEvent,
    "image_edit.partial_image": ImageEditPartialImageEvent,
    "image_edit.completed": ImageEditCompletedEvent,
}
# What Pictor makes and OpenAI's types have no word for.
FORMATS_BEYOND = {"answer": {"avif"}, "event": {"avif", "gif"}}

# What was wrong since the last test, and how many answers were held against the types.
faults: list[str] = []
seen = {"answers": 0, "events": 0, "errors": 0, "models": 0, "described": 0}


def strictly(kind, value, where: str) -> None:
    try:
        kind.model_validate(value, strict=True)
    except ValueError as error:
        faults.append(f"{where}: {error}")


def within(value: dict, where: str) -> dict:
    """The same, where a format is none of OpenAI's with one that is."""
    return value | {"output_format": "png"} if value.get("output_format") in FORMATS_BEYOND[where] else value


def check(path: str, query: str, status: int, kind: str, body: bytes) -> None:
    """Holds one answer against the types."""
    where = f"{status} {path}"
    is_images = path.endswith(("/images/generations", "/images/edits"))
    if kind == "text/event-stream":
        for event in events(body):
            check_event(event, where)
    elif kind == "application/json" and status >= 400:
        value = json.loads(body)
        strictly(ErrorObject, value.get("error"), where)
        seen["errors"] += 1
    elif is_images and status == 200 and not asks_only(query):
        strictly(ImagesResponse, within(json.loads(body), "answer"), where)
        seen["answers"] += 1
    elif path.endswith("/v1/models") and status == 200:
        for model in json.loads(body)["data"]:
            strictly(Model, model, where)
        seen["models"] += 1


def check_event(event: dict, where: str) -> None:
    if "error" in event:
        strictly(ErrorObject, event["error"], where)
        return
    kind = EVENTS.get(event.get("type"))
    if kind is None:
        faults.append(f"{where}: an event of no known type: {event.get('type')}")
        return
    strictly(kind, within(event, "event"), where)
    seen["events"] += 1


def events(body: bytes):
    """The data of each event."""
    for block in body.decode().split("\n\n"):
        data = [line[5:].strip() for line in block.splitlines() if line.startswith("data:")]
        if data and data != ["[DONE]"]:
            yield json.loads("\n".join(data))


def asks_only(query: str) -> bool:
    """Whether a price or the reasons were asked for."""
    return any(name.replace("_", "").replace("-", "").lower() in ("dryrun", "explain") for name in parse_qs(query, True))


def watch() -> None:
    """From now on every answer to a client of `httpx` or `httpx2` is held against the types once it was read."""
    for library in (httpx, httpx2):
        _watch_sync(library)
        _watch_async(library)


def _whole(request, response, pieces: list[bytes]) -> None:
    body, url = b"".join(pieces), request.url
    kind = response.headers.get("content-type", "").split(";")[0]
    length = response.headers.get("content-length")
    if "content-encoding" in response.headers or (length is not None and int(length) != len(body)):
        return
    try:
        check(url.path, url.query.decode(), response.status_code, kind, body)
        own = described.of(f"{url.scheme}://{url.netloc.decode()}")
        if own is not None:
            faults.extend(own.faults(request.method, url.path, response.status_code, kind, body))
            seen["described"] += 1
    except (ValueError, KeyError, AttributeError) as error:
        faults.append(f"{response.status_code} {url.path}: cannot be read: {error!r}")


def _is_ours(request) -> bool:
    return request.url.path.startswith(("/openai/", "/v1/"))


def _watch_sync(library) -> None:
    send = library.HTTPTransport.handle_request

    class Watched(library.SyncByteStream):
        def __init__(self, request, response):
            self.request, self.response, self.stream = request, response, response.stream

        def __iter__(self):
            pieces = []
            for piece in self.stream:
                pieces.append(piece)
                yield piece
            _whole(self.request, self.response, pieces)

        def close(self):
            self.stream.close()

    def handle_request(self, request):
        response = send(self, request)
        if _is_ours(request):
            response.stream = Watched(request, response)
        return response

    library.HTTPTransport.handle_request = handle_request


def _watch_async(library) -> None:
    send = library.AsyncHTTPTransport.handle_async_request

    class Watched(library.AsyncByteStream):
        def __init__(self, request, response):
            self.request, self.response, self.stream = request, response, response.stream

        async def __aiter__(self):
            pieces = []
            async for piece in self.stream:
                pieces.append(piece)
                yield piece
            _whole(self.request, self.response, pieces)

        async def aclose(self):
            await self.stream.aclose()

    async def handle_async_request(self, request):
        response = await send(self, request)
        if _is_ours(request):
            response.stream = Watched(request, response)
        return response

    library.AsyncHTTPTransport.handle_async_request = handle_async_request
