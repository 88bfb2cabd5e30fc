// Pictures to send, and the size and format of what came back, read from the bytes by hand.

import assert from "node:assert/strict";
import { deflateSync } from "node:zlib";

export const GENERATE_PROMPT = "A serene mountain landscape at sunset";
export const EDIT_PROMPT = "Add a starry night sky to this image";

/** A PNG made pixel by pixel: `paint(x, y)` gives [red, green, blue, alpha]. */
export function png(width, height, paint = (x, y) => [200, (x * 255) / width, (y * 255) / height, 255]) {
  const rows = Buffer.alloc((width * 4 + 1) * height);
  let at = 0;
  for (let y = 0; y < height; y++) {
    at++;
    for (let x = 0; x < width; x++) for (const channel of paint(x, y)) rows[at++] = channel;
  }
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 6, 0, 0, 0], 8);
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  return Buffer.concat([signature, chunk("IHDR", header), chunk("IDAT", deflateSync(rows)), chunk("IEND", Buffer.alloc(0))]);
}

/** A mask: the left half, where alpha is 0, is to be edited. */
export function mask(width, height) {
  return png(width, height, (x) => [0, 0, 0, x < width / 2 ? 0 : 255]);
}

function chunk(kind, body) {
  const content = Buffer.concat([Buffer.from(kind), body]);
  const framed = Buffer.alloc(content.length + 8);
  framed.writeUInt32BE(body.length, 0);
  framed.set(content, 4);
  framed.writeUInt32BE(crc32(content), content.length + 4);
  return framed;
}

function crc32(bytes) {
  let crc = ~0;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc >>> 0;
}

/** Format and size as the file's own header tells them. */
export function measure(bytes) {
  const ascii = (from, to) => bytes.toString("latin1", from, to);
  if (ascii(1, 4) === "PNG") return sized("png", bytes.readUInt32BE(16), bytes.readUInt32BE(20));
  if (ascii(0, 4) === "GIF8") return sized("gif", bytes.readUInt16LE(6), bytes.readUInt16LE(8));
  if (ascii(8, 12) === "WEBP") return measureWebp(bytes, ascii(12, 16));
  if (ascii(4, 12) === "ftypavif") return measureAvif(bytes);
  if (bytes.readUInt16BE(0) === 0xffd8) return measureJpeg(bytes);
  return assert.fail(`no known format: ${bytes.toString("hex", 0, 16)}`);
}

function sized(format, width, height) {
  return { format, size: `${width}x${height}` };
}

function measureWebp(bytes, kind) {
  if (kind === "VP8X") return sized("webp", bytes.readUIntLE(24, 3) + 1, bytes.readUIntLE(27, 3) + 1);
  if (kind === "VP8L") {
    const packed = bytes.readUInt32LE(21);
    return sized("webp", (packed & 0x3fff) + 1, ((packed >>> 14) & 0x3fff) + 1);
  }
  return sized("webp", bytes.readUInt16LE(26) & 0x3fff, bytes.readUInt16LE(28) & 0x3fff);
}

function measureAvif(bytes) {
  const at = bytes.indexOf("ispe");
  assert.ok(at > 0, "an AVIF file without its size");
  return sized("avif", bytes.readUInt32BE(at + 8), bytes.readUInt32BE(at + 12));
}

function measureJpeg(bytes) {
  let at = 2;
  while (at < bytes.length) {
    const marker = bytes[at + 1];
    // A frame header, and not a table of Huffman codes or of arithmetic coding.
    if (marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker)) {
      return sized("jpeg", bytes.readUInt16BE(at + 7), bytes.readUInt16BE(at + 5));
    }
    at += 2 + bytes.readUInt16BE(at + 2);
  }
  return assert.fail("a JPEG file without a frame");
}

/** The bytes of one item of an answer, whichever way they were sent. A link needs no key. */
export async function received(item) {
  if (item.b64_json) return Buffer.from(item.b64_json, "base64");
  return fetched(item.url);
}

/** A file behind a link. */
export async function fetched(link) {
  const answer = await fetch(link);
  assert.equal(answer.status, 200, `${link}: ${answer.status}`);
  return Buffer.from(await answer.arrayBuffer());
}

/** Every image of an answer is what the answer says, and what was asked for. */
export async function check(answer, { count = 1, size, format } = {}) {
  assert.equal(answer.data.length, count);
  for (const [index, item] of answer.data.entries()) {
    const bytes = await received(item);
    const measured = measure(bytes);
    const told = answer.metadata.images[index];
    assert.deepEqual(measured, { format: told.output_format, size: told.size });
    assert.equal(bytes.length, told.bytes);
    if (size) assert.equal(measured.size, size);
    if (format) assert.equal(measured.format, format);
  }
  assert.equal(answer.size, answer.metadata.images[0].size);
  assert.equal(answer.output_format, answer.metadata.images[0].output_format);
}
