import { describe, expect, it } from 'vitest';
import * as sample from '../../local/sample/image.js';
import { generateKeyPair, signBundle } from '../../local/signer/signer.js';
import { digestOf } from '../../shared/artifact/digest.js';
import { materialOfKeys } from '../../shared/signature/material.js';
import { parsePublicKey } from '../../shared/signature/trust.js';
import { type Line, createLine, onePolicy } from '../support/line.js';

const MINUTE = 60_000;
const COUNT = 14;
const POLICY = onePolicy(
  'signature: { require: any, cosign: { keys: [ci.pub] }, grace: 1s }\nonPush: lock\nonChange: { enforce: lock, after: 0s }',
);

async function timer(line: Line, minutes: number) {
  for (let passed = 0; passed < minutes; passed += 5) {
    await line.wait(5 * MINUTE, 5 * MINUTE);
    await line.app.reconcile();
    await line.settle();
  }
}

describe('a key that is removed from the trust store', () => {
  it('fails what it has signed, trips the brake, and is named as the cause', async () => {
    const line = await createLine(POLICY, { maxNewQuarantinesPerHour: 10 });
    for (let i = 0; i < COUNT; i++) {
      const image = await sample.imageOf([{ path: 'name', content: `signed ${i}` }]);
      await line.registry.push(image, 'app', { tag: `v${i}` });
      await line.registry.push(signBundle(image, line.keys), 'app');
    }
    await line.settle();
    await timer(line, 10);
    const other = generateKeyPair().publicKey;
    const { policy } = line.services;
    line.redeploy({
      policy: { ...policy, digest: digestOf(`${POLICY}${other}`), trust: digestOf(other) },
      material: materialOfKeys([parsePublicKey('ci.pub', other)]),
    });
    await timer(line, 20);
    const answer = await line.app.brake({
      headers: new Headers({ 'x-lazaret-caller': 'ann' }),
      query: new URLSearchParams(),
      text: () => Promise.resolve(''),
    });
    expect(answer.body).toMatchObject({
      on: true,
      tripped: {
        withheld: COUNT - 10,
        causes: [{ name: 'key', count: COUNT }],
        findings: [{ name: 'SIGNATURE_UNTRUSTED_KEY', count: COUNT }],
      },
      changes: [{ kind: 'trust', to: digestOf(other) }, { kind: 'policy' }],
    });
    const told = line.cards.flatMap((card) => (card.kind === 'system' ? [card] : []));
    expect(told).toMatchObject([{ code: 'BRAKE_TRIPPED' }]);
    expect(told[0]?.facts).toContainEqual({ name: 'What changed', value: `${COUNT} × a key is not trusted any more` });
  });
});
