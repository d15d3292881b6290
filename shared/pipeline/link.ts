/** The link of a card to the report page, which is told the reference; none where no page is set. */
export function detailsLink(
  reportUrl: string | undefined,
  reference: string,
): { readonly title: string; readonly url: string }[] {
  if (reportUrl === undefined) return [];
  const url = new URL(reportUrl);
  url.searchParams.set('reference', reference);
  return [{ title: 'Details', url: url.href }];
}
