/** Checks the links of the pages. */
import { Failure } from '../processes.mjs';

/**
 * Fails if a link leads nowhere.
 *
 * @param {object[]} pages - the rendered pages
 * @param {Record<string, string>} files - every file by its path
 */
export function checkLinks(pages, files) {
  const anchors = new Map(pages.map(({ path, headings }) => [path, new Set(headings.map(({ id }) => id))]));
  const broken = pages.flatMap((page) =>
    page.links.filter((href) => !leads(href, page, anchors, files)).map((href) => `docs/${page.name} links to ${href}, which leads nowhere.`),
  );
  if (broken.length > 0) throw new Failure(broken.join('\n'));
}

function leads(href, page, anchors, files) {
  if (href.startsWith('https://')) return true;
  const [path, anchor] = href.split('#');
  const target = path === '' ? page.path : path;
  if (files[target]) return anchor === undefined;
  const known = anchors.get(target);
  return known !== undefined && (anchor === undefined || known.has(anchor));
}
