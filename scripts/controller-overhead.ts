/**
 * How long this side takes for one SFT step with contrast at the sizes of shape 3B over 8 ranks that compute nothing: cutting
 * batches, messages, putting answers together, the loss, cotangents. Every rank answers at once with numbers of the right
 * sizes, so all of the time is the controller's (and the ranks', which share its machine). Empty calls are timed too.
 * Run: node scripts/controller-overhead.ts [--clips 64] [--steps 5]
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { segmentsBatch } from "../src/batch/segments-batch.ts";
import type { NamedBatch } from "../src/batch/split-batch.ts";
import { tappedRows } from "../src/batch/token-batch.ts";
import { MessageReader, writeMessage } from "../src/core/framed-messages.ts";
import { seededRandom } from "../src/core/random.ts";
import { feedShape, signalShape } from "../src/engine/objective-signals.ts";
import { RemoteEngine } from "../src/engine/remote-engine.ts";
import type { StartedProcesses } from "../src/engine/started-processes.ts";
import { takeStep } from "../src/engine/take-step.ts";
import { RankGroup } from "../src/engine/torch/rank-group.ts";
import { RankedCalls } from "../src/engine/torch/ranked-calls.ts";
import { startWorkers } from "../src/engine/worker-process.ts";
import { type ToEngineWorker, workerEnvironment } from "../src/engine/worker-protocol.ts";
import { elementCount } from "../src/graph/value.ts";
import { batchRules } from "../src/model/batch-rules.ts";
import { makeLosses, sumOfLosses } from "../src/objectives/losses.ts";
import { sftLosses } from "../src/training/contrast.ts";
import { smallConfig, smallVision } from "../test/unit/model/small-config.ts";
import { tinyTokens } from "../test/unit/training/tiny.ts";

const ranks = 8;
const width = 2048;

/** A rank: answers every call at once. */
const answer = (rank: number): void => {
  const socket = connect(Number(process.env[workerEnvironment.port]), "127.0.0.1");
  const reader = new MessageReader();
  const say = (message: unknown): number => writeMessage(socket, message);
  const outputsOf = (batch: NamedBatch): unknown => ({
    tokenLogprobs: new Float32Array(batch.scored.rows.length).fill(-1),
    states: new Map(
      batch.taps.map((tap) => [tap.block, new Float32Array(tappedRows(tap).length * width).fill(0.5)]),
    ),
  });
  let next = 0;
  const hear = (message: ToEngineWorker): void => {
    if (message.kind === "open")
      say({ kind: "ready", capabilities: { trainable: [] }, inspects: false, warnings: [] });
    if (message.kind !== "call") return;
    const { id, operation, given } = message;
    const { batches = [] } = given as { batches?: readonly NamedBatch[] };
    const value =
      operation === "forward" ? { id: next++, kept: "graph", outputs: batches.map(outputsOf) } : null;
    say({ kind: "result", id, value, version: 0, seconds: 0 });
  };
  socket.setNoDelay(true);
  socket.on("connect", () => say({ kind: "hello", token: process.env[workerEnvironment.token], rank }));
  socket.on("data", (piece) => {
    for (const message of reader.push(piece)) hear(message as ToEngineWorker);
  });
  socket.on("close", () => process.exit(0));
};

const { values } = parseArgs({
  options: {
    clips: { type: "string", default: "64" },
    steps: { type: "string", default: "5" },
    ranks: { type: "boolean", default: false },
  },
});

/** Seconds of CPU time, all threads together. */
const busySince = (before: NodeJS.CpuUsage): number => {
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e6;
};

const main = async (): Promise<void> => {
  const program = fileURLToPath(import.meta.url);
  const launch = (environment: Readonly<Record<string, string>>): StartedProcesses => {
    const child = spawn(process.execPath, [program, "--ranks"], { env: { ...process.env, ...environment } });
    return {
      onEnd: () => {},
      endOf: () => undefined,
      lastLine: () => undefined,
      kill: () => void child.kill("SIGKILL"),
      killRank: () => undefined,
      end: async () => void (child.exitCode === null && (await once(child, "exit"))),
      processId: child.pid,
    };
  };
  const config = smallConfig({
    hidden_size: width,
    num_attention_heads: 16,
    rope_scaling: { type: "mrope", mrope_section: [16, 24, 24] },
    num_hidden_layers: 36,
    max_position_embeddings: 32768,
    vision_config: { ...smallVision, out_hidden_size: width },
  });
  const { connections, ready } = await startWorkers(launch, { mediaBytes: 4e9 }, { ranks });
  const model = { mergeSize: config.vision.spatialMergeSize, layers: config.text.layers };
  const engine = new RemoteEngine(new RankedCalls(new RankGroup(connections), model), ready, undefined);
  const random = seededRandom("overhead");
  const contrast = sftLosses({ block: 18, weight: 0.1, temperature: 0.05, dropout: 0.1 });
  const objective = sumOfLosses(await makeLosses(contrast.losses));
  const clips = Array.from({ length: Number(values.clips) }, () =>
    Array.from({ length: 8 }, () => Uint8Array.from({ length: 256 * 1176 }, () => random.integer(256))),
  );
  const words = (length: number): number[] => Array.from({ length }, () => 16 + random.integer(9));
  const { batch } = segmentsBatch(
    clips.map((steps) => ({
      clip: { rows: 16, columns: 16, secondsPerStep: 0.5, steps },
      texts: [{ tokens: words(60), scoredFrom: 20 }],
      contrast: { absentSteps: new Map([[3, steps[0]!]]), keywords: words(6) },
    })),
    batchRules(config),
    {
      tokens: tinyTokens,
      view: { dropout: 0.1, random },
      states: objective.states,
    },
  );
  const shape = signalShape(batch);
  const feeds = Object.fromEntries(
    Object.entries(objective.feeds).map(([name, sizes]) => [
      name,
      new Float32Array(elementCount(feedShape(name, sizes, shape))).fill(1 / 64),
    ]),
  );
  const all: number[] = [];
  for (let step = 0; step < Number(values.steps); step++) {
    const before = engine.statistics();
    const [start, used] = [performance.now(), process.cpuUsage()];
    await takeStep(engine, [batch], objective, feeds);
    const seconds = (performance.now() - start) / 1000;
    const busy = busySince(used);
    // Pictures go with the first step only, and everything is compiled meanwhile.
    if (step > 0) all.push(busy);
    const sent = (engine.statistics().bytesSent - before.bytesSent) / 2 ** 20;
    const received = (engine.statistics().bytesReceived - before.bytesReceived) / 2 ** 20;
    process.stdout.write(
      `step ${step}: ${busy.toFixed(3)} s of CPU time (${seconds.toFixed(3)} s by the clock), ${sent.toFixed(1)} MiB sent, ${received.toFixed(1)} MiB received; ${batch.samples} x ${batch.length} positions\n`,
    );
  }
  const middle = all.sort((a, b) => a - b)[all.length >> 1];
  if (middle !== undefined)
    process.stdout.write(`median of ${all.length} steps: ${middle.toFixed(3)} s of CPU time\n`);
  const [start, used] = [performance.now(), process.cpuUsage()];
  for (let call = 0; call < 100; call++) await engine.clearGradient();
  process.stdout.write(
    `100 empty calls of ${ranks} ranks: ${(busySince(used) * 10).toFixed(3)} ms of CPU time each (${((performance.now() - start) / 100).toFixed(3)} ms by the clock)\n`,
  );
  await engine[Symbol.asyncDispose]();
};

if (values.ranks) for (let rank = 0; rank < ranks; rank++) answer(rank);
else await main();
