import { randomUUID } from 'node:crypto';
import { mkdir, readFile, readdir, rename, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { Handler } from '../web/node-adapter.js';
import { checkEnvelope } from './check-envelope.js';
import { PAGE, SCRIPT, STYLE } from './page.js';

/** A card as it came. */
export interface ReceivedCard {
  readonly name: string;
  /** RFC 3339. */
  readonly receivedAt: string;
  readonly content: unknown;
}

const MAX_SHOWN = 200;
// Adaptive Cards sets styles on its elements from its own script, which needs no inline style attribute in the page.
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; connect-src 'self'; img-src 'none'";

/** A Teams channel on this machine: takes cards as a Workflows webhook does, and shows them on a page. */
export async function createInbox({
  directory,
  clock,
}: {
  readonly directory: string;
  readonly clock: () => Date;
}): Promise<{
  readonly handle: Handler;
  readonly cards: () => Promise<readonly ReceivedCard[]>;
}> {
  await mkdir(directory, { recursive: true });
  const require = createRequire(import.meta.url);
  const library = join(dirname(require.resolve('adaptivecards/package.json')), 'dist', 'adaptivecards.min.js');
  const markdown = join(dirname(require.resolve('markdown-it')), 'browser', 'markdown-it.umd.min.js');
  let order = 0;

  const cards = async (): Promise<readonly ReceivedCard[]> => {
    const names = (await readdir(directory))
      .filter((name) => name.endsWith('.json'))
      .sort()
      .reverse()
      .slice(0, MAX_SHOWN);
    return Promise.all(
      names.map(async (name) => JSON.parse(await readFile(join(directory, name), 'utf8')) as ReceivedCard),
    );
  };
  const receive = async (request: Request): Promise<Response> => {
    const checked = checkEnvelope(await request.text());
    if ('problem' in checked) return Response.json({ error: checked.problem }, { status: 400 });
    for (const { content } of checked.envelope.attachments) {
      const receivedAt = clock().toISOString();
      const name = `${receivedAt.replaceAll(/[^\d]/g, '')}-${String(order++).padStart(6, '0')}-${randomUUID().slice(0, 8)}.json`;
      const card: ReceivedCard = { name, receivedAt, content };
      await writeFile(join(directory, `.${name}`), JSON.stringify(card));
      await rename(join(directory, `.${name}`), join(directory, name));
    }
    // Accepted, and nothing said: that is all a real webhook tells.
    return new Response(null, { status: 202 });
  };
  const text = (body: string | Buffer, type: string) =>
    new Response(body as string, {
      headers: {
        'content-type': `${type}; charset=utf-8`,
        'content-security-policy': POLICY,
        'x-content-type-options': 'nosniff',
      },
    });
  return {
    cards,
    handle: async (request) => {
      const { pathname } = new URL(request.url);
      if (request.method === 'POST')
        return pathname === '/webhook' ? receive(request) : new Response(null, { status: 404 });
      switch (pathname) {
        case '/':
          return text(PAGE, 'text/html');
        case '/cards':
          return text(JSON.stringify(await cards()), 'application/json');
        case '/assets/inbox.css':
          return text(STYLE, 'text/css');
        case '/assets/inbox.js':
          return text(SCRIPT, 'text/javascript');
        case '/assets/adaptivecards.js':
          return text(await readFile(library), 'text/javascript');
        case '/assets/markdown-it.js':
          return text(await readFile(markdown), 'text/javascript');
        default:
          return new Response(null, { status: 404 });
      }
    },
  };
}
