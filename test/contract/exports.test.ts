import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { asyncBufferFromFile, parquetReadObjects } from "hyparquet";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { readJsonRows } from "../../src/core/files.ts";
import { exportFormats } from "../../src/dataset/export.ts";
import { readSamples } from "../../src/dataset/read.ts";
import type { Sample } from "../../src/dataset/sample.ts";
import { pixelsOf } from "../../src/frames/frame-batch.ts";
import { readFrames } from "../../src/frames/read-frames.ts";
import { type ExportSummary, exportDataset } from "../../src/jobs/export-dataset.ts";
import type { JobContext } from "../../src/jobs/job-context.ts";
import { openVideoService } from "../../src/video/service.ts";
import { clipsCanBeWritten, madeDataset, maskedTwin, twinOfEvents } from "../dataset-fixture.ts";
import { hashedFiles } from "../hashed-files.ts";

const context: JobContext = {
  progress: () => ({ update: () => {}, log: () => {} }),
  signal: new AbortController().signal,
  warn: () => {},
};

const collected = async <T>(values: AsyncIterable<T>): Promise<T[]> => {
  const all: T[] = [];
  for await (const value of values) all.push(value);
  return all;
};

const jsonRows = async (file: string): Promise<unknown[]> =>
  (await collected(readJsonRows(file))).map(({ value }) => value);

/** Every row of every file of an export, by file. */
const rowsOf = async (folder: string): Promise<Map<string, Record<string, unknown>[]>> => {
  const found = new Map<string, Record<string, unknown>[]>();
  for (const name of readdirSync(folder, { recursive: true, encoding: "utf8" }).sort()) {
    const file = join(folder, name);
    if (name.endsWith(".parquet"))
      found.set(name, await parquetReadObjects({ file: await asyncBufferFromFile(file), utf8: false }));
    if (name.endsWith(".jsonl") && name !== "left-out.jsonl")
      found.set(name, (await jsonRows(file)) as Record<string, unknown>[]);
  }
  return found;
};

/** Every text in a value, however deep. */
const textsIn = (value: unknown): string[] => {
  if (typeof value === "string") return [value];
  if (ArrayBuffer.isView(value) || value === null || typeof value !== "object") return [];
  return Object.values(value).flatMap(textsIn);
};

let folder: string;
let dataset: string;
let samples: Sample[];
/** One for all exports: starting workers takes longer than writing small clips. */
const video = openVideoService({ workers: 1 });

