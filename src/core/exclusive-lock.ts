import { DatabaseSync } from "node:sqlite";

/** A right that at most one process has at a time. */
export interface ExclusiveLock {
  release(): void;
}

/**
 * Takes a lock, or throws what SQLite says when another process holds it. The lock is an exclusive transaction on an
 * empty SQLite file: the operating system drops it when the process ends in whatever way, so a killed process leaves
 * nothing to clean up and two processes can never both take over.
 *
 * @param file made when it is missing; its folder must be there
 */
export const takeExclusiveLock = (file: string): ExclusiveLock => {
  const database = new DatabaseSync(file, { timeout: 0 });
  try {
    database.exec("PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE");
  } catch (error) {
    database.close();
    throw error;
  }
  return { release: () => database.close() };
};
