// How many issues a console holds, how soon its pages are there, and how large they are: figures for `make bench`, no
// judgement.
import { look } from '../look.mjs';

export default async function check({ browser, origin, paths, rounds }) {
  const pages = paths.map((path) => ({ path, bytes: 0, paints: [] }));
  // The first round is not counted: the browser has just started.
  for (let round = 0; round <= rounds; round += 1) {
    for (const page of pages) {
      const { bytes, paint } = await look(browser, origin + page.path);
      page.bytes = Math.max(page.bytes, bytes);
      if (round > 0) page.paints.push(paint);
    }
  }
  const context = await browser.newContext();
  const { violations: issues } = await (await context.request.get(`${origin}/api/v1/overview`)).json();
  return { issues, pages };
}
