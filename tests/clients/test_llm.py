"""Simon Willison's `llm` with the plugin that makes images at OpenAI, as commands."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from pictures import EDIT_PROMPT, GENERATE_PROMPT, opened, source
from servers import environment

TIMEOUT_S = 120


@pytest.fixture
def llm(gateway, tmp_path):
    surroundings = environment(
        OPENAI_API_KEY=gateway.key, OPENAI_BASE_URL=gateway.openai_url, LLM_USER_PATH=str(tmp_path / "llm")
    )

    def run(*arguments: str) -> str:
        command = [str(Path(sys.executable).parent / "llm"), "--model", "openai/gpt-image-1.5", *arguments]
        done = subprocess.run(
            command,
            cwd=tmp_path,
            env=surroundings,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout.strip()

    return run


def test_generate(llm, tmp_path):
    file = tmp_path / "fox.png"
    assert llm(GENERATE_PROMPT, "-o", "output", str(file), "-o", "size", "landscape", "-o", "quality", "low") == str(file)
    assert opened(file.read_bytes()).size == (1536, 1024)


def test_edit(llm, tmp_path):
    before, after = tmp_path / "before.png", tmp_path / "after.png"
    before.write_bytes(source(1024, 1024))
    llm(EDIT_PROMPT, "-a", str(before), "-o", "output", str(after), "-o", "size", "portrait", "-o", "quality", "low")
    assert opened(after.read_bytes()).size == (1024, 1536)
    assert os.path.getsize(after) > 0
