import { afterEach, expect, test, vi } from "vitest";
import { openEngine } from "../../../src/engine/engines.ts";
import { listenAddress, outsideToken, ownLaunch } from "../../../src/engine/torch/launchers.ts";
import { workerEnvironment } from "../../../src/engine/worker-protocol.ts";

afterEach(() => void vi.unstubAllEnvs());

const request = { command: "python", ranks: 2, startSeconds: 1, env: {} };

test.each(["slurm", "ray:/10.0.0.5", "Torchrun", ""])('"%s" starts no ranks', (launcher) => {
  expect(() => ownLaunch({ ...request, launcher })).toThrow(
    `who starts the ranks; expected torchrun or ray://HOST:PORT; got ${launcher}`,
  );
});

test("where ranks dial is a host and a port", () => {
  expect(listenAddress("10.0.0.1:7000")).toEqual({ host: "10.0.0.1", port: 7000 });
  for (const listen of ["7000", "10.0.0.1", "10.0.0.1:x", "10.0.0.1:65536"])
    expect(() => listenAddress(listen)).toThrow(`where ranks dial; expected listen=HOST:PORT; got ${listen}`);
});

test("ranks that somebody else starts need a token that nobody guesses", () => {
  vi.stubEnv(workerEnvironment.token, "");
  expect(outsideToken).toThrow(
    /need a token: .*_TOKEN; expected 16 characters or more, .*; got nothing; set/,
  );
  vi.stubEnv(workerEnvironment.token, "short");
  expect(outsideToken).toThrow("got 5 characters");
  vi.stubEnv(workerEnvironment.token, "0123456789abcdef");
  expect(outsideToken()).toBe("0123456789abcdef");
});

test("ranks and launcher of an engine that has none are refused by their names", async () => {
  const opening = { folder: "nowhere", trained: "all" } as const;
  await expect(openEngine({ engine: "onnx", threads: 1, ranks: 2 }, opening)).rejects.toThrow(
    "--ranks is of engines that compute in other processes; expected --engine torch; got --engine onnx",
  );
  const launched = { threads: 1, launcher: "torchrun" };
  await expect(openEngine(launched, opening)).rejects.toThrow(/^--launcher is of engines/);
});
