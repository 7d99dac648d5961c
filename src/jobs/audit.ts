import { writeFileAtomic } from "../core/files.ts";
import { type Audit, auditSamples } from "../evaluation/audit/audit.ts";
import { auditHeadline, auditPage } from "../evaluation/audit/page.ts";
import { benchmarkRegistry } from "../evaluation/benchmarks.ts";
import { type Irregularity, irregularitiesOf, samplesOnce } from "./benchmark-samples.ts";

export interface AuditRequest {
  /** `NAME`, or `NAME:key=value,...`. */
  readonly benchmark: string;
  readonly annotations: string;
  readonly seed: number;
  /** Where a page goes; left out: none is written. */
  readonly page?: string;
}

/** How far a benchmark can be answered without looking, and what is odd in its annotations. */
export interface AuditResult extends Audit {
  readonly benchmark: string;
  readonly headline: string | null;
  readonly irregular: readonly Irregularity[];
  readonly page: string | null;
}

/**
 * Audits a benchmark's annotations before any model runs.
 *
 * @throws {DataFormatError} for annotations that cannot be read
 */
export const audit = async ({ benchmark, annotations, seed, page }: AuditRequest): Promise<AuditResult> => {
  const { value, recipe } = await benchmarkRegistry.choose(benchmark);
  const samples = await samplesOnce(value, annotations);
  const found = auditSamples(samples, seed);
  if (page !== undefined) writeFileAtomic(page, auditPage(recipe.name, found));
  return {
    ...found,
    benchmark: recipe.name,
    headline: auditHeadline(found),
    irregular: irregularitiesOf(samples),
    page: page ?? null,
  };
};
