"""Webhooks as their receivers check them: with the library of Standard Webhooks."""

import json
import queue
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from openai import OpenAI
from servers import Gateway
from standardwebhooks import Webhook, WebhookVerificationError

# Far longer than a small picture and a try take on a loaded machine.
PATIENCE_S = 60


class Receiver:
    """Keeps what is posted to it, and takes everything."""

    def __init__(self):
        self.calls: queue.Queue[tuple[dict, bytes]] = queue.Queue()
        calls = self.calls

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                calls.put(({name.lower(): value for name, value in self.headers.items()}, body))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_):
                pass

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://localhost:{self._server.server_port}/hook"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self):
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def receiver():
    server = Receiver()
    yield server
    server.stop()


@pytest.fixture
def telling(tmp_path):
    gateway = Gateway(tmp_path, PICTOR_FETCH_HOSTS="localhost")
    yield gateway
    gateway.stop()


@pytest.mark.parametrize(
    ("prompt", "event"), [("dunes", "image.completed"), ("dunes [[fault: moderation]]", "image.failed")]
)
def test_the_library_knows_a_webhook_and_no_forgery(telling, receiver, web, prompt, event):
    client = OpenAI(base_url=telling.openai_url, api_key=telling.key)
    begun = client.images.with_raw_response.generate(
        model="openai/gpt-image-1-mini",
        prompt=prompt,
        quality="low",
        extra_headers={"Prefer": "respond-async"},
        extra_body={"webhook_url": receiver.url},
    )
    assert begun.status_code == 202
    request_id = json.loads(begun.content)["id"]
    headers, body = receiver.calls.get(timeout=PATIENCE_S)
    auth = {"Authorization": f"Bearer {telling.key}"}
    secret = web.get(f"{telling.url}/v1/webhooks/secret", headers=auth).raise_for_status().json()["key"]

    told = Webhook(secret).verify(body, headers)
    assert (told["type"], told["data"]["id"]) == (event, request_id)
    assert headers["webhook-id"] == f"msg_{request_id}"
    if event == "image.completed":
        image = web.get(told["data"]["result"]["data"][0]["url"]).raise_for_status()
        assert len(image.content) == told["data"]["result"]["metadata"]["images"][0]["bytes"]

    for forged in (body.replace(b"image.", b"video."), body + b" "):
        with pytest.raises(WebhookVerificationError):
            Webhook(secret).verify(forged, headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(body, headers | {"webhook-id": "msg_other"})
