import { startAzurite } from '../local/azurite/azurite.js';

// A process of its own, so that what is measured does not share a thread with storage.
const directory = process.argv[2];
const azurite = await startAzurite(directory === undefined ? {} : { directory });
process.send?.(azurite.connectionString);
process.once('disconnect', () => {
  void azurite.close().finally(() => process.exit(0));
});