describe.skipIf(!clipsCanBeWritten)("export formats", () => {
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "videoperceiver-exports-"));
    // Two clips, one with a frozen twin, one with a blanked one; parts; a sample without twin, one of chosen frames.
    dataset = await madeDataset(folder, 2, (sample, at) => {
      if (at % 3 === 1) return [];
      const split = sample.id.includes("000000") ? "train" : "test";
      const twin = split === "test" ? maskedTwin(sample) : twinOfEvents(sample);
      return {
        ...sample,
        split,
        ...(at % 5 !== 3 && { absent: twin }),
        ...(at === 2 && { frames: [0, 3, 4, 9] }),
      };
    });
    samples = await collected(readSamples(dataset));
    expect(samples.some(({ frames }) => frames !== undefined)).toBe(true);
    expect(new Set(samples.map(({ absent }) => absent?.builder.name)).size).toBe(3);
  }, 60_000);
  afterAll(async () => {
    await video.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const run = (format: string, out: string, force = false): Promise<ExportSummary> =>
    exportDataset({ dataset, format, out: join(folder, out), force, video }, context);

  test.each(exportFormats.names())(
    "%s writes every sample or says why not, and films that decode",
    async (name) => {
      const plugin = await exportFormats.load(name);
      expect(plugin.summary.length).toBeGreaterThan(10);
      expect(plugin.source.length).toBeGreaterThan(3);
      await expect(exportFormats.make(name, { nonsense: 1 })).rejects.toThrow(
        `bad parameters for export format "${name}"`,
      );
      const out = join(folder, `out-${name}`);
      const summary = await run(name, `out-${name}`);
      const left = (await jsonRows(join(out, "left-out.jsonl"))) as {
        source: string;
      }[];
      expect(summary.counts).toEqual({
        samples: samples.length,
        written: samples.length - left.length,
        leftOut: left.length,
      });
      const files = await rowsOf(out);
      for (const split of summary.splits)
        expect([...files.keys()].some((file) => file.includes(split))).toBe(true);
      const ids = new Set(left.map(({ source }) => source));
      expect(ids.size).toBeLessThan(samples.length / 2);
      const texts = [...files.values()].flat().flatMap(textsIn);
      for (const { id, answer, options } of samples) {
        if (ids.has(id)) continue;
        const letter = options === undefined ? undefined : String.fromCharCode(65 + options.indexOf(answer));
        expect(texts.some((text) => text === id || text.includes(answer) || text === letter)).toBe(true);
      }
      // Films that rows name are there, decode, and no other film lies about.
      const named = new Set(
        texts
          .filter((text) => /\.mp4$/.test(text) && text.includes("videos/"))
          .map((text) => text.slice(text.indexOf("videos/"))),
      );
      const lying = existsSync(join(out, "videos")) ? readdirSync(join(out, "videos")) : [];
      expect(lying.sort()).toEqual([...named].map((file) => file.slice("videos/".length)).sort());
      const first = [...named][0];
      if (first !== undefined) {
        const batch = await readFrames(video, join(out, first), { select: { kind: "all" } });
        expect(batch.frames.length).toBeGreaterThan(10);
      }
      expect(readFileSync(join(out, "README.md"), "utf8")).toContain(`exported for ${name}`);
      expect(readdirSync(folder).filter((entry) => entry.includes("partial"))).toEqual([]);
    },
  );

  test.each(exportFormats.names())(
    "%s gives the same bytes again, and replaces only when told to",
    async (name) => {
      const before = hashedFiles(join(folder, `out-${name}`));
      await expect(run(name, `out-${name}`)).rejects.toThrow(/something is there already.*--force/);
      await run(name, `out-${name}`, true);
      expect(hashedFiles(join(folder, `out-${name}`))).toEqual(before);
    },
  );

  test("pairs are encoded once for all formats, and kept films change nothing of an export", async () => {
    let encoded = 0;
    const counting = new Proxy(video, {
      get: (service, name) => {
        const member = Reflect.get(service, name) as unknown;
        if (typeof member !== "function") return member;
        if (name === "rewrite" || name === "write") encoded++;
        return member.bind(service) as unknown;
      },
    });
    vi.stubEnv("VIDEOPERCEIVER_CACHE", join(folder, "cache"));
    const reading = { decoder: "auto", cache: true, cacheSize: 1e9 };
    const exported = async (name: string): Promise<number> => {
      encoded = 0;
      const out = join(folder, `kept-${name}`);
      await exportDataset({ dataset, format: name, out, force: false, video: counting, reading }, context);
      const films = (from: string): string[] =>
        hashedFiles(join(folder, from)).filter((line) => line.startsWith("videos"));
      expect(films(`kept-${name}`)).toEqual(films(`out-${name}`));
      return encoded;
    };
    try {
      expect(await exported("jsonl")).toBeGreaterThan(0);
      expect(await exported("ms-swift")).toBe(0);
      // A film that is not what was kept is encoded again; the other pair's is not.
      const [damaged] = readdirSync(join(folder, "cache", "films")).filter((file) =>
        file.endsWith("absent.mp4"),
      );
      writeFileSync(join(folder, "cache", "films", damaged!), "no longer a film");
      expect(await exported("easyr1")).toBeGreaterThan(0);
      rmSync(join(folder, "kept-ms-swift"), { recursive: true });
      expect(await exported("ms-swift")).toBe(0);
    } finally {
      vi.unstubAllEnvs();
    }
  });

  test("a twin's film differs from its clip exactly where the sample says, mask and all", async () => {
    const rows = [...(await rowsOf(join(folder, "out-jsonl"))).values()].flat() as unknown as (Sample & {
      absent?: { file: string };
    })[];
    const kinds = new Set<string>();
    for (const row of rows) {
      if (row.absent?.file === undefined || kinds.has(row.absent.builder.name)) continue;
      kinds.add(row.absent.builder.name);
      const all = { select: { kind: "all" }, size: { width: 64, height: 64 } } as const;
      const clip = await readFrames(video, row.clip.file, all);
      const twin = await readFrames(video, row.absent.file, all);
      expect(twin.frames).toEqual(clip.frames);
      const changed = new Set(row.absent.replacements.map(({ index }) => index));
      // A blanked twin is encoded by itself, so what it leaves alone comes back alike, not bit for bit.
      const most = row.absent.builder.name === "mask" ? 3 : 0;
      const wrong = clip.frames.filter(({ index }, at) => {
        const [one, other] = [pixelsOf(clip, at), pixelsOf(twin, at)];
        let sum = 0;
        for (let i = 0; i < one.length; i++) sum += Math.abs(one[i]! - other[i]!);
        return changed.has(index) ? sum === 0 : sum > most * one.length;
      });
      expect(wrong).toEqual([]);
    }
    expect(kinds.size).toBe(2);
  }, 30_000);

  test("letters follow the options, wrong answers are wrong, twins are pairs only where the moment decides", async () => {
    const swift = await rowsOf(join(folder, "out-ms-swift"));
    for (const row of swift.get("train.jsonl")!) {
      const { solution, reference, options, answer_kind } = row as Record<string, string> & {
        options: string[];
      };
      if (answer_kind === "choice") expect(options[solution!.charCodeAt(0) - 65]).toBe(reference);
      expect((row["messages"] as { content: string }[])[0]!.content.split("<video>").length).toBe(2);
    }
    const decisive = new Set(
      samples
        .filter(({ provenance, absent }) => provenance["aboutEvent"] !== false && absent)
        .map(({ id }) => id),
    );
    for (const row of swift.get("train-pairs.jsonl")!) {
      expect(decisive.has(row["sample_id"] as string)).toBe(true);
      expect(row["rejected_videos"]).not.toEqual(row["videos"]);
    }
    const ranked = (await rowsOf(join(folder, "out-llama-factory"))).get("train-ranking.jsonl")!;
    expect(ranked.length).toBeGreaterThan(0);
    for (const row of ranked) expect(row["chosen"]).not.toEqual(row["rejected"]);
  });

  test("a changed clip, a missing one and odd text cost their samples only", async () => {
    const bad = join(folder, "bad");
    const kept = await madeDataset(bad, 2, (sample, at) => ({
      ...sample,
      ...(at === 0 && {
        messages: [
          { role: "user" as const, content: [{ type: "text" as const, text: "what is a <video> ?" }] },
        ],
      }),
      ...(at === 1 && { split: "a/b" }),
    }));
    const [first, second] = [...new Set((await collected(readSamples(kept))).map(({ clip }) => clip.file))];
    writeFileSync(join(kept, second!), "no longer a film");
    const out = join(folder, "out-bad");
    const summary = await exportDataset(
      { dataset: kept, format: "ms-swift", out, force: false, video },
      context,
    );
    const left = (await jsonRows(join(out, "left-out.jsonl"))) as { reason: string }[];
    expect(left.map(({ reason }) => reason).join("\n")).toMatch(/replace by media[\s\S]*name of a file/);
    expect(left.some(({ reason }) => /another content than its sample says/.test(reason))).toBe(true);
    expect(summary.counts.written).toBeGreaterThan(0);
    rmSync(join(kept, first!));
    await expect(
      exportDataset(
        { dataset: kept, format: "ms-swift", out: join(folder, "none"), force: false, video },
        context,
      ),
    ).rejects.toThrow("nothing of the data set can be exported");
    expect(existsSync(join(folder, "none"))).toBe(false);
  }, 30_000);

  test("what an interrupted export wrote is not taken for the next one's, whatever that is", async () => {
    const stopping = new AbortController();
    const stopped: JobContext = {
      ...context,
      signal: stopping.signal,
      progress: () => ({ update: (now) => void (now === 4 && stopping.abort()), log: () => {} }),
    };
    const interrupted = (format: string): Promise<ExportSummary> =>
      exportDataset({ dataset, format, out: join(folder, "stopped"), force: false, video }, stopped);
    // A Parquet file a film: the next export has fewer, and whoever loads it reads every `data/train-*`.
    await expect(interrupted("hf:shardBytes=1")).rejects.toThrow(/abort/i);
    const partial = join(folder, ".stopped.partial");
    expect(readdirSync(join(partial, "data")).length).toBeGreaterThan(1);
    // What a killed process leaves: it could take nothing away.
    const film = readdirSync(join(partial, "videos"))[0]!;
    for (const name of ["train.jsonl", "left-out.jsonl.7.tmp", "images/a.jpg", `videos/${film}.7.1.tmp`]) {
      mkdirSync(join(partial, name, ".."), { recursive: true });
      writeFileSync(join(partial, name), "of another attempt");
    }
    const kept = statSync(join(partial, "videos", film)).mtimeMs;
    await run("hf:clips=files", "stopped");
    await run("hf:clips=files", "never-stopped");
    const names = (out: string): string[] =>
      readdirSync(join(folder, out), { recursive: true, encoding: "utf8" }).sort();
    expect(names("stopped")).toEqual(names("never-stopped"));
    // Whole films are what an export goes on with.
    expect(statSync(join(folder, "stopped", "videos", film)).mtimeMs).toBe(kept);
  }, 60_000);

  test("a worse side of a row's own is not carried, and that is said", async () => {
    const warnings: string[] = [];
    const set = await madeDataset(join(folder, "preferences"), 2, (sample, at) => ({
      ...sample,
      ...(at === 0 && { rejected: { answer: "another answer", clip: sample.clip } }),
    }));
    const out = join(folder, "out-preferences");
    const job = { dataset: set, format: "jsonl", out, force: false, video };
    await exportDataset(job, { ...context, warn: (line) => void warnings.push(line) });
    expect(warnings).toEqual([
      expect.stringMatching(/^1 samples say themselves what is worse .* this export does not carry/),
    ]);
    expect(textsIn([...(await rowsOf(out)).values()])).not.toContain("another answer");
  });

  test("a worse answer about the same clip is the rejected side of ms-swift's and LLaMA-Factory's pairs", async () => {
    const warnings: string[] = [];
    const set = await madeDataset(join(folder, "worse"), 2, (sample, at) => ({
      ...sample,
      ...(at === 0 && { rejected: { answer: "another answer" } }),
      // Beside the letter of the right option the text of a wrong one would be told by its form.
      ...(at === 1 && {
        ...{ answerKind: "choice", options: ["it falls", "it rises"], answer: "it falls" },
        rejected: { answer: "it rises" },
      }),
    }));
    const exported = async (format: string): Promise<Record<string, unknown>[]> => {
      const out = join(folder, `out-worse-${format}`);
      const warn = (line: string): void => void warnings.push(line);
      await exportDataset({ dataset: set, format, out, force: false, video }, { ...context, warn });
      return [...(await rowsOf(out)).values()].flat() as Record<string, unknown>[];
    };
    const swift = (await exported("ms-swift")).filter((row) => row["rejected_response"] !== undefined);
    expect(swift.map((row) => row["rejected_response"])).toEqual(["another answer", "B"]);
    expect(swift[0]!["rejected_videos"]).toBeUndefined();
    const ranked = await exported("llama-factory");
    const worse = ranked.flatMap(({ rejected }) =>
      rejected === undefined ? [] : [JSON.stringify(rejected)],
    );
    expect(worse.filter((one) => one.includes("another answer"))).toHaveLength(1);
    expect(worse.filter((one) => one.includes("it rises"))).toEqual([]);
    expect(warnings).toEqual([]);
  });
});
