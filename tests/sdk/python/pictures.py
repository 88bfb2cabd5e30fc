"""Pictures to send, and what came back, seen by an independent decoder."""

import base64
import io
import struct
import zlib

import httpx
from PIL import Image, ImageChops, ImageDraw, ImageStat

# The examples of the documentation.
GENERATE_PROMPT = "A serene mountain landscape at sunset"
EDIT_PROMPT = "Add a starry night sky to this image"


def source(width: int = 1024, height: int = 1024, format: str = "PNG", color: tuple = (200, 60, 40)) -> bytes:
    """A picture with something in it."""
    picture = Image.new("RGB", (width, height), color)
    draw = ImageDraw.Draw(picture)
    draw.ellipse((width // 4, height // 4, width * 3 // 4, height * 3 // 4), fill=(40, 90, 200))
    draw.rectangle((0, height * 3 // 4, width, height), fill=(50, 140, 60))
    return encoded(picture, format)


def mask(width: int = 1024, height: int = 1024) -> bytes:
    """The left half is to be edited: there alpha is 0."""
    picture = Image.new("RGBA", (width, height), (0, 0, 0, 255))
    ImageDraw.Draw(picture).rectangle((0, 0, width // 2 - 1, height), fill=(0, 0, 0, 0))
    return encoded(picture, "PNG")


def encoded(picture: Image.Image, format: str) -> bytes:
    file = io.BytesIO()
    picture.save(file, format)
    return file.getvalue()


def bomb() -> bytes:
    """A PNG whose header claims 100,000 by 100,000 pixels."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", 100_000, 100_000, 8, 2, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 64)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def data_url(content: bytes, kind: str = "image/png") -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def received(item) -> bytes:
    """The bytes of one item of an answer, whichever way they were sent. A link needs no key."""
    sent = base64.b64decode(item.b64_json, validate=True) if item.b64_json else None
    if not item.url:
        return sent
    answer = httpx.get(item.url)
    assert answer.status_code == 200, answer.text
    assert sent is None or sent == answer.content, "both are the same image"
    return answer.content


def opened(content: bytes) -> Image.Image:
    """The decoded picture, every pixel of it."""
    picture = Image.open(io.BytesIO(content))
    picture.load()
    return picture


def format_of(picture: Image.Image) -> str:
    return picture.format.lower()


def check(answer, *, count: int = 1, size: str | None = None, format: str | None = None) -> list[Image.Image]:
    """Every image of an answer decodes to what the answer says, and to what was asked for."""
    assert len(answer.data) == count
    told = answer.metadata["images"]
    assert len(told) == count
    pictures = []
    for item, facts in zip(answer.data, told, strict=True):
        content = received(item)
        picture = opened(content)
        assert f"{picture.width}x{picture.height}" == facts["size"]
        assert format_of(picture) == facts["output_format"]
        assert len(content) == facts["bytes"]
        pictures.append(picture)
    assert answer.size == told[0]["size"]
    assert answer.output_format == told[0]["output_format"]
    if size is not None:
        assert [facts["size"] for facts in told] == [size] * count
    if format is not None:
        assert [facts["output_format"] for facts in told] == [format] * count
    return pictures


def difference(one: Image.Image, other: Image.Image, box: tuple[int, int, int, int]) -> float:
    """Mean difference of two pictures of one size inside a box, 0 to 255."""
    pair = [picture.convert("RGB").crop(box) for picture in (one, other)]
    return sum(ImageStat.Stat(ImageChops.difference(*pair)).mean) / 3
