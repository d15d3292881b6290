import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createApp } from '../../shared/app.js';

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'lazaret-start-'));
});
afterAll(() => rm(directory, { recursive: true }));

describe('an app whose policy sends cards to a channel that no setting names', () => {
  it('does not start, and says which', async () => {
    const policy = join(directory, 'policy.yaml');
    await writeFile(
      policy,
      'version: 1\nrules:\n  - repository: "a/**"\n    channel: team-a\n  - repository: "**"\n    channel: team-b\n',
    );
    const id = '/subscriptions/S/resourceGroups/R/providers/Microsoft.ContainerRegistry/registries/team';
    const env = {
      LAZARET_REGISTRIES: JSON.stringify([{ resourceId: id, loginServer: 'team.azurecr.io' }]),
      // Nothing is asked of it.
      LAZARET_STORAGE: 'UseDevelopmentStorage=true',
      LAZARET_POLICY: policy,
      LAZARET_TEAMS_WEBHOOK_URL: 'https://teams.example/common',
      LAZARET_TEAMS_WEBHOOK_URLS: '{"team-b": "https://teams.example/b"}',
    };
    const effects = { fetch, clock: () => new Date(0), write: () => undefined };
    await expect(createApp(env, effects)).rejects.toMatchObject({
      code: 'POLICY_INVALID',
      problems: [{ path: 'rules[0].channel', message: 'team-a is not in LAZARET_TEAMS_WEBHOOK_URLS' }],
    });
  });
});
