import { TableClient } from '@azure/data-tables';
import { DefaultAzureCredential, ManagedIdentityCredential, type TokenCredential } from '@azure/identity';
import { BlobServiceClient } from '@azure/storage-blob';
import { QueueServiceClient } from '@azure/storage-queue';
import type { CommonSettings, StorageSettings } from './config/settings.js';
import { AppError } from './error/app-error.js';

/** The identity that the settings name; undefined where they name none. */
export function createCredential({ identity }: Pick<CommonSettings, 'identity'>): TokenCredential | undefined {
  switch (identity.kind) {
    case 'anonymous':
      return undefined;
    case 'managed':
      return identity.clientId === undefined
        ? new ManagedIdentityCredential()
        : new ManagedIdentityCredential({ clientId: identity.clientId });
    case 'developer':
      return new DefaultAzureCredential();
  }
}

/** Clients for the three services of one storage account. */
export interface StorageClients {
  readonly queues: QueueServiceClient;
  readonly blobs: BlobServiceClient;
  /** Throws `SETTINGS_INVALID` where the settings name no table service: the scan job has none. */
  readonly table: (name: string) => TableClient;
}

/** Connects by connection string (local), or by identity, without any key. */
export function connectStorage(storage: StorageSettings, credential: TokenCredential | undefined): StorageClients {
  if (storage.kind === 'connection-string') {
    const text = storage.connectionString;
    // Plain http is what Azurite speaks on loopback.
    const options = { allowInsecureConnection: true };
    return {
      queues: QueueServiceClient.fromConnectionString(text),
      blobs: BlobServiceClient.fromConnectionString(text),
      table: (name) => TableClient.fromConnectionString(text, name, options),
    };
  }
  if (credential === undefined) throw new AppError('SETTINGS_INVALID', 'storage by identity needs an identity');
  const { tableServiceUri } = storage;
  return {
    queues: new QueueServiceClient(storage.queueServiceUri, credential),
    blobs: new BlobServiceClient(storage.blobServiceUri, credential),
    table: (name) => {
      if (tableServiceUri === undefined) throw new AppError('SETTINGS_INVALID', 'no table service is set');
      return new TableClient(tableServiceUri, name, credential);
    },
  };
}
