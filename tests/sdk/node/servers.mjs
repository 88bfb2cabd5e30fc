// Starts the program under test and waits for what it prints; nothing here waits by the clock.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const READY = "listening on ";
// What a program needs from its surroundings; nothing else is passed on, above all no credential.
const PASSED_ON = ["PATH", "HOME", "LANG", "TMPDIR", "LD_LIBRARY_PATH"];

// Tests must never spend money, also when they are run by hand: the clients read these.
for (const name of Object.keys(process.env)) {
  if (/^(PICTOR|OPENAI|FAL|REPLICATE|GEMINI|GOOGLE|BFL|XAI|ARK|RUNWARE|FIREWORKS)_/.test(name)) delete process.env[name];
}

function program() {
  const root = fileURLToPath(new URL("../../../", import.meta.url));
  const target = process.env.CARGO_TARGET_DIR ?? join(root, "target");
  return process.env.SDK_TESTS_PICTOR ?? join(target, "debug", "pictor");
}

async function start(args, variables = {}) {
  const inherited = Object.fromEntries(
    PASSED_ON.filter((name) => name in process.env).map((name) => [name, process.env[name]]),
  );
  const child = spawn(program(), args, {
    env: { ...inherited, NO_PROXY: "127.0.0.1,localhost", ...variables },
    stdio: ["ignore", "pipe", "pipe"],
  });
  // A test file that dies must not leave a server behind.
  const reap = () => child.kill("SIGKILL");
  process.once("exit", reap);
  const output = [];
  const url = await new Promise((resolve, reject) => {
    const take = (line) => {
      output.push(line);
      if (line.includes(READY)) resolve(line.split(READY)[1].split(/\s/)[0].replace(/\/$/, ""));
    };
    createInterface({ input: child.stdout }).on("line", take);
    createInterface({ input: child.stderr }).on("line", take);
    child.once("error", reject);
    child.once("exit", (code) => reject(new Error(`it ended with ${code}:\n${output.join("\n")}`)));
  });
  return {
    url,
    output,
    async stop() {
      process.off("exit", reap);
      const ended = once(child, "exit");
      child.kill("SIGINT");
      const [code] = await ended;
      assert.equal(code, 0, output.join("\n"));
      assert.ok(!output.some((line) => line.includes("panicked")), output.join("\n"));
    },
  };
}

/** A gateway without any configuration, in a data folder of its own. */
export async function startGateway(variables = {}) {
  const folder = await mkdtemp(join(tmpdir(), "pictor-"));
  // A test says which provider is first by its price, unless it is about something else.
  const settings = { PICTOR_DATA_DIR: folder, PICTOR_LISTEN: "127.0.0.1:0", PICTOR_STRATEGY: "cheapest" };
  const server = await start(["serve"], { ...settings, ...variables });
  const key = (await readFile(join(folder, "first-key"), "utf8")).trim();
  return {
    ...server,
    key,
    openaiUrl: `${server.url}/openai/v1`,
    async stop() {
      await server.stop();
      await rm(folder, { recursive: true });
    },
  };
}

/** The emulators alone. */
export function startSandbox() {
  return start(["sandbox", "--strict", "--listen", "127.0.0.1:0"]);
}
