import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { VideoPerceiverError } from "../../src/core/errors.ts";
import { type Random, seededRandom } from "../../src/core/random.ts";
import { adaptedModel } from "../../src/model/adapted-model.ts";
import { openCheckpoint } from "../../src/model/checkpoint.ts";
import { expectedTensors } from "../../src/model/parameters.ts";
import { saveCheckpoint } from "../../src/model/save-checkpoint.ts";
import { readAdapter } from "../../src/weights/adapter.ts";
import { linearModules } from "../../src/weights/adapter-names.ts";
import { writeAdapter } from "../../src/weights/write-adapter.ts";
import { elementsOf } from "../../src/weights/write-safetensors.ts";
import { smallConfig } from "../unit/model/small-config.ts";

/**
 * Damaged checkpoint and adapter folders: each is loaded whole or refused in one line, and nothing is allocated that
 * the files do not fill. VIDEOPERCEIVER_FUZZ sets how many (default 300), VIDEOPERCEIVER_FUZZ_SEED which.
 */
const count = Number(process.env["VIDEOPERCEIVER_FUZZ"] ?? 300);
const seed = process.env["VIDEOPERCEIVER_FUZZ_SEED"] ?? "1";

const root = mkdtempSync(join(tmpdir(), "weights-fuzz-"));
afterAll(() => rmSync(root, { recursive: true }));
const config = smallConfig();

type Files = ReadonlyMap<string, Buffer>;
const filesOf = (folder: string): Files =>
  new Map(readdirSync(folder).map((name) => [name, readFileSync(join(folder, name))]));

const sound = (): { checkpoint: Files; adapter: Files } => {
  const random = seededRandom("sound weights");
  const fill = (length: number): Float32Array => Float32Array.from({ length }, () => random.normal());
  const tensors = expectedTensors(config).map(({ name, shape }) => ({
    name,
    shape,
    data: fill(elementsOf(shape)),
  }));
  saveCheckpoint(join(root, "checkpoint"), config, tensors, { dtype: "bfloat16", shardBytes: 60_000 });
  const modules = [...linearModules(adaptedModel(config)).values()].slice(-4).map((module) => ({
    ...module,
    rank: 2,
    alpha: 4,
    scale: 2,
    a_RI: fill(2 * module.inputs),
    b_OR: fill(2 * module.outputs),
  }));
  const plain = { replaced: [], rsLora: false, dropout: 0, base: "" };
  writeAdapter(join(root, "adapter"), { ...plain, modules }, adaptedModel(config));
  return { checkpoint: filesOf(join(root, "checkpoint")), adapter: filesOf(join(root, "adapter")) };
};
const { checkpoint, adapter } = sound();

/** Texts that stand for a value in damaged JSON; some are no JSON. */
const oddValues: readonly string[] = [
  "0",
  "-1",
  "1.5",
  "1e308",
  "NaN",
  "Infinity",
  "9223372036854775808",
  "18446744073709551615",
  "9007199254740993",
  "2147483648",
  "4294967297",
  "null",
  "true",
  '""',
  '"F32"',
  '"F64"',
  '"I64"',
  '"BOOL"',
  '"../x"',
  '"\\u0000"',
  "[]",
  "{}",
  "[0]",
  "[0,0]",
  "[1,2,3,4]",
  "[4294967296,4294967296]",
  "[9223372036854775808,2]",
  "[-1,64]",
  "[[0]]",
  '{"a":{}}',
  "[".repeat(2000),
  '"(a"',
  '"^$"',
  "1000000000",
];

