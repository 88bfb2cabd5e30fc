"""Starts the program under test and waits for what it prints; nothing here sleeps."""

import os
import queue
import signal
import subprocess
import threading
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
READY = "listening on "
# A debug build on a loaded machine starts in a few seconds.
START_TIMEOUT_S = 60
STOP_TIMEOUT_S = 30
# What a program needs from its surroundings; nothing else is passed on, above all no credential.
PASSED_ON = ("PATH", "HOME", "LANG", "TMPDIR", "LD_LIBRARY_PATH")


def program() -> str:
    """The debug build: named by the test runner, or where cargo leaves it."""
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    return os.environ.get("SDK_TESTS_PICTOR", str(target / "debug" / "pictor"))


def environment(**variables: str) -> dict[str, str]:
    inherited = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    return inherited | {"NO_PROXY": "127.0.0.1,localhost"} | variables


class Server:
    """A running `pictor serve` or `pictor sandbox`, and all that it has printed."""

    def __init__(self, *arguments: str, **variables: str):
        self.output: list[str] = []
        self._arrived: queue.Queue[str | None] = queue.Queue()
        self._process = subprocess.Popen(
            [program(), *arguments],
            env=environment(**variables),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        threading.Thread(target=self._read, daemon=True).start()
        try:
            line = self.wait_for(READY, START_TIMEOUT_S)
        except BaseException:
            self._process.kill()
            self._process.wait()
            raise
        self.url = line.split(READY, 1)[1].split()[0].rstrip("/")

    def _read(self) -> None:
        for line in self._process.stdout:
            self._arrived.put(line.rstrip("\n"))
        self._arrived.put(None)

    def wait_for(self, text: str, timeout_s: float = 10) -> str:
        """The first line with this text, printed already or yet to come."""
        for line in self.output:
            if text in line:
                return line
        while True:
            try:
                line = self._arrived.get(timeout=timeout_s)
            except queue.Empty:
                line = None
            if line is None:
                raise AssertionError(f"no {text!r} in:\n" + "\n".join(self.output[-40:]))
            self.output.append(line)
            if text in line:
                return line

    def printed(self) -> str:
        """All output so far."""
        while True:
            try:
                line = self._arrived.get_nowait()
            except queue.Empty:
                break
            if line is not None:
                self.output.append(line)
        return "\n".join(self.output)

    def stop(self) -> None:
        """Asks it to stop, as one does at the terminal; it has to end well and to have met no panic."""
        ended = self._process.poll()
        assert ended is None, f"it ended by itself with {ended}:\n" + self.printed()[-4000:]
        self._process.send_signal(signal.SIGINT)
        try:
            code = self._process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            raise AssertionError("it did not stop when asked to:\n" + self.printed()[-4000:]) from None
        printed = self.printed()
        assert code == 0, printed[-4000:]
        assert "panicked" not in printed, printed[-4000:]


class Gateway(Server):
    """A gateway with a data folder of its own."""

    def __init__(self, folder: Path, *arguments: str, **variables: str):
        self.folder = folder
        # A test says which provider is first by its price, unless it is about something else.
        self._variables = {"PICTOR_DATA_DIR": str(folder), "PICTOR_STRATEGY": "cheapest"} | variables
        super().__init__("serve", *arguments, PICTOR_LISTEN="127.0.0.1:0", **self._variables)
        self.key = (folder / "first-key").read_text().strip()
        self.openai_url = self.url + "/openai/v1"

    def command(self, *arguments: str) -> str:
        """Runs a command of the program on the same data folder."""
        done = subprocess.run(
            [program(), *arguments],
            env=environment(**self._variables),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout
