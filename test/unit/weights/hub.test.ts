import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { fetchModel } from "../../../src/weights/hub.ts";

const commit = "c".repeat(40);
const weights = Buffer.from(Array.from({ length: 300_000 }, (_, i) => (i * 7919) & 255));
const config = Buffer.from('{"model_type":"qwen2_5_vl"}');
const contents: Record<string, Buffer> = {
  "config.json": config,
  "model.safetensors": weights,
  "pytorch_model.bin": weights,
};
const sha = (name: string, bytes: Buffer): string => createHash(name).update(bytes).digest("hex");

let server: Server;
let cache: string;
let endpoint: string;
let log: string[];
/** Answers in front of the hub; true when it has answered. */
let fault: (request: IncomingMessage, response: ServerResponse) => boolean;
let listing: () => unknown[];

const answer = (request: IncomingMessage, response: ServerResponse): void => {
  log.push(`${request.url} ${request.headers.range ?? ""}`);
  if (fault(request, response)) return;
  const url = new URL(request.url!, "http://localhost");
  const json = (value: unknown): void => {
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify(value));
  };
  if (url.pathname.startsWith("/api/models/a/b/revision/")) {
    json({ _id: "1", id: "a/b", sha: commit });
    return;
  }
  if (url.pathname.startsWith("/api/models/a/b/tree/")) {
    json(listing());
    return;
  }
  answerFile(request, response);
};

const answerFile = (request: IncomingMessage, response: ServerResponse): void => {
  const url = new URL(request.url!, "http://localhost");
  const bytes = contents[url.pathname.replace(`/a/b/resolve/${commit}/`, "")];
  if (bytes === undefined) {
    response.statusCode = 404;
    response.end("no");
    return;
  }
  response.setHeader("etag", '"x"');
  const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? "");
  if (range === null) {
    response.end(bytes);
    return;
  }
  const end = range[2] === "" ? bytes.length : Math.min(Number(range[2]) + 1, bytes.length);
  response.statusCode = 206;
  response.setHeader("content-range", `bytes ${range[1]}-${end - 1}/${bytes.length}`);
  response.end(bytes.subarray(Number(range[1]), end));
};

beforeEach(async () => {
  log = [];
  fault = () => false;
  listing = () => [
    {
      type: "file",
      path: "config.json",
      size: config.length,
      oid: sha("sha1", Buffer.concat([Buffer.from(`blob ${config.length}\0`), config])),
    },
    {
      type: "file",
      path: "model.safetensors",
      size: weights.length,
      oid: "0".repeat(40),
      lfs: { oid: sha("sha256", weights), size: weights.length, pointerSize: 130 },
    },
    { type: "file", path: "pytorch_model.bin", size: weights.length, oid: "1".repeat(40) },
    { type: "directory", path: "runs", size: 0, oid: "2".repeat(40) },
  ];
  cache = mkdtempSync(join(tmpdir(), "hub-"));
  server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterEach(() => {
  server.closeAllConnections();
  server.close();
  rmSync(cache, { recursive: true, force: true });
});

const get = (more: object = {}): Promise<string> =>
  fetchModel("a/b", { endpoint, cache, retrySeconds: [0.01, 0.01], ...more });

test("lays the cache out as the Python client does and leaves out what is not needed", async () => {
  const folder = await get();
  expect(folder).toBe(join(cache, "models--a--b", "snapshots", commit));
  expect(readFileSync(join(folder, "model.safetensors"))).toEqual(weights);
  expect(readFileSync(join(cache, "models--a--b", "refs", "main"), "utf8")).toBe(commit);
  expect(existsSync(join(cache, "models--a--b", "blobs", sha("sha256", weights)))).toBe(true);
  expect(existsSync(join(folder, "pytorch_model.bin"))).toBe(false);
});

test("fetches nothing twice", async () => {
  await get();
  log = [];
  await get();
  expect(log.filter((line) => line.includes("resolve"))).toEqual([]);
});

test("works offline by branch and by commit once it was fetched, and says what is missing before", async () => {
  await expect(get({ offline: true })).rejects.toThrow(/not in the cache, and offline.*fetch it once online/);
  const folder = await get();
  log = [];
  expect(await get({ offline: true })).toBe(folder);
  expect(await get({ offline: true, revision: commit })).toBe(folder);
  expect(log).toEqual([]);
});

test("tries again after 503 and 429, and gives up after the last delay", async () => {
  let times = 0;
  fault = (_, response) => {
    if (times++ % 3 === 2) return false;
    response.statusCode = times % 2 === 0 ? 429 : 503;
    response.end();
    return true;
  };
  await get();
  fault = (_, response) => {
    response.statusCode = 503;
    response.end();
    return true;
  };
  await expect(get({ cache: join(cache, "other") })).rejects.toThrow(
    /cannot fetch the model: a\/b@main; got status 503/,
  );
});

test("goes on where a broken connection stopped", async () => {
  let isBroken = false;
  fault = (request, response) => {
    if (isBroken || !request.url!.includes("safetensors") || request.headers.range === "bytes=0-0")
      return false;
    isBroken = true;
    response.writeHead(206, {
      "content-length": weights.length,
      "content-range": `bytes 0-${weights.length - 1}/${weights.length}`,
    });
    response.write(weights.subarray(0, 100_000), () => setTimeout(() => response.destroy(), 50));
    return true;
  };
  const folder = await get();
  expect(isBroken).toBe(true);
  expect(readFileSync(join(folder, "model.safetensors"))).toEqual(weights);
  expect(log.some((line) => /safetensors bytes=[1-9]\d*-/.test(line))).toBe(true);
});

test("goes on with what an earlier run left behind, and refuses a damaged file", async () => {
  const blob = join(cache, "models--a--b", "blobs", sha("sha256", weights));
  await get();
  rmSync(blob);
  writeFileSync(`${blob}.incomplete`, weights.subarray(0, 200_000));
  log = [];
  await get();
  expect(log.some((line) => line.includes("safetensors bytes=200000-"))).toBe(true);
  rmSync(blob);
  writeFileSync(`${blob}.incomplete`, Buffer.alloc(200_000));
  await expect(get()).rejects.toThrow(/downloaded file is damaged.*it was deleted/);
  await get();
  expect(readFileSync(blob)).toEqual(weights);
});

test("uses the cache and says so when the hub does not answer", async () => {
  const folder = await get();
  server.closeAllConnections();
  server.close();
  const lines: string[] = [];
  const progress = { update: () => {}, log: (line: string) => void lines.push(line) };
  expect(await get({ progress })).toBe(folder);
  expect(lines.join()).toMatch(/does not answer/);
});

describe("a token", () => {
  const secret = "hf_secretOfTheTest";
  const names = ["HF_TOKEN", "HF_TOKEN_PATH", "HF_HOME"] as const;
  const before = names.map((name) => process.env[name]);
  afterEach(() => {
    for (const [at, name] of names.entries()) {
      if (before[at] === undefined) delete process.env[name];
      else process.env[name] = before[at];
    }
  });
  const seen = async (): Promise<Set<string | undefined>> => {
    const tokens = new Set<string | undefined>();
    fault = (request) => {
      tokens.add(request.headers.authorization);
      return false;
    };
    await get();
    return tokens;
  };

  test("of HF_TOKEN goes with every request", async () => {
    process.env["HF_TOKEN"] = ` ${secret}\n`;
    expect(await seen()).toEqual(new Set([`Bearer ${secret}`]));
  });

  test("of the file that `hf auth login` writes does too; without one nothing goes", async () => {
    delete process.env["HF_TOKEN"];
    delete process.env["HF_TOKEN_PATH"];
    process.env["HF_HOME"] = cache;
    expect(await seen()).toEqual(new Set([undefined]));
    writeFileSync(join(cache, "token"), `${secret}\n`);
    rmSync(join(cache, "models--a--b"), { recursive: true });
    expect(await seen()).toEqual(new Set([`Bearer ${secret}`]));
  });

  test("that may not read the model is not printed, and the message says what to do", async () => {
    const refuse = (status: number): void => {
      fault = (_, response) => {
        response.statusCode = status;
        response.end();
        return true;
      };
    };
    const messageOf = async (): Promise<string> => {
      const lines: string[] = [];
      const progress = { update: () => {}, log: (line: string) => void lines.push(line) };
      const error = await get({ progress }).then(
        () => new Error("nothing was refused"),
        (error: unknown) => error as Error,
      );
      return [error.message, ...lines].join("\n");
    };
    process.env["HF_TOKEN"] = secret;
    for (const status of [401, 403, 404]) {
      refuse(status);
      const message = await messageOf();
      expect(message).toMatch(/cannot fetch the model: a\/b@main/);
      expect(message).toMatch(
        status === 404 ? /check the name and the revision/ : /this token may not read it/,
      );
      expect(message).not.toContain(secret);
    }
    process.env["HF_TOKEN"] = "";
    process.env["HF_HOME"] = cache;
    refuse(401);
    expect(await messageOf()).toMatch(/set HF_TOKEN/);
  });
});

test("two processes that want the same model fetch it once", async () => {
  fault = (request, response) => {
    if (!request.url!.includes("model.safetensors")) return false;
    setTimeout(() => answerFile(request, response), 300);
    return true;
  };
  const child = fileURLToPath(new URL("hub-child.ts", import.meta.url));
  const one = (): Promise<{ stdout: string }> =>
    promisify(execFile)(process.execPath, [child, endpoint, cache]);
  const folders = await Promise.all([one(), one()]);
  for (const { stdout } of folders) expect(readFileSync(join(stdout, "model.safetensors"))).toEqual(weights);
  const whole = log.filter((line) => line.includes("model.safetensors") && !line.endsWith("bytes=0-0"));
  expect(whole.length).toBe(1);
});

test("a stop ends a download and the waiting for another try; what has come stays", async () => {
  const stop = new AbortController();
  fault = (request, response) => {
    if (!request.url!.includes("model.safetensors") || request.headers.range === "bytes=0-0") return false;
    response.setHeader("content-range", `bytes 0-${weights.length - 1}/${weights.length}`);
    response.statusCode = 206;
    response.write(weights.subarray(0, 100_000), () => stop.abort());
    return true;
  };
  await expect(get({ signal: stop.signal })).rejects.toMatchObject({ name: "AbortError" });
  fault = (_, response) => {
    response.statusCode = 503;
    response.end();
    waiting.abort();
    return true;
  };
  const waiting = new AbortController();
  await expect(get({ signal: waiting.signal, retrySeconds: [60] })).rejects.toMatchObject({
    name: "AbortError",
  });
  fault = () => false;
  expect(readFileSync(join(await get(), "model.safetensors"))).toEqual(weights);
});

test("a hub that falls silent is asked again, and given up in the end", async () => {
  let silent = 2;
  fault = (request, response) => {
    if (!request.url!.includes("model.safetensors") || request.headers.range === "bytes=0-0") return false;
    if (silent-- <= 0) return false;
    response.setHeader("content-range", `bytes 0-${weights.length - 1}/${weights.length}`);
    response.statusCode = 206;
    // Once in the middle of the answer, once before it.
    if (silent === 1) response.write(weights.subarray(0, 100_000));
    return true;
  };
  expect(readFileSync(join(await get({ quietSeconds: 0.2 }), "model.safetensors"))).toEqual(weights);
  expect(log.some((line) => line.includes("safetensors bytes=100000-"))).toBe(true);
  fault = () => true;
  const empty = mkdtempSync(join(tmpdir(), "hub-"));
  await expect(get({ quietSeconds: 0.1, cache: empty })).rejects.toThrow(
    /cannot fetch the model.*nothing came for 0.1 s.*check the network/,
  );
  rmSync(empty, { recursive: true });
});

test("a cache that cannot be written is told in one line", async () => {
  const file = join(cache, "file");
  writeFileSync(file, "");
  await expect(get({ cache: file })).rejects.toThrow(/the cache of models cannot be written.*HF_HOME/);
});

test("refuses names that leave the cache, from the user and from the hub", async () => {
  await expect(fetchModel("../x", { cache })).rejects.toThrow(/name of a model/);
  await expect(get({ revision: "../../x" })).rejects.toThrow(/revision of a model/);
  listing = () => [{ type: "file", path: "../config.json", size: 1, oid: "0".repeat(40) }];
  await expect(get()).rejects.toThrow(/file list of the hub/);
  listing = () => [];
  await expect(get()).rejects.toThrow(/not a model/);
});
