import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { SystemError, systemErrorOf } from "../../../src/cli/system-error.ts";
import { atPlace } from "../../../src/core/files.ts";

const thrownBy = (act: () => void): unknown => {
  try {
    act();
  } catch (error) {
    return error;
  }
  return undefined;
};

test.each([
  ["ENOENT", () => readFileSync(join(tmpdir(), "no such file anywhere"))],
  ["EISDIR", () => writeFileSync(tmpdir(), "")],
  ["EEXIST", () => mkdirSync(tmpdir())],
])("%s of the file system is one line that says what to do", (code, act) => {
  const told = systemErrorOf(thrownBy(act));
  expect(told).toBeInstanceOf(SystemError);
  expect(told?.message).toMatch(new RegExp(`^the system refuses to read or write; got ${code}: .+; .+`));
  expect(told?.message).not.toContain("\n");
});

test("a full disk is told, a missing program and our own faults are not taken for it", () => {
  const withCode = (code: string, syscall: string): Error =>
    Object.assign(new Error(`${code}: reason, ${syscall}`), { code, syscall });
  expect(systemErrorOf(withCode("ENOSPC", "write"))?.message).toMatch(/free space on the disk/);
  expect(systemErrorOf(withCode("ENOSPC", "write"), "videoperceiver train --resume")?.message).toMatch(
    /free space on the disk, or choose another place, then go on with: videoperceiver train --resume$/,
  );
  expect(systemErrorOf(withCode("EACCES", "open"), "videoperceiver train --resume")?.message).not.toMatch(
    /go on/,
  );
  const placed = atPlace(withCode("ENOSPC", "write"), "where/it/goes.png");
  expect(systemErrorOf(placed)?.message).toMatch(
    /refuses to read or write: where\/it\/goes\.png; got ENOSPC/,
  );
  const named = Object.assign(new Error("ENOENT: open 'a.txt'"), {
    code: "ENOENT",
    syscall: "open",
    path: "a.txt",
  });
  expect(systemErrorOf(atPlace(named, "b.txt"))?.message).toMatch(/read or write; got ENOENT: open 'a.txt'/);
  expect(systemErrorOf(withCode("ENOENT", "spawn ffmpeg"))).toBeUndefined();
  expect(systemErrorOf(new TypeError("not a function"))).toBeUndefined();
  expect(systemErrorOf("text")).toBeUndefined();
});
