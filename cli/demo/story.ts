import { execFile } from 'node:child_process';

/** What a command has to come to. */
export interface Expectation {
  readonly exit: number;
  /** What it has to say, each somewhere in its output. */
  readonly says: readonly (string | RegExp)[];
  /** What must stand nowhere in it. */
  readonly never?: readonly (string | RegExp)[];
}

/** What a command came to. */
export interface Said {
  readonly exit: number;
  readonly output: string;
}

/** Tells a story in chapters, on standard output, and remembers what did not come out as told. */
export interface Story {
  readonly chapter: (title: string, text: string) => void;
  /** Runs a command as a person would, shows what it says, and holds it against what it should. */
  readonly lazaret: (words: readonly string[], expected: Expectation) => Promise<Said>;
  /** Runs it without showing it: to wait for something. */
  readonly quietly: (words: readonly string[]) => Promise<Said>;
  /** Shows something that people see, and whether it is so. */
  readonly see: (what: string, isSo: boolean) => void;
  readonly problems: () => readonly string[];
}

const MAX_SHOWN_LINES = 24;

/** Begins a story. `print` gets its lines; commands are those of `entry`, and run in `directory`. */
export function createStory(
  print: (line: string) => void,
  { entry, directory }: { readonly entry: string; readonly directory: string },
): Story {
  const problems: string[] = [];
  let chapters = 0;
  let current = '';
  const judge = (what: string, isSo: boolean) => {
    print(`  ${isSo ? '✔' : '✘'} ${what}`);
    if (!isSo) problems.push(`${current}: ${what}`);
  };
  const run = (words: readonly string[]): Promise<Said> =>
    new Promise((resolve) => {
      const options = { cwd: directory, timeout: 120_000, maxBuffer: 2 ** 24 };
      execFile(process.execPath, [entry, ...words], options, (error, out, err) => {
        const exit = error === null ? 0 : typeof error.code === 'number' ? error.code : 99;
        resolve({ exit, output: `${out}${err}`.trimEnd() });
      });
    });
  return {
    chapter: (title, text) => {
      chapters += 1;
      current = `${chapters}. ${title}`;
      print(`\n── ${current}\n${text}\n`);
    },
    lazaret: async (words, { exit, says, never = [] }) => {
      print(`$ npx lazaret ${words.map(quoted).join(' ')}`);
      const said = await run(words);
      const lines = said.output.split('\n');
      for (const line of lines.slice(0, MAX_SHOWN_LINES)) print(`    ${line}`);
      if (lines.length > MAX_SHOWN_LINES) print(`    … ${lines.length - MAX_SHOWN_LINES} more lines`);
      judge(`exit ${exit}${said.exit === exit ? '' : `, and not ${said.exit}`}`, said.exit === exit);
      for (const wanted of says) judge(`says ${shown(wanted)}`, holds(said.output, wanted));
      for (const unwanted of never) judge(`does not say ${shown(unwanted)}`, !holds(said.output, unwanted));
      return said;
    },
    quietly: run,
    see: judge,
    problems: () => problems,
  };
}

const holds = (text: string, wanted: string | RegExp) =>
  typeof wanted === 'string' ? text.includes(wanted) : wanted.test(text);
const shown = (wanted: string | RegExp) => (typeof wanted === 'string' ? `“${wanted}”` : String(wanted));

/** A word as a shell wants it. It is printed, and never given to one. */
function quoted(word: string): string {
  return /^[A-Za-z0-9@%_+=:,./-]+$/.test(word) ? word : `"${word.replaceAll(/["\\$`]/g, '\\$&')}"`;
}
