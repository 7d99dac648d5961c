import { existsSync, readdirSync, statSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { z } from "zod";
import { readTextFile } from "../../core/files.ts";
import { isClipName } from "../clip-files.ts";
import { defineSource, type SourceDefinition, type SourceRow, type UnreadRow } from "../sources.ts";

const SPLIT = /^(.+)_test_split([123])\.txt$/;
/** The end of a clip's name: what is seen of the body, camera, people, view, quality, number. */
const NAME = /_(?:[hulfu])_(?:cm|nm)_np\d+_(?:fr|ba|le|ri)_(?:bad|med|goo)_\d+\.avi$/;

const params = z.strictObject({
  split: z.int().min(1).max(3).default(1).describe("which of the three published splits"),
  unused: z.boolean().default(false).describe("also take clips that the split leaves out"),
});

/** The class in words that a caption can have. */
const inWords = (name: string): string => name.replaceAll("_", " ");

const rowOf = (file: string, name: string, source: string, split: string | undefined): SourceRow => {
  const caption = `A person performs the action "${inWords(name)}".`;
  return {
    id: basename(file),
    clip: { file },
    caption,
    keywords: [inWords(name)],
    ...(split !== undefined && { split }),
    provenance: { source, caption, action: name },
  };
};

function* splitRows(
  place: string,
  { split, unused }: z.output<typeof params>,
): Generator<SourceRow | UnreadRow> {
  const files = readdirSync(place)
    .filter((name) => SPLIT.exec(name)?.[2] === String(split))
    .sort();
  for (const file of files) {
    const action = SPLIT.exec(file)![1]!;
    for (const [at, line] of readTextFile(join(place, file))
      .split(/\r\n|[\r\n]/)
      .entries()) {
      if (line.trim() === "") continue;
      const [, clip, part] = /^(\S.*?)\s+([012])\s*$/.exec(line) ?? [];
      if (clip === undefined)
        yield { unread: { where: `${join(place, file)}:${at + 1}`, reason: "expected CLIP.avi 0, 1 or 2" } };
      else if (part !== "0" || unused)
        yield rowOf(clip, action, `${file}:${at + 1}`, { 1: "train", 2: "test" }[part!]);
    }
  }
}

function* folderRows(place: string): Generator<SourceRow> {
  for (const action of readdirSync(place).sort()) {
    const folder = join(place, action);
    if (action.startsWith(".") || !statSync(folder).isDirectory()) continue;
    for (const clip of readdirSync(folder).sort())
      if (isClipName(clip)) yield rowOf(`${action}/${clip}`, action, `${action}/${clip}`, undefined);
  }
}

const hasSplits = (place: string): boolean => readdirSync(place).some((name) => SPLIT.test(name));

const hasClasses = (place: string): boolean => {
  const [first] = readdirSync(place).filter((name) => !name.startsWith("."));
  if (first === undefined || !statSync(join(place, first)).isDirectory()) return false;
  return readdirSync(join(place, first)).some((name) => NAME.test(name));
};

/** The class of a clip is what happens in it; when it happens is not known. */
const source: SourceDefinition = defineSource({
  summary: "HMDB51: the folder of split files (--clips says where the clips are), or of one folder a class",
  source: "Kuehne et al., HMDB (ICCV 2011)",
  params,
  recognises: ({ place, isFolder }) => isFolder && (hasSplits(place) || hasClasses(place)),
  create: (checked) => ({
    folder: (place) => {
      const beside = join(dirname(resolve(place)), "hmdb51_org");
      return hasSplits(place) && existsSync(beside) ? beside : resolve(place);
    },
    rows: async function* (place) {
      if (hasSplits(place)) yield* splitRows(place, checked);
      else yield* folderRows(place);
    },
  }),
});

export default source;
