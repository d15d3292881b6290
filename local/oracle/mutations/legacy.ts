import { MediaType } from '../../../shared/artifact/media-type.js';
import {
  type Json,
  type LayerJson,
  type Mutation,
  editBlob,
  editJson,
  editManifest,
  flipBase64,
  parse,
} from './mutation.js';

// https://github.com/sigstore/cosign/blob/main/specs/SIGNATURE_SPEC.md

const SIGNATURE = 'dev.cosignproject.cosign/signature';
const CERTIFICATE = 'dev.sigstore.cosign/certificate';
const CHAIN = 'dev.sigstore.cosign/chain';
const LOG = 'dev.sigstore.cosign/bundle';
const STAMP = 'dev.sigstore.cosign/rfc3161timestamp';
const ALL = [SIGNATURE, CERTIFICATE, CHAIN, LOG, STAMP];

interface LogEntry {
  SignedEntryTimestamp: string;
  Payload: { body: string; integratedTime: number; logIndex: number; logID: string };
}

const isLegacy = ({ mediaType }: LayerJson) => mediaType === MediaType.simpleSigning;

const annotations = (name: string, edit: (found: Record<string, string>, layer: LayerJson) => unknown): Mutation => ({
  name: `legacy: ${name}`,
  apply: (layout) =>
    editManifest(
      layout,
      ({ layers: [layer] }) => layer !== undefined && isLegacy(layer) && edit((layer.annotations ??= {}), layer),
    ),
});
const value = (key: string, name: string, edit: (text: string) => unknown): Mutation =>
  annotations(`${key.slice(key.indexOf('/') + 1)} ${name}`, (found) => {
    const text = found[key];
    const changed = text === undefined ? undefined : edit(text);
    if (typeof changed !== 'string') return false;
    return (found[key] = changed);
  });
const log = (name: string, edit: (entry: LogEntry) => unknown): Mutation =>
  value(LOG, name, (text) => {
    const entry = JSON.parse(text) as LogEntry;
    return edit(entry) === false ? undefined : JSON.stringify(entry);
  });
const payload = (name: string, edit: (json: Json & { critical: Record<string, Json> }) => unknown): Mutation => ({
  name: `legacy: payload ${name}`,
  apply: (layout) =>
    editJson(layout, (json) => 'critical' in json && edit(json as Json & { critical: Record<string, Json> })),
});
const text = (name: string, edit: (text: string) => string): Mutation => ({
  name: `legacy: payload ${name}`,
  apply: (layout) =>
    editBlob(layout, (bytes) => ('critical' in (parse(bytes) ?? {}) ? edit(bytes.toString('utf8')) : undefined)),
});

/** What can be wrong with a signature in Cosign's older form. What is signed is changed without being signed again. */
export const LEGACY_MUTATIONS: readonly Mutation[] = [
  ...ALL.map((key) =>
    annotations(
      `${key.slice(key.indexOf('/') + 1)} left out`,
      (found) => key in found && Reflect.deleteProperty(found, key),
    ),
  ),
  ...ALL.map((key) => value(key, 'empty', () => '')),
  ...ALL.map((key) => value(key, 'with a newline', (found) => `${found}\n`)),
  ...ALL.map((key) => value(key, 'with junk', (found) => `${found}*`)),
  annotations('none at all', (_, layer) => delete layer.annotations),
  annotations('one that nobody knows', (found) => (found['example'] = 'example')),
  value(SIGNATURE, 'one bit changed', flipBase64),
  value(SIGNATURE, 'in the other alphabet', (found) => {
    const other = found.replaceAll('+', '-').replaceAll('/', '_');
    return other === found ? undefined : other;
  }),
  value(SIGNATURE, 'without padding', (found) => (found.endsWith('=') ? found.replaceAll('=', '') : undefined)),
  value(SIGNATURE, 'with a byte behind it', (found) =>
    Buffer.concat([Buffer.from(found, 'base64'), Buffer.from([0])]).toString('base64'),
  ),
  value(CERTIFICATE, 'twice', (found) => `${found}${found}`),
  value(CERTIFICATE, 'with text before it', (found) => `text\n${found}`),
  value(CHAIN, 'twice', (found) => `${found}${found}`),
  value(CHAIN, 'of the certificate', (found) => found.slice(0, found.indexOf('-----END'))),
  log('promise one bit changed', (entry) => (entry.SignedEntryTimestamp = flipBase64(entry.SignedEntryTimestamp))),
  log('a second later', (entry) => entry.Payload.integratedTime++),
  log('another index', (entry) => entry.Payload.logIndex++),
  log('of another log', (entry) => (entry.Payload.logID = '0'.repeat(64))),
  log('of a log in upper case', (entry) => (entry.Payload.logID = entry.Payload.logID.toUpperCase())),
  log('body one bit changed', (entry) => (entry.Payload.body = flipBase64(entry.Payload.body))),
  log('unknown member', (entry) => ((entry as unknown as Json)['example'] = true)),
  log('without promise', (entry) => delete (entry as Partial<LogEntry>).SignedEntryTimestamp),
  log('without payload', (entry) => delete (entry as Partial<LogEntry>).Payload),
  value(STAMP, 'one bit changed', (found) => {
    const json = JSON.parse(found) as { SignedRFC3161Timestamp: string };
    return JSON.stringify({ SignedRFC3161Timestamp: flipBase64(json.SignedRFC3161Timestamp) });
  }),
  payload('rewritten', (json) => (json['optional'] = json['optional'] === null ? {} : null)),
  payload(
    'of another image',
    ({ critical: { image = {} } }) => (image['docker-manifest-digest'] = `sha256:${'0'.repeat(64)}`),
  ),
  payload(
    'of another repository',
    ({ critical: { identity = {} } }) => (identity['docker-reference'] = 'registry.example/other'),
  ),
  payload('of another type', ({ critical }) => ((critical as Json)['type'] = 'example')),
  payload('unknown member', (json) => (json['example'] = true)),
  text('with a space behind it', (all) => `${all} `),
  text('nothing', () => ''),
];
