import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createInbox } from '../inbox/inbox.js';
import { serve } from '../web/node-adapter.js';
import type { Card } from './judge.js';

/** The inbox, with every card that it has taken. */
export interface Channel {
  readonly url: string;
  readonly cards: () => readonly Card[];
  readonly close: () => void;
}

/** Starts the inbox; `inbox: card taken` is the moment before its answer. */
export async function startChannel(directory: string, reached: (moment: string) => Promise<void>): Promise<Channel> {
  const inbox = await createInbox({ directory, clock: () => new Date() });
  const cards: Card[] = [];
  const server = createServer(
    serve(async (request) => {
      const text = await request.clone().text();
      const response = await inbox.handle(request);
      if (response.status !== 202) return response;
      cards.push(readCard(text));
      await reached('inbox: card taken');
      return response;
    }),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    cards: () => cards,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** A card's headline stands before the image's name; its digest is somewhere in its text. */
function readCard(text: string): Card {
  const fallback = /"fallbackText":"([^"]*)"/.exec(text)?.[1] ?? '';
  return { headline: fallback.split(': ', 1)[0] ?? '', digest: /sha256:[0-9a-f]{64}/.exec(text)?.[0], at: Date.now() };
}
