/** Whose Notation signatures count. */
export interface NotationTrust {
  /** `registry/repository`: what the trust policy's scopes are compared with. */
  readonly scope: string;
}
