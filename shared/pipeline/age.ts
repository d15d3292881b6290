/** Whether more than so many milliseconds have passed since (RFC 3339). */
export function isOlder(at: string, now: Date, milliseconds: number): boolean {
  return now.getTime() - new Date(at).getTime() > milliseconds;
}
