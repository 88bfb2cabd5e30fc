"""Bad input of every kind: a typed error of the official client, with code and param, and never a 500."""

import http.server
import socket
import threading
import time

import httpx
import pytest
from openai import APIStatusError, AuthenticationError, BadRequestError, NotFoundError, OpenAI
from pictures import EDIT_PROMPT, GENERATE_PROMPT, bomb, check, data_url, mask, source
from servers import Gateway

MODEL = "gpt-image-1-mini"


def post(client, path, body):
    """What the client's typed methods would not let through."""
    return client.post(path, cast_to=dict, body=body)


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"model": MODEL}, "prompt"),
        ({"model": MODEL, "prompt": ""}, "prompt"),
        ({"model": MODEL, "prompt": None}, "prompt"),
        ({"model": MODEL, "prompt": 7}, "prompt"),
        ({"model": MODEL, "prompt": "x" * 32_001}, "prompt"),
        ({"prompt": GENERATE_PROMPT}, "model"),
        ({"model": 5, "prompt": GENERATE_PROMPT}, "model"),
        *[({"model": MODEL, "prompt": GENERATE_PROMPT, "n": n}, "n") for n in (0, 11, -1, "two", 1.5, [1])],
        *[
            ({"model": MODEL, "prompt": GENERATE_PROMPT, "size": size}, "size")
            for size in ("banana", "0x0", "1x", "x1", "99999999x1", "1024x1024x3", 1024)
        ],
        ({"model": MODEL, "prompt": GENERATE_PROMPT, "quality": "best"}, "quality"),
        ({"model": MODEL, "prompt": GENERATE_PROMPT, "output_format": "bmp"}, "output_format"),
        ({"model": MODEL, "prompt": GENERATE_PROMPT, "output_compression": 101}, "output_compression"),
        ({"model": MODEL, "prompt": GENERATE_PROMPT, "response_format": "file"}, "response_format"),
        ({"model": MODEL, "prompt": GENERATE_PROMPT, "aspect_ratio": "wide"}, "aspect_ratio"),
        ({"model": MODEL, "prompt": GENERATE_PROMPT, "stream": "perhaps"}, "stream"),
        ({"model": MODEL, "prompt": GENERATE_PROMPT, "background": "plaid"}, "background"),
    ],
    ids=lambda value: str(value)[-60:] if isinstance(value, dict) else value,
)
def test_arguments(client, fields, param):
    with pytest.raises(BadRequestError) as caught:
        post(client, "/images/generations", fields)
    assert caught.value.code == "INVALID_REQUEST"
    assert caught.value.type == "invalid_request_error"
    assert caught.value.param == param
    assert caught.value.response.headers["x-request-id"]


def test_all_faults_are_told_together(client):
    with pytest.raises(BadRequestError) as caught:
        post(client, "/images/generations", {"model": MODEL, "prompt": "", "n": 0, "size": "banana"})
    faults = caught.value.body["metadata"]["faults"]
    assert {fault["param"] for fault in faults} == {"prompt", "n", "size"}
    for word in ("prompt", "n", "size"):
        assert f"'{word}'" in caught.value.message


def test_the_longest_prompt_passes(client):
    answer = client.images.generate(model="mock-image", prompt="x" * 32_000, size="256x256")
    check(answer, size="256x256")


def test_unknown_model(client):
    with pytest.raises(NotFoundError) as caught:
        client.images.generate(model="gpt-image-1-mimi", prompt=GENERATE_PROMPT)
    assert caught.value.code == "MODEL_NOT_FOUND"
    assert caught.value.param == "model"
    assert "Did you mean 'gpt-image-1-mini'?" in caught.value.message


def test_retired_model(client):
    with pytest.raises(NotFoundError) as caught:
        client.images.generate(model="dall-e-3", prompt=GENERATE_PROMPT)
    assert caught.value.code == "MODEL_DISABLED"
    assert caught.value.param == "model"
    assert "gpt-image" in caught.value.message


def test_wrong_mode(client):
    with pytest.raises(BadRequestError) as caught:
        client.images.edit(model="flux.1-schnell", image=("a.png", source(), "image/png"), prompt=EDIT_PROMPT)
    assert "does not support image-edit" in caught.value.message
    assert "text-to-image" in caught.value.message


@pytest.mark.parametrize(
    "image",
    [
        b"This is a text, not an image.",
        b"",
        source()[:3000],
        source()[:20],
        bomb(),
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
    ],
    ids=["text", "nothing", "truncated", "header cut", "bomb", "vector"],
)
def test_files_that_are_no_images(client, image):
    with pytest.raises(BadRequestError) as caught:
        client.images.edit(model="gpt-image-1", image=("a.png", image, "image/png"), prompt=EDIT_PROMPT)
    assert caught.value.param and caught.value.param.startswith("image"), caught.value.message


def test_no_image_at_all(client):
    with pytest.raises(BadRequestError) as caught:
        post(client, "/images/edits", {"model": "gpt-image-1", "prompt": EDIT_PROMPT})
    assert caught.value.param == "image"


