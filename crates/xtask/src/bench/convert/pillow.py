"""Converts as Pillow does, one order a line."""

import io
import json
import sys
import time

from PIL import Image


def converted(source, order):
    picture = Image.open(io.BytesIO(source))
    if order["to"] == "jpeg" and picture.mode not in ("RGB", "L"):
        picture = picture.convert("RGB")
    out = io.BytesIO()
    picture.save(out, order["to"].upper(), quality=order["quality"])
    return out.getvalue()


for line in sys.stdin:
    order = json.loads(line)
    try:
        source = open(order["from"], "rb").read()
        times = []
        for _ in range(order["runs"]):
            begin = time.perf_counter()
            made = converted(source, order)
            times.append((time.perf_counter() - begin) * 1000)
        open(order["into"], "wb").write(made)
        print(json.dumps({"ms": sorted(times)[len(times) // 2]}), flush=True)
    except Exception as error:
        print(json.dumps({"error": str(error)}), flush=True)
