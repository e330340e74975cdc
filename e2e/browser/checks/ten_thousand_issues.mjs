// Ten thousand issues: a page takes 150 KiB at most, with all that it loads. How soon it is there, `make bench` says.
import assert from 'node:assert/strict';
import { look } from '../look.mjs';

export default async function check({ browser, consoles }) {
  for (const path of ['/', '/issues', '/issues?sort=-age&q=service', '/workloads', '/changes?since=60d', '/images', '/images?by=registry']) {
    const { bytes } = await look(browser, consoles.many + path);
    assert.ok(bytes <= 150 * 1024, `${path}: ${bytes} bytes`);
    console.log(`${path}: ${bytes} bytes`);
  }
}
