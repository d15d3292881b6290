/** An answer with the error body of the OCI distribution specification 1.1, as ACR words it. */
export class RegistryError extends Error {
  readonly status: number;
  readonly code: string;
  readonly detail: unknown;
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    status: number,
    code: string,
    options: { message?: string; detail?: unknown; headers?: Record<string, string> } = {},
  ) {
    super(options.message ?? code.toLowerCase().replaceAll('_', ' '));
    this.status = status;
    this.code = code;
    this.detail = options.detail;
    this.headers = options.headers ?? {};
  }

  /** The HTTP answer. */
  toResponse(): Response {
    const error = { code: this.code, message: this.message, ...(this.detail !== undefined && { detail: this.detail }) };
    const body = JSON.stringify({ errors: [error] });
    const headers = { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(body)) };
    return new Response(body, { status: this.status, headers: { ...headers, ...this.headers } });
  }
}

/** ACR's refusal of anything that a lock forbids: https://aka.ms/acr/faq/#why-does-my-pull-or-push-request-fail-with-disallowed-operation */
export function disallowed(): RegistryError {
  const link = 'https://aka.ms/acr/faq/#why-does-my-pull-or-push-request-fail-with-disallowed-operation';
  const message = `The operation is disallowed on this registry, repository or image. View troubleshooting steps at ${link}`;
  return new RegistryError(405, 'REGISTRY_DISALLOWED_OPERATION', { message, detail: {} });
}

/** No repository of that name. */
export function nameUnknown(name: string): RegistryError {
  return new RegistryError(404, 'NAME_UNKNOWN', { message: 'repository name not known to registry', detail: { name } });
}

/** No manifest under that tag or digest. */
export function manifestUnknown(reference: string): RegistryError {
  const message = reference.includes(':')
    ? `manifest ${reference} is not found`
    : `manifest tagged by "${reference}" is not found`;
  return new RegistryError(404, 'MANIFEST_UNKNOWN', { message, detail: { reference } });
}