def test_too_many_images(client):
    with pytest.raises(BadRequestError) as caught:
        client.images.edit(
            model="gpt-image-1", image=[(f"{n}.png", source(64, 64), "image/png") for n in range(17)], prompt=EDIT_PROMPT
        )
    assert caught.value.param == "image"


@pytest.mark.parametrize("wrong", [mask(512, 512), b"not an image"], ids=["another size", "text"])
def test_masks_that_do_not_fit(client, wrong):
    with pytest.raises(BadRequestError) as caught:
        client.images.edit(
            model="gpt-image-1",
            image=("a.png", source(), "image/png"),
            mask=("mask.png", wrong, "image/png"),
            prompt=EDIT_PROMPT,
        )
    assert caught.value.param == "mask"


def told(answer: httpx.Response) -> dict:
    """An error's body, which is whole whatever went wrong."""
    assert answer.status_code < 500, answer.text
    error = answer.json()["error"]
    assert set(error) >= {"message", "type", "param", "code"}
    assert answer.headers["x-request-id"]
    return error


@pytest.mark.parametrize(
    ("path", "headers", "content", "status"),
    [
        ("/images/edits", {"content-type": "multipart/form-data; boundary=x"}, b'{"model": "gpt-image-1"}', 400),
        ("/images/edits", {"content-type": "multipart/form-data"}, b"--x--", 400),
        ("/images/edits", {"content-type": "application/json"}, b'--x\r\ncontent-disposition: form-data; name="n"\r\n\r\n1\r\n--x--', 400),
        ("/images/generations", {"content-type": "application/json"}, b"--x--", 400),
        ("/images/generations", {"content-type": "application/json"}, b'{"model": ', 400),
        ("/images/generations", {"content-type": "application/json"}, b"[1]", 400),
        ("/images/generations", {"content-type": "application/json"}, b"", 400),
        ("/images/generations", {"content-type": "application/json"}, b"\xff\xfe", 400),
        ("/images/generations", {"content-type": "application/json"}, b"[" * 100_000, 400),
        ("/images/generations", {"content-type": "multipart/form-data; boundary=x"}, b"--x--", 415),
        ("/images/generations", {"content-type": "text/plain"}, b"a cat", 415),
        ("/images/variations", {"content-type": "application/json"}, b"{}", 404),
        ("/chat/completions", {"content-type": "application/json"}, b"{}", 404),
        ("/nothing/here", {}, b"", 404),
    ],
)
def test_bodies_of_another_kind(gateway, web, path, headers, content, status):
    headers = headers | {"authorization": f"Bearer {gateway.key}"}
    answer = web.post(gateway.openai_url + path, headers=headers, content=content)
    assert answer.status_code == status, answer.text
    assert told(answer)["code"] == "INVALID_REQUEST"


def test_another_method(gateway, web):
    answer = web.get(gateway.openai_url + "/images/generations", headers={"authorization": f"Bearer {gateway.key}"})
    assert answer.status_code == 405
    told(answer)


@pytest.fixture(scope="module")
def narrow(tmp_path_factory):
    """A gateway with small limits."""
    server = Gateway(
        tmp_path_factory.mktemp("narrow"),
        PICTOR_LIMITS_JSON_BODY_BYTES="100000",
        PICTOR_LIMITS_MULTIPART_BODY_BYTES="200000",
        PICTOR_LIMITS_INPUT_IMAGE_BYTES="50000",
    )
    yield server
    server.stop()


def test_bodies_past_the_limit(narrow, web):
    narrow_client = OpenAI(base_url=narrow.openai_url, api_key=narrow.key, max_retries=0)
    with pytest.raises(APIStatusError) as caught:
        narrow_client.images.generate(model=MODEL, prompt="x" * 120_000)
    assert caught.value.status_code == 413
    assert "json_body_bytes" in caught.value.message
    with pytest.raises(APIStatusError) as caught:
        narrow_client.images.edit(model=MODEL, image=("a.png", b"\0" * 300_000, "image/png"), prompt=EDIT_PROMPT)
    assert caught.value.status_code == 413
    assert "multipart_body_bytes" in caught.value.message
    with pytest.raises(BadRequestError) as caught:
        narrow_client.images.edit(model=MODEL, image=("a.png", b"\0" * 60_000, "image/png"), prompt=EDIT_PROMPT)
    assert caught.value.param == "image"
    # The same without a length in front: the body is counted as it comes.
    chunks = (b" " * 10_000 for _ in range(20))
    headers = {"authorization": f"Bearer {narrow.key}", "content-type": "application/json"}
    answer = web.post(narrow.openai_url + "/images/generations", headers=headers, content=chunks)
    assert answer.status_code == 413
    told(answer)


def test_the_default_limit_of_json_bodies(gateway):
    """The length alone is enough to be refused: nothing of the body is sent, which no ordinary client can do."""
    address = gateway.url.removeprefix("http://")
    host, port = address.split(":")
    request = (
        f"POST /openai/v1/images/generations HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {gateway.key}\r\n"
        f"content-type: application/json\r\ncontent-length: {64 * 1024 * 1024 + 1}\r\nconnection: close\r\n\r\n"
    )
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        connection.sendall(request.encode())
        answer = connection.recv(64 * 1024).decode()
    assert answer.startswith("HTTP/1.1 413 "), answer
    assert "json_body_bytes" in answer


