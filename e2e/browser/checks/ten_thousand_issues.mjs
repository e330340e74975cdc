// Ten thousand issues: a page takes 150 KiB at most, with all that it loads. How soon it is there, `make bench` says, which
// looks at the same pages by the same check.
import assert from 'node:assert/strict';
import look from './first_paint.mjs';

export default async function check({ browser, consoles }) {
  const paths = ['/', '/changes?since=60d', '/issues', '/issues?sort=-age&q=service&per_page=100', '/images', '/images?by=registry', '/namespaces', '/namespaces/team-01', '/workloads?per_page=100', '/rules', '/exemptions'];
  const { issues, pages } = await look({ browser, origin: consoles.many, paths, rounds: 0 });
  assert.equal(issues, 10_000);
  assert.equal(pages.length, paths.length + 2);
  for (const { path, bytes } of pages) {
    assert.ok(bytes <= 150 * 1024, `${path}: ${bytes} bytes`);
    console.log(`${path}: ${bytes} bytes`);
  }
}
