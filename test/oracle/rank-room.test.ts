/**
 * What computes for ranks: asked of a Ray cluster that is a stand-in and only counts, so Ray need not be there, and of a
 * machine whose GPUs are counted and never used.
 */
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

const isMissing = oracleMissing("GPUs for ranks");

describe.skipIf(isMissing)("a Ray cluster", () => {
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

describe.skipIf(isMissing)("a machine", () => {
  test("with fewer GPUs than ranks: the rank that has none says what to do", () => {
    const code = [
      "import torch",
      "from videoperceiver_torch.ranks import join_ranks",
      "torch.cuda.is_available = lambda: True",
      "torch.cuda.device_count = lambda: 2",
      "join_ranks({'compute': 'float32', 'collectiveSeconds': 1})",
    ].join("\n");
    const { stderr } = spawnSync(oraclePython, ["-P", "-c", code], {
      encoding: "utf8",
      env: { ...process.env, PYTHONPATH: pythonPath, RANK: "2", WORLD_SIZE: "3", LOCAL_RANK: "2" },
    });
    expect(stderr.trim().split("\n").at(-1)).toBe(
      "videoperceiver_torch.errors.EngineError: more ranks than GPUs on a machine; expected a GPU for each; got 2; " +
        "choose fewer --ranks, or CUDA_VISIBLE_DEVICES= for none",
    );
  });
});
