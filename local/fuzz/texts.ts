/** Texts that the parsers of texts start from: patterns, identities. Some of them cost a backtracking engine its life. */
export const TEXTS: readonly string[] = [
  '^https://code\\.example/team/app/\\.github/workflows/release\\.yml@refs/.*$',
  '(a+)+$',
  '((((((a*)*)*)*)*)*)*b',
  '(a|a)*b',
  '(a|aa)+$',
  'a{0,64}a{0,64}a{0,64}a{0,64}$',
  '([a-z]+[0-9]?)+@example\\.com',
  '(x+x+)+y',
  '.*.*.*.*.*.*.*.*.*=.*',
  '[^a]{1,64}(b|c|d)+\\d{2}',
  'x509.subject: C=US, ST=WA, O=Example, CN=signer',
  'C=US,ST=WA,O=Ex\\,ample\\\\,OU=a\\2Cb',
  'C=US, ST=WA, O=#0401',
];
