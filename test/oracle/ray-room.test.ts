/** What ranks are given by a Ray cluster: asked of a stand-in that only counts, so Ray need not be there. */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { pythonPath } from "../../src/engine/python-environment.ts";
import { oracleMissing, oraclePython } from "./python.ts";

const script = join(fileURLToPath(new URL(".", import.meta.url)), "stub_ray.py");

const ask = (gpus: number, ranks: number): { readonly asked: unknown; readonly said: string } => {
  const { stdout, stderr } = spawnSync(oraclePython, ["-P", script, String(gpus), String(ranks)], {
    encoding: "utf8",
    env: { ...process.env, PYTHONPATH: pythonPath },
  });
  return { asked: stdout === "" ? undefined : JSON.parse(stdout), said: stderr.trim() };
};

describe.skipIf(oracleMissing("room in a Ray cluster"))("a Ray cluster", () => {
  test("a GPU for each rank where there are enough, none where there is none", () => {
    expect(ask(8, 3).asked).toEqual(Array.from({ length: 3 }, () => ({ CPU: 1, GPU: 1 })));
    const { asked, said } = ask(0, 2);
    expect(asked).toEqual([{ CPU: 1 }, { CPU: 1 }]);
    expect(said).toBe("Ray has no room; expected 2 times {'CPU': 1.0}; got {'CPU': 64.0}");
  });

  test("fewer GPUs than ranks: nothing is placed, and one line says what to do", () => {
    const { asked, said } = ask(4, 8);
    expect(asked).toBeUndefined();
    expect(said).toBe(
      "Ray has fewer GPUs than there are ranks; expected 8 or more, or none at all; got 4; " +
        "choose --ranks 4, or a cluster whose machines were started with --num-gpus 0",
    );
  });
});
