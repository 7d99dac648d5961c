import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import { DataFormatError } from "../../../src/core/errors.ts";
import { parseJsonRows, readJsonFile, readJsonRows } from "../../../src/core/files.ts";
import {
  decodeUtf8,
  parseHandWrittenJson,
  parseJson,
  parseJsonFile,
  repeatedKey,
} from "../../../src/core/json-text.ts";
import { readPredictions } from "../../../src/evaluation/predictions.ts";
import { readLog } from "../../../src/runs/json-lines-log.ts";

const folder = mkdtempSync(join(tmpdir(), "json-text-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
let serial = 0;
const write = (content: string | Uint8Array, name = "rows.jsonl"): string => {
  const file = join(folder, `${serial++}-${name}`);
  writeFileSync(file, content);
  return file;
};
const collect = async (file: string): Promise<unknown[]> => {
  const rows: unknown[] = [];
  for await (const { value } of readJsonRows(file)) rows.push(value);
  return rows;
};
const bom = "\uFEFF";
const utf16 = (text: string, big = false): Buffer => {
  const bytes = Buffer.from(text, "utf16le");
  return big ? bytes.swap16() : bytes;
};

describe("JSON lines", () => {
  const rows = [{ a: "one\u2028two\u2029three" }, { a: "x\u0085y\u000bz" }, { a: "end" }];
  const lines = rows.map((row) => JSON.stringify(row));
  test.each<[string, string]>([
    ["line separators inside strings", lines.join("\n")],
    ["CRLF", `${lines.join("\r\n")}\r\n`],
    ["CR", lines.join("\r")],
    ["a byte-order mark in front", `${bom}${lines.join("\n")}\n`],
    ["byte-order marks in front of lines that were joined", lines.map((line) => bom + line).join("\n")],
    ["commas behind the rows", lines.join(",\n")],
    ["a comma behind the last one", `${lines.join(",\n")},\n`],
    ["commas behind the last items", lines.map((line) => line.replace("}", " , }")).join("\n")],
    ["empty lines", `\n\n${lines.join("\n  \n")}\n\n`],
  ])("%s", async (_name, text) => {
    const file = write(text);
    expect(await collect(file)).toEqual(rows);
    expect(parseJsonRows(text, file).map(({ value }) => value)).toEqual(rows);
  });

  test("text comes back as it was, wherever the file is cut into pieces", async () => {
    const long = Array.from({ length: 400 }, (_, i) => ({ i, text: `é\u2028${"x".repeat(i % 300)}漢` }));
    const file = write(long.map((row) => JSON.stringify(row)).join("\n"));
    expect(await collect(file)).toEqual(long);
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ a: fc.string({ unit: "binary" }) }), { maxLength: 8 }),
        async (some) => {
          const text = some.map((row) => JSON.stringify(row)).join("\n");
          expect(parseJsonRows(text, "f").map(({ value }) => value)).toEqual(
            JSON.parse(JSON.stringify(some)),
          );
        },
      ),
    );
  });

  test("lines are counted as an editor counts them", async () => {
    const places: string[] = [];
    for await (const { where } of readJsonRows(write('\n{"a":1}\r\n\r\n{"a":"\u2028"}\n')))
      places.push(where);
    expect(places.map((place) => place.slice(-2))).toEqual([":2", ":4"]);
    await expect(collect(write('{"a":1}\n\n{"a":\n'))).rejects.toThrow(/rows\.jsonl:3/);
  });

  test("a key that stands twice is named with its line", async () => {
    await expect(collect(write('{"id":"u1"}\n{"id":"u2","answer":"A","answer":"B"}\n'))).rejects.toThrow(
      /stands twice.*rows\.jsonl:2.*"answer"/,
    );
    await expect(collect(write('{"a":{"b":1,"\\u0062":2}}\n'))).rejects.toThrow(/rows\.jsonl:1.*"b"/);
    await expect(collect(write('{"a":1,"a":1,}\n'))).rejects.toThrow(/"a" again/);
    expect(() => readJsonFile(write('{\n "x": 1,\n "y": {"x": 2},\n "x": 3\n}', "one.json"))).toThrow(
      /one\.json:4.*"x"/,
    );
    expect(() => parseHandWrittenJson('{"u1":"A",\n"u1":"B"}', "p.json")).toThrow(/p\.json:2.*"u1"/);
    const log = write('{"step":1,"loss":2,"loss":3}\n');
    expect(() => readLog(log)).toThrow(/rows\.jsonl:1.*"loss"/);
  });

  test.each<[string, Buffer, string]>([
    ["little endian with a mark", Buffer.concat([Buffer.from([0xff, 0xfe]), utf16('{"a":1}\n')]), "UTF-16"],
    [
      "big endian with a mark",
      Buffer.concat([Buffer.from([0xfe, 0xff]), utf16('{"a":1}\n', true)]),
      "UTF-16",
    ],
    ["little endian without one", utf16('{"a":1}\n'), "UTF-16LE"],
    ["big endian without one", utf16('{"a":1}\n', true), "UTF-16BE"],
    ["an empty UTF-16 file", Buffer.from([0xff, 0xfe]), "UTF-16"],
    ["UTF-32", Buffer.from([0xff, 0xfe, 0, 0, 123, 0, 0, 0]), "UTF-32"],
  ])("wide text is named, not garbled: %s", async (_name, bytes, encoding) => {
    const wanted = new RegExp(
      `wrong encoding.*rows\\.jsonl.*expected UTF-8.*got ${encoding}.*iconv -f ${encoding}`,
    );
    const file = write(bytes);
    await expect(collect(file)).rejects.toThrow(wanted);
    await expect(collect(file)).rejects.toThrow(DataFormatError);
    expect(() => readJsonFile(file)).toThrow(wanted);
    expect(() => readPredictions(file)).toThrow(wanted);
  });

  test("bytes that are no UTF-8 are refused with their line, not replaced", async () => {
    const file = write(
      Buffer.concat([Buffer.from('{"a":1}\n{"a":"'), Buffer.from([0xe9]), Buffer.from('"}\n')]),
    );
    await expect(collect(file)).rejects.toThrow(/rows\.jsonl:2.*expected UTF-8/);
  });

  test("a list instead of lines, a missing file and a folder are said in one line", async () => {
    await expect(collect(write('[\n{"a":1},\n{"a":2}\n]'))).rejects.toThrow(/one object a line/);
    await expect(collect(join(folder, "none.jsonl"))).rejects.toThrow(/cannot read file.*none\.jsonl/);
    await expect(collect(folder)).rejects.toThrow(DataFormatError);
  });
});