/** Damages a JSON text at one of its values, names or bytes. */
const damagedJson = (text: string, random: Random): string => {
  const values = [
    ...text.matchAll(/(?<=[:[,]\s*)(-?[\d.e+]+|true|false|null|"[^"]*"|\[[^[\]{}]*\])(?=\s*[,\]}])/g),
  ];
  const entries = [...text.matchAll(/"[^"]*":\s*(?:\{[^{}]*\}|-?[\d.e+]+|"[^"]*"|\[[^[\]{}]*\])/g)];
  const at = random.integer(text.length);
  const replace = (found: RegExpMatchArray | undefined, by: string): string =>
    found === undefined ? text : text.slice(0, found.index) + by + text.slice(found.index! + found[0].length);
  switch (random.integer(8)) {
    case 0:
    case 1:
    case 2:
      return values.length === 0 ? text : replace(random.pick(values), random.pick(oddValues));
    case 3: {
      const [one, other] = [random.pick(values), random.pick(values)];
      return replace(one, other?.[0] ?? "0");
    }
    case 4: {
      const entry = random.pick(entries);
      return replace(entry, `${entry?.[0]},${entry?.[0]}`);
    }
    case 5: {
      const entry = random.pick(entries);
      return replace(entry, `"x${random.integer(9)}":0`);
    }
    case 6:
      return text.slice(0, at);
    default:
      return (
        text.slice(0, at) +
        String.fromCharCode(random.integer(random.next() < 0.5 ? 128 : 0xffff)) +
        text.slice(at + 1)
      );
  }
};

const withHeader = (bytes: Buffer, change: (header: string) => string): Buffer => {
  const length = Number(bytes.readBigUInt64LE(0));
  const header = Buffer.from(change(bytes.toString("utf8", 8, 8 + length)));
  const field = Buffer.alloc(8);
  field.writeBigUInt64LE(BigInt(header.length));
  return Buffer.concat([field, header, bytes.subarray(8 + length)]);
};

const damagedSafetensors = (bytes: Buffer, random: Random): Buffer => {
  const length = bytes.readBigUInt64LE(0);
  const copy = Buffer.from(bytes);
  switch (random.integer(6)) {
    case 0: {
      const odd = [
        0n,
        1n,
        length - 1n,
        length + 1n,
        BigInt(bytes.length),
        BigInt(bytes.length - 8),
        1n << 31n,
        1n << 63n,
        (1n << 64n) - 1n,
      ];
      copy.writeBigUInt64LE(random.pick(odd), 0);
      return copy;
    }
    case 1:
      return copy.subarray(0, random.integer(copy.length));
    case 2:
      return Buffer.concat([copy, Buffer.alloc(1 + random.integer(100), 7)]);
    case 3:
      for (let flips = 1 + random.integer(4); flips > 0; flips--)
        copy[random.integer(copy.length)] = random.integer(256);
      return copy;
    default:
      return withHeader(bytes, (header) => damagedJson(header, random));
  }
};

/** One file of a folder damaged, missing, or in another's place. */
const damaged = (files: Files, random: Random): Files => {
  const names = [...files.keys()].filter((name) => name !== "generation_config.json");
  const name = random.pick(names);
  const bytes = files.get(name)!;
  const made = new Map(files);
  const kind = random.integer(20);
  if (kind === 0) made.delete(name);
  else if (kind === 1) made.set(name, files.get(random.pick(names))!);
  else if (name.endsWith(".json")) made.set(name, Buffer.from(damagedJson(bytes.toString(), random)));
  else made.set(name, damagedSafetensors(bytes, random));
  return made;
};

const load = async (folder: string, isAdapter: boolean): Promise<void> => {
  if (isAdapter) {
    await readAdapter(folder, adaptedModel(config));
    return;
  }
  const opened = await openCheckpoint(folder);
  try {
    for (const name of opened.names())
      await opened.readInto(name, new Float32Array(elementsOf(opened.shape(name))));
  } finally {
    await opened.close();
  }
};

test(`${count} damaged folders are loaded whole or refused in one line`, async () => {
  const outcomes = { loaded: 0, refused: 0 };
  for (let number = 0; number < count; number++) {
    const random = seededRandom("weights fuzz", seed, number);
    const isAdapter = number % 3 === 2;
    const folder = join(root, "damaged");
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder);
    for (const [name, bytes] of damaged(isAdapter ? adapter : checkpoint, random))
      writeFileSync(join(folder, name), bytes);
    const size = readdirSync(folder).reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);
    const before = process.memoryUsage().arrayBuffers;
    try {
      await load(folder, isAdapter);
      outcomes.loaded++;
    } catch (error) {
      if (!(error instanceof VideoPerceiverError))
        throw new Error(`folder ${number} of seed ${seed}`, { cause: error });
      expect(error.message, `folder ${number}`).not.toMatch(/\n/);
      expect(error.message.length, `folder ${number}: ${error.message}`).toBeLessThan(1200);
      outcomes.refused++;
    }
    // Float32 of 16-bit files is twice their size; every tensor costs a piece of at most its own size besides.
    const allocated = process.memoryUsage().arrayBuffers - before;
    expect(allocated, `folder ${number}: bytes for ${size} on disk`).toBeLessThan(4 * size + (1 << 20));
  }
  expect(outcomes.loaded + outcomes.refused).toBe(count);
  expect(outcomes.loaded).toBeGreaterThan(0);
  expect(outcomes.refused).toBeGreaterThan(count / 2);
}, 600_000);
