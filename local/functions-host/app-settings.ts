/** All app settings of the host. */
export type AppSettings = Readonly<Record<string, string | undefined>>;

const WEBJOBS = 'AzureWebJobs';

/** A setting's value, whatever the case of its name, as .NET's configuration finds it. Undefined where it is empty. */
export function findSetting(settings: AppSettings, name: string): string | undefined {
  const known =
    settings[name] ?? Object.entries(settings).find(([key]) => key.toLowerCase() === name.toLowerCase())?.[1];
  return known === '' ? undefined : known;
}

/**
 * Replaces every `%NAME%` by the setting of that name. Throws where there is none.
 * https://learn.microsoft.com/azure/azure-functions/functions-bindings-expressions-patterns#binding-expressions---app-settings
 */
export function resolveSettings(text: string, settings: AppSettings): string {
  return text.replaceAll(/%([^%]+)%/g, (_, name: string) => {
    const value = findSetting(settings, name);
    if (value === undefined) throw new Error(`the app setting ${name}, which ${text} names, is not set`);
    return value;
  });
}

/**
 * The connection string that a binding's `connection` names: of the setting with the prefix `AzureWebJobs`, else of that
 * name; `Storage` where the binding names none. Throws where neither is set, and where they are the settings of an
 * identity (`NAME__queueServiceUri` and its like), which the local host does not serve.
 * https://learn.microsoft.com/azure/azure-functions/functions-reference#connections
 */
export function connectionString(connection: string | undefined, settings: AppSettings): string {
  const name = connection === undefined || connection === '' ? 'Storage' : connection;
  for (const candidate of [`${WEBJOBS}${name}`, name]) {
    const value = findSetting(settings, candidate);
    if (value !== undefined) return value;
    const start = `${candidate}__`.toLowerCase();
    const parts = Object.keys(settings).filter((key) => key.toLowerCase().startsWith(start));
    if (parts.length > 0) throw new Error(`the local host does not serve connections by identity: ${parts.join(', ')}`);
  }
  throw new Error(`the connection ${name} is not set: neither ${WEBJOBS}${name} nor ${name}`);
}

/** https://learn.microsoft.com/azure/azure-functions/disable-function */
export function isDisabled(name: string, settings: AppSettings): boolean {
  return /^(?:true|1)$/i.test(findSetting(settings, `${WEBJOBS}.${name}.Disabled`) ?? '');
}