@pytest.mark.parametrize("authorization", [None, "", "Bearer", "Basic dXNlcjpwYXNz", "Bearer sk-123", "Bearer pk_a.b"])
def test_keys_that_are_none(gateway, web, authorization):
    headers = {} if authorization is None else {"authorization": authorization}
    for path in ("/openai/v1/models", "/v1/requests", "/v1/balance"):
        answer = web.get(gateway.url + path, headers=headers)
        assert answer.status_code == 401, path
        error = told(answer)
        assert (error["code"], error["type"]) == ("AUTHENTICATION_FAILED", "authentication_error")


def test_a_wrong_key_by_the_client(gateway):
    wrong = OpenAI(base_url=gateway.openai_url, api_key="pk_nobody.secret")
    with pytest.raises(AuthenticationError) as caught:
        wrong.images.generate(model=MODEL, prompt=GENERATE_PROMPT)
    assert caught.value.code == "AUTHENTICATION_FAILED"
    assert "secret" not in caught.value.message


def test_a_revoked_key(gateway):
    key = gateway.command("keys", "create", "--name", "short-lived").strip()
    other = OpenAI(base_url=gateway.openai_url, api_key=key)
    check(other.images.generate(model="mock-image", prompt=GENERATE_PROMPT, size="256x256"), size="256x256")
    gateway.command("keys", "revoke", key.removeprefix("pk_").split(".")[0])
    # A gateway believes a key for half a second before it looks again.
    revoked_at = time.monotonic()
    with pytest.raises(AuthenticationError) as caught:
        while time.monotonic() < revoked_at + 1:
            other.images.generate(model="mock-image", prompt=GENERATE_PROMPT, size="256x256")
    assert caught.value.code == "AUTHENTICATION_FAILED"
    listed = [line for line in gateway.command("keys", "list").splitlines() if "short-lived" in line]
    assert len(listed) == 1 and "revoked" in listed[0]


def edit_by_link(client, *links):
    return post(
        client,
        "/images/edits",
        {
            "model": "gpt-image-1",
            "prompt": EDIT_PROMPT,
            "quality": "low",
            "images": [{"image_url": link} for link in links],
        },
    )


@pytest.mark.parametrize(
    "link",
    [
        "http://example.org/a.png",
        "https://127.0.0.1/a.png",
        "https://localhost/a.png",
        "https://[::1]/a.png",
        "https://[::ffff:127.0.0.1]/a.png",
        "https://2130706433/a.png",
        "https://0.0.0.0/a.png",
        "https://169.254.169.254/latest/meta-data",
        "https://[fe80::1]/a.png",
        "https://10.0.0.1/a.png",
        "https://172.16.0.1/a.png",
        "https://192.168.1.1/a.png",
        "https://100.64.0.1/a.png",
        "https://[fd00::1]/a.png",
        "file:///etc/passwd",
        "ftp://example.org/a.png",
        "nonsense",
    ],
)
def test_links_to_private_places(client, link):
    with pytest.raises(BadRequestError) as caught:
        edit_by_link(client, link)
    assert caught.value.code == "INVALID_REQUEST"
    assert caught.value.param in ("image_url", "images")


class Host(http.server.BaseHTTPRequestHandler):
    """Serves a picture, and redirects elsewhere."""

    def do_GET(self):
        if self.path.startswith("/to/"):
            self.send_response(302)
            self.send_header("location", self.path.removeprefix("/to/"))
            self.end_headers()
            return
        self.send_response(200)
        content = source(256, 256)
        self.send_header("content-type", "image/png")
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def picture_host():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Host)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_redirects_to_private_places(picture_host, tmp_path):
    """The operator allows one host by name; what it points to has to be allowed as well."""
    open_gateway = Gateway(tmp_path / "data", PICTOR_FETCH_HOSTS="127.0.0.1")
    try:
        allowed = OpenAI(base_url=open_gateway.openai_url, api_key=open_gateway.key)
        answer = edit_by_link(allowed, f"{picture_host}/a.png")
        assert answer["data"][0]["url"]
        answer = edit_by_link(allowed, f"{picture_host}/to/{picture_host}/a.png")
        assert answer["data"][0]["url"]
        port = picture_host.rsplit(":", 1)[1]
        for target in (
            f"http://localhost:{port}/a.png",
            "https://localhost/a.png",
            "https://169.254.169.254/a.png",
            "https://10.0.0.1/a.png",
            "https://[::1]/a.png",
            "file:///etc/passwd",
        ):
            with pytest.raises(BadRequestError) as caught:
                edit_by_link(allowed, f"{picture_host}/to/{target}")
            assert caught.value.param == "image_url", target
    finally:
        open_gateway.stop()


def test_data_urls_that_are_no_images(client):
    for link in (data_url(b"text"), "data:image/png;base64,%%%", "data:,"):
        with pytest.raises(BadRequestError) as caught:
            edit_by_link(client, link)
        assert caught.value.param and caught.value.param.startswith("image"), link
