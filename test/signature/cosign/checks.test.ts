import { describe, expect, it } from 'vitest';
import { failed, judge, unknown } from '../../../shared/signature/cosign/checks.js';
import { AppError } from '../../../shared/error/app-error.js';

describe('a judgement', () => {
  it('is a pass where every check that is wanted was made', () => {
    const result = judge(['integrity', 'subject'], ({ pass }) => {
      pass('integrity', '');
      pass('subject', '');
      return 'somebody';
    });
    expect(result).toMatchObject({ outcome: 'verified', signer: 'somebody' });
  });
  it('is none where a check was forgotten', () => {
    const result = judge(['integrity', 'subject'], ({ pass }) => {
      pass('integrity', '');
      return 'somebody';
    });
    expect(result).toMatchObject({ outcome: 'inconclusive', code: 'UNSUPPORTED' });
    expect(judge([], () => 'somebody').outcome).toBe('inconclusive');
  });
  it.each([
    ['a check that failed', failed('subject', 'SIGNATURE_OTHER_DIGEST', ''), 'refused', 'SIGNATURE_OTHER_DIGEST'],
    ['a check that cannot be told', unknown('subject', 'LIMIT', ''), 'inconclusive', 'LIMIT'],
    ['a certificate that cannot be read', new AppError('CERTIFICATE_MALFORMED', ''), 'refused', 'SIGNATURE_MALFORMED'],
    ['anything else', new TypeError('x'), 'refused', 'SIGNATURE_MALFORMED'],
  ])('is none with %s, and names nobody', (_, cause, outcome, code) => {
    const result = judge([], ({ pass }) => {
      pass('authenticity', '');
      throw cause;
    });
    expect(result).toMatchObject({ outcome, code });
    expect(result.signer).toBeUndefined();
  });
});
