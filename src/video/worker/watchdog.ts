/**
 * Runs as a thread beside the decoder: native calls block the main thread, so a parent that dies during one would
 * leave an orphan. Ends the whole process group, which includes every ffmpeg that was started here.
 */
const parent = process.ppid;

const endGroup = (): void => {
  try {
    process.kill(-process.pid, "SIGKILL");
  } catch {
    process.kill(process.pid, "SIGKILL");
  }
};

setInterval(() => {
  if (process.ppid !== parent) endGroup();
}, 500);
