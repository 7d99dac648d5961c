import { existsSync } from "node:fs";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { ConfigError } from "../core/errors.ts";
import { readJsonFile } from "../core/files.ts";
import { checkedPair, type Pair } from "./pair.ts";

/** What a pair's folder holds, `pair.json` last. */
const pairFiles = ["complete.mp4", "absent.mp4", "sheet.png", "pair.json"] as const;

/** What two records of one pair have in common, whether their clips were written or not. */
const identity = ({ complete, absent: _, source, replacements: __, ...rest }: Pair): unknown => ({
  ...(JSON.parse(JSON.stringify(rest)) as object),
  clip: (source ?? complete).sha256,
});

const recordIn = (folder: string): Pair | undefined => {
  const file = join(folder, "pair.json");
  if (!existsSync(file)) return undefined;
  try {
    return checkedPair(readJsonFile(file), file);
  } catch {
    return undefined;
  }
};

const refused = (folder: string, got: string): ConfigError =>
  new ConfigError("there is another pair already", {
    where: folder,
    got,
    hint: "choose another folder, or overwrite it with --force",
  });

/**
 * Fails where a pair would be overwritten by another one. Without `pair`, before the work: only what cannot be the same
 * pair is refused, by the clip's SHA-256. The same pair may be written again.
 *
 * @throws {ConfigError}
 */
export const checkPairPlace = (folder: string, clipSha256: string, pair?: Pair): void => {
  const there = pairFiles.filter((name) => existsSync(join(folder, name)));
  if (there.length === 0) return;
  const record = recordIn(folder);
  if (record === undefined) throw refused(folder, there.join(", "));
  if ((record.source ?? record.complete).sha256 !== clipSha256)
    throw refused(folder, `a pair of ${record.source?.file ?? record.complete.file}`);
  if (pair !== undefined && !isDeepStrictEqual(identity(record), identity(pair)))
    throw refused(folder, "a pair of this clip that was made in another way");
};
