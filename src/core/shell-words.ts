const plain = /^[\w@%+=:,./-][\w@%+=:,./#-]*$/;

/** Words as one command line of a POSIX shell: what the shell would not take as it is stands in quotes. */
export const shellWords = (words: readonly string[]): string =>
  words.map((word) => (plain.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`)).join(" ");
