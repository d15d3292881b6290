// A Terraform provider with a schema and no deeds: `main.ts azurerm` or `main.ts azapi`. Terraform starts it.
import { azapiSchema } from './azapi.js';
import { azurermSchema } from './azurerm.js';
import { serve } from './grpc.js';
import { isShutdown, pluginMethods } from './plugin.js';

const SCHEMAS = { azurerm: azurermSchema, azapi: azapiSchema } as const;
const name = process.argv[2];
if (name !== 'azurerm' && name !== 'azapi') throw new Error('which provider?');
const port = await serve(pluginMethods(SCHEMAS[name]()), (path) => {
  if (isShutdown(path)) process.exit(0);
});
// https://github.com/hashicorp/go-plugin/blob/main/docs/guide-plugin-write-non-go.md: core and protocol version, address, transport.
process.stdout.write(`1|5|tcp|127.0.0.1:${port}|grpc\n`);
