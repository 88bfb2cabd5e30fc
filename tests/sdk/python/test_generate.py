"""Generation through the gateway by the official client."""

import base64

import pytest
from openai import APIError, BadRequestError, RateLimitError
from openai.types import ImageGenPartialImageEvent
from pictures import GENERATE_PROMPT, check, opened, received

MODELS = ["gpt-image-1", "gpt-image-1-mini", "gpt-image-1.5", "gpt-image-2"]


@pytest.mark.parametrize("model", MODELS)
def test_the_documented_example(client, model):
    answer = client.images.generate(model=model, prompt=GENERATE_PROMPT, size="1024x1024")
    # Without `output_format` each provider's own format comes.
    check(answer, size="1024x1024")
    assert answer.data[0].url.startswith(str(client.base_url).split("/openai/")[0] + "/media/")
    assert answer.created > 1_700_000_000
    assert answer.metadata["model"] == model
    assert answer.metadata["sandbox"] is True
    assert answer.metadata["cost_currency"] == "USD"
    assert answer.metadata["cost"] > 0


@pytest.mark.parametrize("model", MODELS)
def test_four_images_by_link(client, model):
    answer = client.images.generate(model=model, prompt=GENERATE_PROMPT, n=4, quality="low", response_format="url")
    check(answer, count=4)
    contents = {received(item) for item in answer.data}
    assert len(contents) == 4, "each image is another one"


@pytest.mark.parametrize("model", MODELS)
def test_ten_images_as_base64(client, model):
    answer = client.images.generate(
        model=model, prompt=GENERATE_PROMPT, n=10, quality="low", size="1024x1024", response_format="b64_json"
    )
    check(answer, count=10, size="1024x1024")
    assert all(item.url is None for item in answer.data)


@pytest.mark.parametrize("format", ["png", "jpeg", "webp", "gif", "avif"])
@pytest.mark.parametrize("model", MODELS)
def test_every_format(client, model, format):
    answer = client.images.generate(
        model=model, prompt=GENERATE_PROMPT, size="1024x1024", quality="low", output_format=format
    )
    check(answer, size="1024x1024", format=format)
    extension = {"jpeg": "jpg"}.get(format, format)
    assert answer.data[0].url.split("?")[0].endswith("." + extension)


@pytest.mark.parametrize(
    ("model", "size"),
    [
        ("gpt-image-1", "1536x1024"),
        ("gpt-image-1", "1024x1536"),
        ("gpt-image-1-mini", "1536x1024"),
        ("gpt-image-1.5", "1024x1536"),
        ("gpt-image-2", "1536x1024"),
        ("gpt-image-2", "2048x1152"),
        # Not a size of any provider: the model's page promises it, and the gateway makes it.
        ("gpt-image-1-mini", "1100x1200"),
        ("gpt-image-1.5", "1400x1100"),
    ],
)
def test_sizes_come_out_exactly(client, model, size):
    answer = client.images.generate(model=model, prompt=GENERATE_PROMPT, size=size, quality="low")
    check(answer, size=size)


@pytest.mark.parametrize(
    ("model", "asked", "used"),
    [("gpt-image-1", "1600x900", "1536x1024"), ("gpt-image-2", "2000x1000", "2000x1008")],
)
def test_other_sizes_become_the_nearest_and_the_answer_says_so(client, model, asked, used):
    answer = client.images.generate(model=model, prompt=GENERATE_PROMPT, size=asked, quality="low")
    check(answer, size=used)
    changed = {change["parameter"]: change for change in answer.metadata["adjustments"]}
    assert changed["size"]["requested"] == asked
    assert changed["size"]["used"] == used


@pytest.mark.parametrize("model", MODELS)
def test_a_ratio_alone(client, model):
    answer = client.images.generate(
        model=model, prompt=GENERATE_PROMPT, quality="low", extra_body={"aspect_ratio": "3:2"}
    )
    (picture,) = check(answer)
    assert picture.width / picture.height == pytest.approx(1.5, rel=0.05)


def test_compression_makes_files_smaller(client):
    def size_bytes(format, compression):
        answer = client.images.generate(
            model="gpt-image-1-mini",
            prompt=GENERATE_PROMPT,
            quality="low",
            output_format=format,
            output_compression=compression,
            extra_body={"seed": 7},
        )
        check(answer, format=format)
        return len(received(answer.data[0]))

    for format in ("jpeg", "webp"):
        assert size_bytes(format, 10) * 2 < size_bytes(format, 95)


@pytest.mark.parametrize("format", ["png", "webp"])
def test_transparent_backgrounds(client, format):
    answer = client.images.generate(
        model="gpt-image-1", prompt="a red apple", quality="low", background="transparent", output_format=format
    )
    (picture,) = check(answer, format=format)
    lowest, highest = picture.convert("RGBA").getchannel("A").getextrema()
    assert lowest == 0, "nothing is transparent"
    assert highest == 255, "nothing is to be seen"


