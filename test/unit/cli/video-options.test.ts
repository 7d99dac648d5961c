import { Command } from "commander";
import { afterEach, expect, test, vi } from "vitest";
import { byteSize, videoOptions } from "../../../src/cli/video-options.ts";
import { cacheRoot } from "../../../src/core/cache-root.ts";

afterEach(() => vi.unstubAllEnvs());

test("sizes are bytes or decimal units", () => {
  const sizes = ["1000", "500MB", "4 GB", "1.5gb", "2TB", "10k", "0"].map(byteSize);
  expect(sizes).toEqual([1000, 500e6, 4e9, 1.5e9, 2e12, 10e3, 0]);
  for (const text of ["", "much", "-1GB", "4GiB", "GB", "1e9"]) expect(() => byteSize(text)).toThrow(/500MB/);
});

test("the environment sets what options leave out", () => {
  const parsed = (...args: string[]): Record<string, unknown> => {
    const command = new Command().exitOverride();
    videoOptions(command);
    return command.parse(args, { from: "user" }).opts();
  };
  expect(parsed()).toEqual({ decoder: "auto", cacheSize: 4e9, cache: true });
  expect(parsed("--no-cache", "--decoder", "ffmpeg")).toMatchObject({ decoder: "ffmpeg", cache: false });
  vi.stubEnv("VIDEOPERCEIVER_CACHE_SIZE", "1GB");
  expect(parsed()).toMatchObject({ cacheSize: 1e9 });
  expect(parsed("--cache-size", "2GB")).toMatchObject({ cacheSize: 2e9 });
  vi.stubEnv("VIDEOPERCEIVER_CACHE", "/some/where");
  expect(cacheRoot()).toBe("/some/where");
});
