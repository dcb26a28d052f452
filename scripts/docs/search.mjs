/** The index of the search. It is small enough to be fetched as a whole at the first search. */

/** The number of characters of a section's text that are indexed. */
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
