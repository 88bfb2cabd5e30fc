"""That what OpenAI publishes is held against answers: a watch that sees nothing finds nothing."""

import json

import published
import pytest
from pictures import GENERATE_PROMPT

ANSWER = {"created": 1, "data": [{"b64_json": "", "revised_prompt": None}], "size": "1x1", "output_format": "avif"}
PATH = "/openai/v1/images/generations"


def found(path: str, status: int, kind: str, body: str, query: str = "") -> list[str]:
    published.check(path, query, status, kind, body.encode())
    faults = published.faults.copy()
    published.faults.clear()
    return faults


@pytest.mark.parametrize(
    ("change", "is_right"),
    [
        ({}, True),
        ({"metadata": {}}, True),
        ({"output_format": "bmp"}, False),
        ({"created": "1"}, False),
        ({"created": None}, False),
        ({"quality": "standard"}, False),
        ({"usage": {"input_tokens": 1}}, False),
        ({"data": [{"url": 1}]}, False),
    ],
)
def test_answers(change, is_right):
    assert (found(PATH, 200, "application/json", json.dumps(ANSWER | change)) == []) == is_right
    assert found(PATH, 200, "application/json", json.dumps(ANSWER | change), "dry_run") == []


def test_events_and_errors():
    event = {"type": "image_generation.completed", "b64_json": "", "output_format": "gif"}
    assert found(PATH, 200, "text/event-stream", f"event: x\ndata: {json.dumps(event)}\n\n")
    assert found(PATH, 200, "text/event-stream", 'data: {"type":"image.done"}\n\n')
    assert found(PATH, 400, "application/json", '{"error":{"message":"no"}}')
    assert not found(PATH, 400, "application/json", '{"error":{"message":"m","type":"t","param":null,"code":"C"}}')
    assert found("/openai/v1/models", 200, "application/json", '{"data":[{"id":"m"}]}')


@pytest.mark.parametrize("is_stream", [False, True])
def test_both_clients_are_watched(client, gateway, web, is_stream):
    before = published.seen.copy()
    kind = "events" if is_stream else "answers"
    body = {"model": "mock-image", "prompt": GENERATE_PROMPT, "size": "64x64"}
    made = client.images.generate(**body, stream=is_stream)
    for _ in made if is_stream else []:
        pass
    assert published.seen[kind] > before[kind], "the official client"
    before = published.seen.copy()
    headers = {"authorization": f"Bearer {gateway.key}"}
    web.post(f"{gateway.openai_url}/images/generations", json=body | {"stream": is_stream}, headers=headers)
    assert published.seen[kind] > before[kind], "plain HTTP"
    assert published.seen["described"] > before["described"]
