import { askedAt, listedAt, makeCrl, makeOcspResponse } from '../../sigstore/revocation.js';
import { REVOCATION_ORIGIN } from '../revocation-host.js';
import type { NotationOrder } from './notation.js';
import { chainOf, signerBelow } from './notation-keys.js';
import type { Draft } from './workshop.js';

/** What authorities answer, by the name of the file. */
export type RevocationFiles = Map<string, Uint8Array>;

/** Cases whose certificates can be asked about. `answers` gets what the authorities say. */
export async function makeRevocation(
  answers: RevocationFiles,
  make: (order: NotationOrder) => Promise<Draft>,
): Promise<void> {
  const verify = { allowHost: '127.0.0.1' };
  const spec = 'P-256' as const;
  const { root, authority } = await chainOf(spec);
  const policy = { roots: [root.certificate] };
  const order = (name: string, description: string, expected: Draft['expected']) => ({
    name: `notation-${name}`,
    description,
    expected,
    policy,
    verify,
    args: ['--signature-format', name.includes('cose') ? 'cose' : 'jws'],
  });
  const list = listedAt(`${REVOCATION_ORIGIN}/authority.crl`);
  const [good, bad] = [
    await signerBelow(authority, { spec, extensions: [list] }),
    await signerBelow(authority, { spec, extensions: [list] }),
  ];
  answers.set('authority.crl', await makeCrl(authority, [bad.certificate]));
  await make({ ...order('crl-good', 'The list of revoked certificates does not have it.', 'pass'), signers: [good] });
  await make({ ...order('crl-revoked', 'The list of revoked certificates has it.', 'fail'), signers: [bad] });
  await make({ ...order('crl-revoked-cose', 'The list of revoked certificates has it.', 'fail'), signers: [bad] });
  const gone = await signerBelow(authority, { spec, extensions: [listedAt(`${REVOCATION_ORIGIN}/gone.crl`)] });
  await make({
    ...order('crl-gone', 'The list of revoked certificates cannot be had.', 'inconclusive'),
    why: 'what could not be asked is told apart from what is wrong; neither is a pass',
    signers: [gone],
  });
  for (const status of ['good', 'revoked'] as const) {
    const name = `${status}.ocsp`;
    const signer = await signerBelow(authority, { spec, extensions: [askedAt(`${REVOCATION_ORIGIN}/${name}`)] });
    answers.set(name, await makeOcspResponse(authority, signer.certificate, status));
    const expected = status === 'good' ? 'pass' : 'fail';
    await make({
      ...order(`ocsp-${status}`, `The authority, when it is asked, says that it is ${status}.`, expected),
      signers: [signer],
    });
    if (status === 'revoked') {
      await make({
        ...order('ocsp-revoked-permissive', 'It is revoked, which this policy only notes.', 'pass'),
        policy: { ...policy, level: 'permissive' },
        signers: [signer],
      });
    }
  }
}
