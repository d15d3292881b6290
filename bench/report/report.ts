export async function writeReport(directory: string): Promise<void> {
  await Promise.resolve(directory);
}
