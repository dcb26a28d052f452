/** What the pages' search looks in: small enough to be fetched whole when somebody first searches. */

/** Letters of a section's text that are kept. */
const TEXT = 500;

/** `[[path, title, [[anchor, heading, text], …]], …]` */
export function searchIndex(pages) {
  return pages
    .filter(({ name }) => name !== '404.md')
    .map(({ path, facts, sections }) => [
      path,
      facts.title,
      sections.map(({ id, heading, text }) => [id, heading === facts.title ? '' : heading, text.replace(/\s+/g, ' ').trim().slice(0, TEXT)]),
    ]);
}