def test_transparency_needs_a_format_that_has_it(client):
    with pytest.raises(BadRequestError) as caught:
        client.images.generate(
            model="gpt-image-1", prompt="a red apple", background="transparent", output_format="jpeg"
        )
    assert caught.value.code == "INVALID_REQUEST"
    assert caught.value.param in ("background", "output_format")


def test_a_forced_provider(client):
    for provider in ("openai", "fal", "replicate"):
        answer = client.images.generate(model=f"{provider}/gpt-image-1.5", prompt=GENERATE_PROMPT, quality="low")
        check(answer)
        assert answer.metadata["provider"] == provider


def test_another_family_of_models(client):
    for provider in ("fal", "replicate"):
        answer = client.images.generate(
            model=f"{provider}/flux.1-schnell", prompt=GENERATE_PROMPT, size="1024x1024", output_format="png"
        )
        check(answer, format="png")
        assert answer.metadata["provider"] == provider


def test_the_free_model(client):
    answer = client.images.generate(model="mock-image", prompt=GENERATE_PROMPT, size="640x480")
    check(answer, size="640x480")
    assert answer.metadata["cost"] == 0


def test_failover_to_the_next_provider(client):
    plan = client.images.generate(
        model="gpt-image-1.5", prompt=GENERATE_PROMPT, quality="low", extra_query={"dryRun": "true"}
    )
    first, second = [candidate["provider"] for candidate in plan.candidates[:2]]
    answer = client.images.generate(
        model="gpt-image-1.5", prompt=f"{GENERATE_PROMPT} [[fault: quota provider={first}]]", quality="low"
    )
    check(answer)
    outcomes = [(attempt["provider"], attempt["outcome"]) for attempt in answer.metadata["attempts"]]
    assert outcomes == [(first, "failed"), (second, "succeeded")]


def test_a_safety_block_is_told_and_not_tried_elsewhere(client):
    with pytest.raises(BadRequestError) as caught:
        client.images.generate(model="gpt-image-1", prompt="something [[fault: moderation]]")
    assert caught.value.code == "CONTENT_POLICY_VIOLATION"
    assert caught.value.type == "image_generation_user_error"
    attempts = caught.value.body["metadata"]["attempts"]
    assert [attempt["outcome"] for attempt in attempts] == ["failed"]


def test_a_rate_limit_at_a_forced_provider(client):
    with pytest.raises(RateLimitError) as caught:
        client.with_options(max_retries=0).images.generate(
            model="openai/gpt-image-1", prompt="a cat [[fault: status=429 retry-after=0]]"
        )
    assert caught.value.code == "UPSTREAM_ERROR"


def test_streaming(client):
    events = list(
        client.images.generate(
            model="gpt-image-1", prompt=GENERATE_PROMPT, size="1024x1024", quality="low", stream=True
        )
    )
    assert [event.type for event in events][-1] == "image_generation.completed"
    picture = opened(received_event(events[-1]))
    assert (picture.width, picture.height, picture.format) == (1024, 1024, "PNG")
    assert events[-1].size == "1024x1024"


@pytest.mark.parametrize("format", ["png", "webp", "gif"])
@pytest.mark.parametrize("model", ["openai/gpt-image-1-mini", "mock-image"])
def test_streaming_with_partial_images(client, model, format):
    stream = client.images.generate(
        model=model,
        prompt=GENERATE_PROMPT,
        size="1024x1024",
        quality="low",
        output_format=format,
        stream=True,
        partial_images=2,
    )
    events = list(stream)
    assert [event.type for event in events] == ["image_generation.partial_image"] * 2 + ["image_generation.completed"]
    assert [event.partial_image_index for event in events[:2]] == [0, 1]
    for event in events:
        picture = opened(received_event(event))
        assert (picture.width, picture.height, picture.format) == (1024, 1024, format.upper())
        assert (event.size, event.output_format, event.quality) == ("1024x1024", format, "low")
    if format == "png":
        # The client takes what comes; this holds it against its own types.
        for event in events[:2]:
            ImageGenPartialImageEvent.model_validate(event.model_dump(), strict=True)


def test_a_failure_after_a_partial_image(client):
    stream = client.images.generate(
        model="openai/gpt-image-1-mini",
        prompt="a cat [[fault: failed]]",
        quality="low",
        stream=True,
        partial_images=1,
    )
    shown = []
    with pytest.raises(APIError):
        shown.extend(event.type for event in stream)
    assert shown == ["image_generation.partial_image"]


def received_event(event) -> bytes:
    return base64.b64decode(event.b64_json, validate=True)


def test_logs_hold_no_prompt_and_no_key(gateway, client):
    answer = client.images.with_raw_response.generate(
        model="mock-image", prompt="confidential-okapi in a rocking chair", size="512x512", user="confidential-user"
    )
    gateway.wait_for(answer.headers["x-request-id"])
    log = gateway.printed().split("/v1/images/generations \\", 1)[-1]
    log = "\n".join(line for line in log.splitlines() if "Authorization" not in line)
    assert "confidential-okapi" not in log
    assert gateway.key.split(".")[1] not in log
