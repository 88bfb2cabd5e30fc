"""The official client tries again by itself when an answer is late or lost: the image is paid for once, and arrives."""

import asyncio
import io

import httpx
import pytest
from openai import APIStatusError, AsyncOpenAI, OpenAI
from pictures import EDIT_PROMPT, GENERATE_PROMPT, check, received, source

# Longer than the client waits, and shorter than it waits with all of its retries.
SLOW = f"{GENERATE_PROMPT} [[fault: delay=2s]]"
TIMEOUT_S = 1.5


@pytest.fixture
def impatient(wired):
    """The client with its own number of retries, and less patience than an image takes."""
    return OpenAI(base_url=wired.openai_url, api_key=wired.key, timeout=TIMEOUT_S)


@pytest.fixture
def bill(sandbox):
    """What the providers charge from now on."""
    httpx.delete(f"{sandbox.url}/_sandbox/bill").raise_for_status()
    return lambda: httpx.get(f"{sandbox.url}/_sandbox/bill").json()["entries"]


@pytest.mark.parametrize("model", ["openai/gpt-image-1-mini", "fal/gpt-image-1-mini"])
@pytest.mark.parametrize("response_format", ["url", "b64_json"])
def test_a_slow_image_is_paid_for_once(impatient, bill, model, response_format):
    raw = impatient.images.with_raw_response.generate(
        model=model, prompt=SLOW, quality="low", size="1024x1024", response_format=response_format
    )
    assert raw.retries_taken > 0, "the first answer came too late"
    check(raw.parse(), size="1024x1024")
    assert len(bill()) == 1


def test_a_slow_edit_is_paid_for_once(impatient, bill):
    raw = impatient.images.with_raw_response.edit(
        model="openai/gpt-image-1-mini",
        image=("a.png", io.BytesIO(source(256, 256)), "image/png"),
        prompt=f"{EDIT_PROMPT} [[fault: delay=2s]]",
        quality="low",
    )
    assert raw.retries_taken > 0
    check(raw.parse())
    assert len(bill()) == 1


def test_the_asynchronous_client_does_the_same(wired, bill):
    async def ask():
        async with AsyncOpenAI(base_url=wired.openai_url, api_key=wired.key, timeout=TIMEOUT_S) as client:
            images = client.images.with_raw_response
            return await images.generate(model="openai/gpt-image-1-mini", prompt=SLOW, quality="low")

    raw = asyncio.run(ask())
    assert raw.retries_taken > 0
    check(raw.parse())
    assert len(bill()) == 1


def test_two_calls_in_a_row_are_two_images(wired_client, bill):
    answers = [
        wired_client.images.generate(model="openai/gpt-image-1-mini", prompt=GENERATE_PROMPT, quality="low") for _ in range(2)
    ]
    assert answers[0].id != answers[1].id
    assert received(answers[0].data[0]) != received(answers[1].data[0])
    assert len(bill()) == 2


def test_a_slow_image_can_be_asked_for_again_once_it_has_arrived(impatient, wired_client, bill):
    prompt = f"{SLOW} twice"
    first = impatient.images.generate(model="openai/gpt-image-1-mini", prompt=prompt, quality="low")
    second = wired_client.images.generate(model="openai/gpt-image-1-mini", prompt=prompt, quality="low")
    assert first.id != second.id
    assert len(bill()) == 2


def test_what_may_have_been_paid_for_is_not_tried_again(wired_client, sandbox, bill):
    httpx.delete(f"{sandbox.url}/_sandbox/calls").raise_for_status()
    with pytest.raises(APIStatusError) as caught:
        wired_client.images.generate(
            model="openai/gpt-image-1-mini", prompt=f"{GENERATE_PROMPT} [[fault: cut]]", quality="low"
        )
    assert caught.value.status_code == 502
    assert caught.value.response.headers["x-should-retry"] == "false"
    assert len(httpx.get(f"{sandbox.url}/_sandbox/calls").json()["calls"]) == 1
    assert len(bill()) == 1


def test_a_key_of_the_callers_own(wired_client, bill):
    keyed = {"extra_headers": {"Idempotency-Key": "python-1"}}
    ask = {"model": "openai/gpt-image-1-mini", "prompt": GENERATE_PROMPT, "quality": "low"}
    first = wired_client.images.with_raw_response.generate(**ask, **keyed)
    again = wired_client.images.with_raw_response.generate(**ask, **keyed)
    assert first.headers.get("idempotent-replayed") is None
    assert again.headers["idempotent-replayed"] == "true"
    assert first.parse().id == again.parse().id
    assert received(first.parse().data[0]) == received(again.parse().data[0])
    assert len(bill()) == 1
    with pytest.raises(APIStatusError) as caught:
        wired_client.images.generate(**ask | {"n": 2}, **keyed)
    assert (caught.value.status_code, caught.value.code) == (409, "IDEMPOTENCY_CONFLICT")
