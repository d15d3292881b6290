import { describe, expect, it } from 'vitest';
import { loadAppSettings, loadJobSettings } from '../../shared/config/settings.js';
import { ProblemsError } from '../../shared/error/app-error.js';

const REGISTRIES = JSON.stringify([
  {
    resourceId: '/subscriptions/S/resourceGroups/R/providers/Microsoft.ContainerRegistry/registries/Team',
    loginServer: 'team.azurecr.io',
  },
]);
const GOOD = { LAZARET_REGISTRIES: REGISTRIES, LAZARET_STORAGE: 'UseDevelopmentStorage=true' };

function problemsOf(work: () => unknown): readonly string[] {
  try {
    work();
    return [];
  } catch (error) {
    if (error instanceof ProblemsError) return error.problems.map(({ path }) => path);
    throw error;
  }
}

describe('settings', () => {
  it('have safe defaults: enforcement is off, and callers sign in', () => {
    expect(loadAppSettings(GOOD)).toMatchObject({
      enforcement: 'observe',
      signIn: 'entra',
      identity: { kind: 'managed' },
      registries: [
        { resourceId: expect.stringMatching(/^\/subscriptions\/s\//) as string, loginServer: 'team.azurecr.io' },
      ],
    });
    expect(Object.isFrozen(loadJobSettings(GOOD))).toBe(true);
  });
  it('are all told at once where they are missing', () => {
    expect(problemsOf(() => loadAppSettings({ LAZARET_ENFORCEMENT: 'maybe' }))).toEqual([
      'LAZARET_REGISTRIES',
      'LAZARET_ENFORCEMENT',
      'LAZARET_STORAGE',
    ]);
  });
  it.each([
    ['text for a list', { LAZARET_REGISTRIES: 'team' }, 'LAZARET_REGISTRIES'],
    ['an empty list', { LAZARET_REGISTRIES: '[]' }, 'LAZARET_REGISTRIES'],
    [
      'a login server that is none',
      { LAZARET_REGISTRIES: REGISTRIES.replace('team.azurecr.io', 'https://team') },
      'LAZARET_REGISTRIES.0.loginServer',
    ],
    ['local sign-in in Azure', { LAZARET_SIGN_IN: 'local', WEBSITE_SITE_NAME: 'app' }, 'LAZARET_SIGN_IN'],
    [
      'half of the storage',
      { LAZARET_STORAGE: '', LAZARET_STORAGE__queueServiceUri: 'https://a.queue.core.windows.net' },
      'LAZARET_STORAGE',
    ],
    ['plain http to storage', { LAZARET_STORAGE__queueServiceUri: 'http://a' }, 'LAZARET_STORAGE__queueServiceUri'],
    ['a reserved list that is none', { LAZARET_RESERVED_REPOSITORIES: 'a/b' }, 'LAZARET_RESERVED_REPOSITORIES'],
    [
      'a reserved repository of no registry',
      { LAZARET_RESERVED_REPOSITORIES: '["gatekeeper"]' },
      'LAZARET_RESERVED_REPOSITORIES.0',
    ],
    [
      'a reserved repository of a registry that is not ours',
      { LAZARET_RESERVED_REPOSITORIES: '["team.azurecr.io/a", "taem.azurecr.io/a"]' },
      'LAZARET_RESERVED_REPOSITORIES.1',
    ],
    [
      'a reserved pattern that is none',
      { LAZARET_RESERVED_REPOSITORIES: '["team.azurecr.io/Gate**"]' },
      'LAZARET_RESERVED_REPOSITORIES.0',
    ],
    ['an image of the job that is none', { LAZARET_JOB_IMAGE: 'lazaret-job' }, 'LAZARET_JOB_IMAGE'],
    ['channels that are no object', { LAZARET_TEAMS_WEBHOOK_URLS: '[]' }, 'LAZARET_TEAMS_WEBHOOK_URLS'],
    [
      'a channel without an address',
      { LAZARET_TEAMS_WEBHOOK_URLS: '{"team-a":"x"}' },
      'LAZARET_TEAMS_WEBHOOK_URLS.team-a',
    ],
    [
      'channels of teams without a common one',
      { LAZARET_TEAMS_WEBHOOK_URLS: '{"team-a":"https://teams.example/a"}' },
      'LAZARET_TEAMS_WEBHOOK_URL',
    ],
    ['an enforcement that is none', { LAZARET_ENFORCEMENT: 'on' }, 'LAZARET_ENFORCEMENT'],
    ['a cap of no cards', { LAZARET_MAX_CARDS_PER_HOUR: '0' }, 'LAZARET_MAX_CARDS_PER_HOUR'],
    ['a cap that is no number', { LAZARET_MAX_CARDS_PER_HOUR: 'many' }, 'LAZARET_MAX_CARDS_PER_HOUR'],
    ['a limit of none', { LAZARET_MAX_NEW_QUARANTINES_PER_HOUR: '0' }, 'LAZARET_MAX_NEW_QUARANTINES_PER_HOUR'],
  ])('refuse %s', (_, changes, path) => {
    expect(problemsOf(() => loadAppSettings({ ...GOOD, ...changes }))).toContain(path);
  });
  it('reserve what they name in a registry of ours, and the list', () => {
    const { reserved } = loadAppSettings({
      ...GOOD,
      LAZARET_JOB_IMAGE: `team.azurecr.io/lazaret/job@sha256:${'a'.repeat(64)}`,
      LAZARET_DATABASE: 'team.azurecr.io/mirror/trivy-db:2',
      LAZARET_JAVA_DATABASE: 'ghcr.io/aquasecurity/trivy-java-db:1',
      LAZARET_RESERVED_REPOSITORIES: '["team.azurecr.io/gatekeeper/**"]',
    });
    expect(reserved.map(({ registry, repository }) => `${registry}/${repository}`)).toEqual([
      'team.azurecr.io/lazaret/job',
      'team.azurecr.io/mirror/trivy-db',
      'team.azurecr.io/gatekeeper/**',
    ]);
  });
  it("let nobody in where the platform's sign-in is switched off", () => {
    const inAzure = { ...GOOD, LAZARET_SIGN_IN: 'entra', WEBSITE_SITE_NAME: 'app' };
    expect(loadAppSettings({ ...inAzure, WEBSITE_AUTH_ENABLED: 'False' }).signIn).toBe('closed');
    expect(loadAppSettings({ ...inAzure, WEBSITE_AUTH_ENABLED: 'True' }).signIn).toBe('entra');
    // What the infrastructure says where it sets up no sign-in, whatever the platform tells.
    expect(loadAppSettings({ ...inAzure, LAZARET_SIGN_IN: 'closed' }).signIn).toBe('closed');
    expect(loadAppSettings({ ...inAzure, LAZARET_SIGN_IN: 'closed', WEBSITE_AUTH_ENABLED: 'True' }).signIn).toBe(
      'closed',
    );
  });
  it('need no tables for the scan job', () => {
    const uris = {
      LAZARET_STORAGE: undefined,
      LAZARET_STORAGE__queueServiceUri: 'https://q',
      LAZARET_STORAGE__blobServiceUri: 'https://b',
    };
    expect(loadJobSettings({ ...GOOD, ...uris }).storage.kind).toBe('identity');
    expect(problemsOf(() => loadAppSettings({ ...GOOD, ...uris }))).toEqual(['LAZARET_STORAGE']);
  });
});