test("a name that stands twice is found exactly when JSON.parse would lose one", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.string(), fc.jsonValue()), { maxLength: 6 }), (pairs) => {
      const text = `{${pairs.map(([name, value]) => `${JSON.stringify(name)} : ${JSON.stringify(value)}`).join(",")}}`;
      const names = pairs.map(([name]) => name);
      const twice = names.find((name, at) => names.indexOf(name) < at);
      expect(repeatedKey(text)?.key).toBe(twice);
    }),
  );
});

test("whole files: a byte-order mark is passed over, commas too many are not, unless people write them", () => {
  expect(readJsonFile(write(`${bom}{"a":1}`, "a.json"))).toEqual({ a: 1 });
  expect(() => parseJsonFile('{"a":1,}', "a.json")).toThrow(DataFormatError);
  expect(parseHandWrittenJson('{"a":[1,",}",],}', "a.json")).toEqual({ a: [1, ",}"] });
});

test("prediction files of every dress give the same answers", () => {
  const rows = ['{"id":"u1","answer":"B\u2028because"}', '{"id":"u2","answer":"A"}'];
  for (const text of [
    rows.join("\n"),
    `${bom}${rows.join("\r\n")}\r\n`,
    rows.join(",\n"),
    `${rows.join(",\n")},`,
    `[${rows.join(",\n")},]`,
    '{"u1":"B\u2028because",\n"u2":"A",}',
  ]) {
    const [view] = readPredictions(write(text)).views;
    expect([...view!.answers[0]!.values()].map(({ id, text: said }) => [id, said])).toEqual([
      ["u1", "B\u2028because"],
      ["u2", "A"],
    ]);
  }
  expect([...readPredictions(write(`${rows[0]},\n`)).views[0]!.answers[0]!.keys()]).toEqual(["u1"]);
  expect(() => readPredictions(write('{"u1":"A",\n"u1":"B"}'))).toThrow(/rows\.jsonl:2.*"u1"/);
  expect(() =>
    readPredictions(write('{"id":"u1","answer":"A"}\n\n{"id":"u2","answer":"A","answer":"B"}')),
  ).toThrow(/rows\.jsonl:3.*"answer"/);
});

test("what else a file is that is no text", () => {
  expect(() => decodeUtf8(Buffer.from([0x1f, 0x8b, 8, 0, 0xff]), "a.jsonl")).toThrow(
    /got a gzip archive; unpack it first/,
  );
  expect(() => decodeUtf8(Buffer.from('[{"caption": "caf\xe9"}]', "latin1"), "b.json")).toThrow(
    /got bytes that are none; save the file as UTF-8/,
  );
  expect(() => parseJson("<!DOCTYPE html>", "a.json")).toThrow(/got a web page.*fetch it again/);
});
