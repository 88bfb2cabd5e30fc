"""The official Replicate client against the sandbox, unchanged apart from its base URL."""

import io

import pytest
from pictures import EDIT_PROMPT, GENERATE_PROMPT, opened, source
from replicate import Client
from replicate.exceptions import ModelError, ReplicateError
from replicate.helpers import FileOutput

MODEL = "openai/gpt-image-1.5"


@pytest.fixture(scope="module")
def replicate(sandbox):
    return Client(api_token="r8_sandbox", base_url=f"{sandbox.url}/replicate")


def fetched(replicate, link: str):
    """A result; links are files of their own and need no token."""
    return opened(FileOutput(link, replicate).read())


def test_run(replicate):
    output = replicate.run(
        MODEL,
        input={"prompt": GENERATE_PROMPT, "aspect_ratio": "3:2", "quality": "low", "output_format": "png"},
    )
    picture = fetched(replicate, str(output[0]))
    assert (picture.size, picture.format) == ((1536, 1024), "PNG")


def test_run_gives_files_over_https(secure_sandbox, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(secure_sandbox.certificate))
    replicate = Client(api_token="r8_sandbox", base_url=f"{secure_sandbox.url}/replicate")
    output = replicate.run("black-forest-labs/flux-schnell", input={"prompt": GENERATE_PROMPT, "output_format": "webp"})
    assert isinstance(output[0], FileOutput)
    assert opened(output[0].read()).format == "WEBP"


def test_submit_status_result(replicate):
    prediction = replicate.models.predictions.create(
        model=MODEL, input={"prompt": GENERATE_PROMPT, "quality": "low", "number_of_images": 2}
    )
    assert prediction.status in ("starting", "processing", "succeeded")
    prediction.wait()
    assert prediction.status == "succeeded"
    assert len(prediction.output) == 2
    assert fetched(replicate, prediction.output[0]).size == (1024, 1024)
    again = replicate.predictions.get(prediction.id)
    assert again.output == prediction.output
    assert prediction.id in [listed.id for listed in replicate.predictions.list().results]


def test_cancel(replicate):
    prediction = replicate.models.predictions.create(
        model=MODEL, input={"prompt": "a slow cat [[fault: delay=60s]]", "quality": "low"}
    )
    prediction.cancel()
    prediction.reload()
    assert prediction.status == "canceled"


def test_upload(replicate):
    file = replicate.files.create(io.BytesIO(source(512, 512)), filename="source.png", content_type="image/png")
    assert replicate.files.get(file.id).id == file.id
    output = replicate.run(
        MODEL, input={"prompt": EDIT_PROMPT, "input_images": [file.urls["get"]], "quality": "low"}
    )
    assert fetched(replicate, str(output[0])).size == (1024, 1024)
    by_handle = replicate.run(
        MODEL, input={"prompt": EDIT_PROMPT, "input_images": [io.BytesIO(source(512, 512))], "quality": "low"}
    )
    assert fetched(replicate, str(by_handle[0])).size == (1024, 1024)
    replicate.files.delete(file.id)
    with pytest.raises(ReplicateError) as caught:
        replicate.files.get(file.id)
    assert caught.value.status == 404


def test_moderation(replicate):
    with pytest.raises(ModelError) as caught:
        replicate.run(MODEL, input={"prompt": "something [[fault: moderation]]"})
    assert "E005" in str(caught.value) or "safety" in str(caught.value).lower()
    assert caught.value.prediction.status == "failed"


def test_validation(replicate):
    with pytest.raises(ReplicateError) as caught:
        replicate.run(MODEL, input={"prompt": GENERATE_PROMPT, "quality": "best"})
    assert caught.value.status == 422
    assert "quality" in caught.value.detail
    with pytest.raises(ReplicateError) as caught:
        replicate.run(MODEL, input={})
    assert "prompt" in caught.value.detail


def test_rate_limit(replicate):
    with pytest.raises(ReplicateError) as caught:
        replicate.run(MODEL, input={"prompt": "a cat [[fault: status=429 retry-after=0]]"})
    assert caught.value.status == 429
    assert "throttled" in caught.value.detail


def test_a_wrong_token(sandbox):
    stranger = Client(api_token="nonsense", base_url=f"{sandbox.url}/replicate")
    with pytest.raises(ReplicateError) as caught:
        stranger.run(MODEL, input={"prompt": GENERATE_PROMPT})
    assert caught.value.status == 401


def test_the_model_tells_its_schema(replicate):
    model = replicate.models.get(MODEL)
    fields = model.latest_version.openapi_schema["components"]["schemas"]["Input"]["properties"]
    assert {"prompt", "quality", "aspect_ratio", "input_images"} <= set(fields)
