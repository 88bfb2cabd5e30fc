"""The official DashScope client against the sandbox, unchanged apart from its base URL."""

import dashscope
import httpx
import pytest
from dashscope import MultiModalConversation
from dashscope.aigc.image_generation import ImageGeneration
from dashscope.api_entities.dashscope_response import Message
from pictures import EDIT_PROMPT, GENERATE_PROMPT, data_url, opened, source


@pytest.fixture(autouse=True)
def client(sandbox, monkeypatch):
    monkeypatch.setattr(dashscope, "base_http_api_url", f"{sandbox.url}/alibaba/api/v1")
    monkeypatch.setattr(dashscope, "api_key", "sk-sandbox")


def asked(*content, model="qwen-image-2.0", **parameters):
    messages = [{"role": "user", "content": list(content)}]
    return MultiModalConversation.call(model=model, messages=messages, **parameters)


def links(answer):
    parts = [part for choice in answer.output.choices for part in choice["message"]["content"]]
    return [part["image"] for part in parts if "image" in part]


def fetched(link):
    return opened(httpx.get(link).raise_for_status().content)


def test_generate():
    answer = asked({"text": GENERATE_PROMPT}, size="768*512", n=2, seed=7, watermark=False, negative_prompt="fog")
    assert answer.status_code == 200, answer
    assert answer.usage["image_count"] == 2
    assert [fetched(link).size for link in links(answer)] == [(768, 512), (768, 512)]


def test_edit():
    image = data_url(source(800, 400))
    answer = asked({"image": image}, {"text": EDIT_PROMPT}, size="1024*512")
    assert answer.status_code == 200, answer
    assert fetched(links(answer)[0]).size == (1024, 512)


def test_task():
    message = Message(role="user", content=[{"text": GENERATE_PROMPT}])
    task = ImageGeneration.async_call(model="wan2.7-image", messages=[message], size="768*768", n=1)
    assert task.output.task_status == "PENDING", task
    answer = ImageGeneration.wait(task)
    assert answer.output.task_status == "SUCCEEDED", answer
    assert fetched(links(answer)[0]).size == (768, 768)


def test_failed_task():
    message = Message(role="user", content=[{"text": "x [[fault: moderation]]"}])
    task = ImageGeneration.async_call(model="wan2.7-image", messages=[message], size="768*768", n=1)
    answer = ImageGeneration.wait(task)
    assert answer.output.task_status == "FAILED"
    assert answer.output.code == "DataInspectionFailed"


@pytest.mark.parametrize(
    ("prompt", "parameters", "status", "code"),
    [
        ("x", {"size": "1K"}, 400, "InvalidParameter"),
        ("x", {"model": "qwen-image-9"}, 404, "ModelNotFound"),
        ("x [[fault: status=401]]", {}, 401, "InvalidApiKey"),
        ("x [[fault: moderation]]", {}, 400, "DataInspectionFailed"),
        ("x [[fault: status=429]]", {}, 429, "Throttling.RateQuota"),
    ],
)
def test_refusals(prompt, parameters, status, code):
    answer = asked({"text": prompt}, **parameters)
    assert (answer.status_code, answer.code) == (status, code)
