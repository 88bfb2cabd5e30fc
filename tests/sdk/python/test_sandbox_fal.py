"""fal's official client against the sandbox over https, by its own host variables. Its upload hosts are fixed, so that they are
put in its place for the one test of uploads."""

import importlib

import httpx
import pytest
from pictures import EDIT_PROMPT, GENERATE_PROMPT, data_url, opened, source

MODEL = "fal-ai/gpt-image-1-mini"
EDIT_MODEL = "fal-ai/gpt-image-1.5/edit"


@pytest.fixture(scope="module")
def fal(secure_sandbox):
    """The client reads its hosts when it is imported."""
    host = secure_sandbox.url.removeprefix("https://")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FAL_RUN_HOST", f"{host}/fal/run")
        patch.setenv("FAL_QUEUE_RUN_HOST", f"{host}/fal/queue")
        patch.setenv("SSL_CERT_FILE", str(secure_sandbox.certificate))
        module = importlib.import_module("fal_client")
        assert module.client.RUN_URL_FORMAT.startswith(secure_sandbox.url), "imported too early"
        yield module


@pytest.fixture(scope="module")
def client(fal):
    return fal.SyncClient(key="sandbox:sandbox")


def fetched(image: dict):
    return opened(httpx.get(image["url"]).content)


def test_run(client):
    result = client.run(MODEL, {"prompt": GENERATE_PROMPT, "image_size": "1536x1024", "quality": "low"})
    picture = fetched(result["images"][0])
    assert (picture.size, picture.format) == ((1536, 1024), "PNG")


def test_submit_status_result(fal, client):
    handle = client.submit(MODEL, {"prompt": GENERATE_PROMPT, "quality": "low", "num_images": 2})
    events = list(handle.iter_events(with_logs=True))
    assert isinstance(events[-1], fal.Completed)
    assert all(isinstance(event, (fal.Queued, fal.InProgress)) for event in events[:-1])
    result = handle.get()
    assert len(result["images"]) == 2
    assert fetched(result["images"][1]).size == (1024, 1024)
    assert client.result(MODEL, handle.request_id) == result
    assert isinstance(client.status(MODEL, handle.request_id), fal.Completed)


def test_subscribe(client):
    seen = []
    result = client.subscribe(
        "fal-ai/flux/schnell",
        {"prompt": GENERATE_PROMPT, "image_size": {"width": 640, "height": 480}, "seed": 7},
        with_logs=True,
        on_queue_update=seen.append,
    )
    assert seen
    assert result["seed"] == 7
    assert fetched(result["images"][0]).size == (640, 480)


def test_cancel(client):
    handle = client.submit(MODEL, {"prompt": "a slow cat [[fault: delay=60s]]", "quality": "low"})
    handle.cancel()
    result = httpx.get(handle.response_url, headers={"authorization": "Key sandbox:sandbox"})
    assert result.status_code >= 400


def test_inputs(fal, client):
    encoded = fal.encode_image(opened(source(512, 512)))
    result = client.run(
        EDIT_MODEL,
        {"prompt": EDIT_PROMPT, "image_urls": [encoded, data_url(source(256, 256))], "quality": "low", "image_size": "1024x1024"},
    )
    assert fetched(result["images"][0]).size == (1024, 1024)


def test_moderation(fal, client):
    with pytest.raises(fal.client.FalClientHTTPError) as caught:
        client.run(MODEL, {"prompt": "something [[fault: moderation]]"})
    assert caught.value.status_code == 422
    assert caught.value.message[0]["type"] == "content_policy_violation"
    with pytest.raises(fal.client.FalClientHTTPError) as caught:
        client.subscribe(MODEL, {"prompt": "something [[fault: moderation]]"})
    assert caught.value.status_code == 422


def test_validation(fal, client):
    with pytest.raises(fal.client.FalClientHTTPError) as caught:
        client.run(MODEL, {"prompt": GENERATE_PROMPT, "quality": "best"})
    assert caught.value.status_code == 422
    assert caught.value.message[0]["loc"] == ["body", "quality"]
    with pytest.raises(fal.client.FalClientHTTPError) as caught:
        client.run(EDIT_MODEL, {"prompt": EDIT_PROMPT})
    assert "image_urls" in caught.value.message[0]["loc"]


def test_rate_limit(fal, client, monkeypatch):
    # It has no option against its ten tries, which would take a minute.
    monkeypatch.setattr(fal.client, "MAX_ATTEMPTS", 1)
    with pytest.raises(fal.client.FalClientHTTPError) as caught:
        client.run(MODEL, {"prompt": "a cat [[fault: status=429 retry-after=0]]"})
    assert caught.value.status_code == 429


def test_a_wrong_key(fal):
    with pytest.raises(fal.client.FalClientHTTPError) as caught:
        fal.SyncClient(key="invalid").run(MODEL, {"prompt": GENERATE_PROMPT})
    assert caught.value.status_code == 401


def test_a_file_is_uploaded_by_a_token(fal, secure_sandbox, monkeypatch):
    monkeypatch.setattr(fal.client, "REST_URL", f"{secure_sandbox.url}/fal/rest")
    monkeypatch.setattr(fal.client, "CDN_URL", f"{secure_sandbox.url}/fal/media")
    client = fal.SyncClient(key="sandbox:sandbox")
    link = client.upload(source(512, 512), "image/png", file_name="before.png")
    assert link.startswith(f"{secure_sandbox.url}/fal/media/files/")
    result = client.run("fal-ai/nano-banana/edit", {"prompt": EDIT_PROMPT, "image_urls": [link]})
    assert fetched(result["images"][0]).size == (1024, 1024)
