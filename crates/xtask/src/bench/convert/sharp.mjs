// Converts as sharp does, one order a line.
import { readFile, writeFile } from "node:fs/promises";
import { createInterface } from "node:readline";
import { createRequire } from "node:module";

// Beside its packages, wherever this file lies.
const sharp = createRequire(process.argv[2])("sharp");
sharp.cache(false);

for await (const line of createInterface({ input: process.stdin })) {
  const { from, to, quality, into, runs } = JSON.parse(line);
  try {
    const source = await readFile(from);
    const options = ["jpeg", "webp", "avif"].includes(to) ? { quality } : {};
    const times = [];
    let made;
    for (let run = 0; run < runs; run++) {
      const begin = performance.now();
      made = await sharp(source)[to](options).toBuffer();
      times.push(performance.now() - begin);
    }
    await writeFile(into, made);
    times.sort((a, b) => a - b);
    console.log(JSON.stringify({ ms: times[Math.floor(times.length / 2)] }));
  } catch (error) {
    console.log(JSON.stringify({ error: String(error) }));
  }
}
