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

/** Heavy tests (sessions, decoders) run one file at a time: spinning thread pools on two cores do not share. */
const project = (name: string, include: string[], testTimeout: number): object => ({
  resolve: { alias: ownEntries },
  plugins: mutantPlugins(),
  test: {
    name,
    include,
    testTimeout,
    hookTimeout: testTimeout,
    pool: "forks",
    setupFiles: ["test/property-seed.ts"],
    fileParallelism: name === "unit",
  },
});

const config: ViteUserConfig = defineConfig({
  test: {
    // Unit tests take every core; left alone, vitest keeps one back, which is half of a small machine.
    maxWorkers: availableParallelism(),
    projects: [
      project("unit", ["test/unit/**/*.test.ts", "test/architecture.test.ts"], 60_000),
      project("contract", ["test/contract/**/*.test.ts"], 60_000),
      project("extension", ["test/extension/**/*.test.ts"], 120_000),
      project("golden", ["test/golden/**/*.test.ts"], 120_000),
      project("e2e", ["test/e2e/**/*.test.ts"], 900_000),
      project("oracle", ["test/oracle/**/*.test.ts"], 900_000),
    ],
  },
});

export default config;
