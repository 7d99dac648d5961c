import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { defineConfig, type ViteUserConfig } from "vitest/config";
import { mutantPlugins } from "./scripts/mutants/plugin.ts";

/** The package's own entries, read from the sources: plug-in files import them as people do. */
const ownEntries = [
  { find: /^videoperceiver$/, replacement: fileURLToPath(new URL("src/public/index.ts", import.meta.url)) },
  {
    find: /^videoperceiver\/(.*)$/,
    replacement: fileURLToPath(new URL("src/public/$1.ts", import.meta.url)),
  },
];

/**
 * A project of tests. `sideBySide`: files run on every core and share a process one after the other, so that modules are
 * loaded once; such files leave no state behind. The others each have a process of their own and run one after the
 * other, because thread pools of decoders and sessions that spin do not share cores; `npm test` can run a
 * part of them on every core (VIDEOPERCEIVER_TEST_LANES).
 */
const project = (
  name: string,
  include: string[],
  testTimeout: number,
  sideBySide: boolean,
  exclude: string[] = [],
): object => ({
  resolve: { alias: ownEntries },
  plugins: mutantPlugins(),
  test: {
    name,
    include,
    exclude,
    testTimeout,
    hookTimeout: testTimeout,
    pool: "forks",
    setupFiles: ["test/property-seed.ts", "test/typed-array-equality.ts"],
    fileParallelism: sideBySide,
    isolate: !sideBySide,
  },
});

/** Needs a server of gigabytes, so it is run by itself, or not at all. */
const servedRollouts = "test/oracle/vllm.test.ts";

const config: ViteUserConfig = defineConfig({
  test: {
    // What Vite makes of a file is kept as long as the file stays; a mutant is put in on the way and never kept.
    experimental: {
      fsModuleCache: mutantPlugins().length === 0,
      fsModuleCachePath: fileURLToPath(new URL(".cache/modules", import.meta.url)),
    },
    // Unit tests take every core; left alone, vitest keeps one back, which is half of a small machine.
    maxWorkers: availableParallelism(),
    projects: [
      project("unit", ["test/unit/**/*.test.ts", "test/*.test.ts"], 60_000, true),
      project("contract", ["test/contract/**/*.test.ts"], 60_000, true),
      project("extension", ["test/extension/**/*.test.ts"], 120_000, true),
      project("golden", ["test/golden/**/*.test.ts"], 120_000, false),
      project("e2e", ["test/e2e/**/*.test.ts"], 900_000, false),
      project("oracle", ["test/oracle/**/*.test.ts"], 900_000, false, [servedRollouts]),
      project("vllm", [servedRollouts], 900_000, false),
    ],
  },
});

export default config;
