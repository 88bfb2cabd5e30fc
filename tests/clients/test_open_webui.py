"""Requests as Open WebUI sends them, and its way to read answers (backend/open_webui/routers/images.py, late 2026).

It asks for base64 unless a model's name looks like one of GPT Image; in the answer it prefers a link, which it fetches with the
key it called with, and only from addresses that are no private ones.
"""

import asyncio
import base64
import json
import re
from urllib.parse import urlsplit

import aiohttp
import pytest
from pictures import EDIT_PROMPT, GENERATE_PROMPT, opened, source

# The program's own default for models that it does not ask for base64.
NEEDS_NO_FORMAT = re.compile("^gpt-image")


class PrivateAddress(Exception):
    """The guard of the program against links into its own network."""


class OpenWebui:
    def __init__(self, url: str, key: str, fetches_private: bool, more: dict | None = None):
        self.url, self.more = url, more or {}
        self.headers = {"Authorization": f"Bearer {key}"}
        self.fetches_private = fetches_private

    def fields(self, model: str, prompt: str, **given) -> dict:
        asked = {} if NEEDS_NO_FORMAT.match(model) else {"response_format": "b64_json"}
        return {"model": model, "prompt": prompt, **given, **asked}

    def generate(self, model: str, **given) -> list[tuple[int, int]]:
        body = self.fields(model, GENERATE_PROMPT, **given) | self.more
        return asyncio.run(self._post("generations", {"json": body}))

    def edit(self, model: str, images: list[bytes], **given) -> list[tuple[int, int]]:
        form = aiohttp.FormData()
        for name, value in self.fields(model, EDIT_PROMPT, **given).items():
            form.add_field(name, json.dumps(value) if isinstance(value, dict) else str(value))
        name = "image" if len(images) == 1 else "image[]"
        for image in images:
            form.add_field(name, image, filename="one.png", content_type="image/png")
        return asyncio.run(self._post("edits", {"data": form}))

    async def _post(self, what: str, options: dict) -> list[tuple[int, int]]:
        async with aiohttp.ClientSession() as session:
            async with session.post(f"{self.url}/images/{what}", headers=self.headers, **options) as answer:
                answer.raise_for_status()
                told = await answer.json(content_type=None)
            return [opened(await self._read(session, item)).size for item in told["data"]]

    async def _read(self, session: aiohttp.ClientSession, item: dict) -> bytes:
        link = item.get("url")
        if not link:
            return base64.b64decode(item["b64_json"])
        if not self.fetches_private and urlsplit(link).hostname == "127.0.0.1":
            raise PrivateAddress(link)
        async with session.get(link, headers=self.headers) as fetched:
            fetched.raise_for_status()
            assert fetched.headers["content-type"].startswith("image/")
            return await fetched.read()


@pytest.fixture
def program(gateway):
    """Beside a gateway whose links it may fetch: at a public address, or with its guard off."""
    return OpenWebui(gateway.openai_url, gateway.key, fetches_private=True)


@pytest.fixture
def guarded(gateway):
    """As it is installed, beside a gateway in its own network, with a key that says what it reads."""
    key = gateway.command("keys", "create", "--name", "open-webui", "--response-format", "b64_json")
    token = re.search(r"pk_\S+", key)[0]
    return OpenWebui(gateway.openai_url, token, fetches_private=False)


@pytest.mark.parametrize("model", ["gpt-image-1.5", "flux.1-schnell", "mock-image"])
def test_generate(program, model):
    assert program.generate(model, n=2, size="1024x1024") == [(1024, 1024)] * 2


@pytest.mark.parametrize("count", [1, 2])
def test_edit(program, count):
    assert program.edit("gpt-image-1.5", [source(1024, 1024)] * count, size="1024x1024") == [(1024, 1024)]


def test_its_guard_refuses_links_into_its_own_network(gateway):
    guarded = OpenWebui(gateway.openai_url, gateway.key, fetches_private=False)
    with pytest.raises(PrivateAddress):
        guarded.generate("gpt-image-1.5", n=1, size="1024x1024")
    assert guarded.generate("flux.1-schnell", n=1, size="1024x1024") == [(1024, 1024)]


def test_a_key_of_its_own_keeps_it_from_links(guarded):
    assert guarded.generate("gpt-image-1.5", n=1, size="1536x1024") == [(1536, 1024)]
    assert guarded.edit("gpt-image-1.5", [source(1024, 1024)], size="1024x1024") == [(1024, 1024)]


def test_azures_version_in_the_query_is_nothing_to_us(gateway):
    program = OpenWebui(gateway.openai_url, gateway.key, fetches_private=True)

    async def call():
        async with aiohttp.ClientSession() as session:
            query = "?api-version=2025-04-01-preview"
            body = program.fields("gpt-image-1.5", GENERATE_PROMPT, n=1, size="1024x1024")
            async with session.post(
                f"{program.url}/images/generations{query}", json=body, headers=program.headers
            ) as answer:
                return answer.status

    assert asyncio.run(call()) == 200
