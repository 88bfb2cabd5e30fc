"""LangChain's wrapper of OpenAI's images. It reads links and prints them."""

import httpx
import pytest
from langchain_community.tools.openai_dalle_image_generation import OpenAIDALLEImageGenerationTool
from langchain_community.utilities.dalle_image_generator import DallEAPIWrapper
from pictures import GENERATE_PROMPT, opened


@pytest.fixture
def wrapper(gateway):
    return DallEAPIWrapper(model="gpt-image-1.5", base_url=gateway.openai_url, api_key=gateway.key, size="1536x1024", n=2)


def sizes(links: str) -> list[tuple[int, int]]:
    return [opened(httpx.get(link).raise_for_status().content).size for link in links.splitlines()]


def test_generate(wrapper):
    assert sizes(wrapper.run(GENERATE_PROMPT)) == [(1536, 1024)] * 2


def test_as_a_tool_of_an_agent(wrapper):
    tool = OpenAIDALLEImageGenerationTool(api_wrapper=wrapper)
    assert sizes(tool.invoke(GENERATE_PROMPT)) == [(1536, 1024)] * 2


def test_the_quality_of_dall_e_is_understood(gateway):
    wrapper = DallEAPIWrapper(
        model="flux.1-schnell", base_url=gateway.openai_url, api_key=gateway.key, size="1024x1024", quality="standard"
    )
    assert sizes(wrapper.run(GENERATE_PROMPT)) == [(1024, 1024)]
