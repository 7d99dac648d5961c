/** `videoperceiver/absent`: a clip and its twin without the decisive frames. */
export { absentBuilders } from "../absent/builders.ts";
export { freezeControl } from "../absent/freeze.ts";
export { keywordExtractors } from "../absent/keywords.ts";
export { type MadePair, makePair, type PairChoices, type PairSurroundings } from "../absent/make-pair.ts";
export { checkedPair, type FileReference, type Pair, type Replacement } from "../absent/pair.ts";
export { type KnownPair, type PairQuality, pairQuality } from "../absent/pair-quality.ts";
export { fileSource, memorySource, type PairSource } from "../absent/pair-source.ts";
export { type ScoredRate, scoredFrames } from "../absent/scored-frames.ts";
export { absentBatch, absentStream, neededFrames } from "../absent/twin-frames.ts";
export {
  shownPicture,
  type TwinFrame,
  type TwinRecord,
  type TwinView,
  twinView,
} from "../absent/twin-view.ts";
export { type WritePairRequest, type WrittenPair, writePair } from "../absent/write-pair.ts";
