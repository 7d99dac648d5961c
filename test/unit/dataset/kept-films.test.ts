import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { type FilmPlaces, KeptFilms } from "../../../src/dataset/kept-films.ts";
import { CacheFolder } from "../../../src/frames/cache-folder.ts";

const folder = mkdtempSync(join(tmpdir(), "kept-films-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const made = (name: string): FilmPlaces => {
  const places = [join(folder, `${name}.mp4`), join(folder, `${name}-absent.mp4`)] as const;
  for (const place of places) writeFileSync(place, `film ${place}`);
  return places;
};
const taken = (name: string): FilmPlaces => [join(folder, `${name}.mp4`), join(folder, `${name}-absent.mp4`)];
const cache = join(folder, "films");
const opened = (told: string[] = [], limit = 1e6): KeptFilms =>
  new KeptFilms(new CacheFolder(cache, limit), (line) => told.push(line));

test("films come back as they were, as files of their own", async () => {
  const first = made("first");
  await opened().keep("a", first);
  const again = taken("again");
  expect(await opened().take("a", again)).toBe(true);
  expect(again.map((file) => readFileSync(file, "utf8"))).toEqual(
    first.map((file) => readFileSync(file, "utf8")),
  );
  writeFileSync(again[0], "somebody writes into the export");
  const third = taken("third");
  expect(await opened().take("a", third)).toBe(true);
  expect(readFileSync(third[0], "utf8")).toBe(readFileSync(first[0], "utf8"));
});

test("what was not kept, is damaged or cut is not handed out, and leaves nothing behind", async () => {
  const before = readdirSync(folder).length;
  expect(await opened().take("b", taken("none"))).toBe(false);
  for (const [ending, content] of [
    ["absent.mp4", "another film"],
    ["complete.mp4", ""],
    ["json", "[]"],
    ["json", "no JSON"],
  ] as const) {
    await opened().keep("c", made("c"));
    writeFileSync(join(cache, `c.${ending}`), content);
    const places = taken("damaged");
    expect(await opened().take("c", places)).toBe(false);
    rmSync(places[0], { force: true });
  }
  rmSync(join(folder, "c.mp4"));
  rmSync(join(folder, "c-absent.mp4"));
  expect(readdirSync(folder)).toHaveLength(before);
});

test("the folder keeps to its limit, and a place that cannot be written is told", async () => {
  const kept = opened([], 300);
  for (const key of ["d", "e", "f", "g"]) await kept.keep(key, made(key));
  expect(await kept.take("d", taken("gone"))).toBe(false);
  expect(await kept.take("g", taken("there"))).toBe(true);
  const told: string[] = [];
  await opened(told).keep("no/folder", made("h"));
  expect(told).toHaveLength(1);
  expect(told[0]).toMatch(/^films are not kept for the next format: /);
});
