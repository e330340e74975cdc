// How many issues a console holds, how soon its pages are there, beside bare pages of the same size, and how large they
// are: figures for `make bench`, no judgement.
import { bareServer, look } from '../look.mjs';

export default async function check({ browser, origin, paths, rounds }) {
  const context = await browser.newContext();
  const api = async (path) => (await context.request.get(`${origin}/api/v1/${path}`)).json();
  const { findings: issues } = await api('overview');
  const [[issue], [workload]] = [(await api('issues')).issues, (await api('workloads')).workloads];
  // The last two are named by what is the same in every run.
  const addresses = [...paths.map((path) => [path, path]), ['/issues/ID', issue.path], ['/workloads/NAMESPACE/KIND/NAME', workload.path]];
  const pages = addresses.map(([path, address]) => ({ path, address, bytes: 0, first_bytes: [], paints: [], bare_paints: [] }));
  const bare = await bareServer();
  // The first round is not counted: the browser has just started, and the size of a bare page is not known.
  for (let round = 0; round <= rounds; round += 1) {
    for (const page of pages) {
      const { bytes, firstByte, paint } = await look(browser, origin + page.address);
      page.bytes = Math.max(page.bytes, bytes);
      if (round === 0) continue;
      page.first_bytes.push(firstByte);
      page.paints.push(paint);
      page.bare_paints.push((await look(browser, bare.address(page.bytes), { loads: 1 })).paint);
    }
  }
  bare.close();
  return { issues, pages };
}
