// The console that a controller serves by TLS, to two service accounts: one may list the reports of a namespace, the other
// may not.
import assert from 'node:assert/strict';
import { logIn, newPage, survivesTheLogin } from '../login.mjs';

export default async function check({ browser, origin, path, namespace, rule, marked, reader, stranger }) {
  const issue = origin + path;
  const shown = async (page) => {
    assert.equal(await page.getByRole('link', { name: rule, exact: true }).first().innerText(), rule);
    assert.ok((await page.locator('h1').innerText()).length > 10, 'the rule is said in words');
    const evidence = page.getByRole('region', { name: 'Evidence', exact: true });
    assert.ok((await evidence.locator('mark').innerText()).includes(marked));
  };
  await survivesTheLogin({ browser, issue, token: reader.token, user: reader.user, shown });

  const page = await newPage(browser);
  await page.goto(issue);
  await logIn(page, stranger.token);
  await page.waitForURL(issue);
  assert.equal(await page.locator('header .user').innerText(), stranger.user);
  await page.getByRole('heading', { name: 'Nothing here' }).waitFor();
  for (const hidden of [path, `/namespaces/${namespace}`]) {
    assert.equal((await page.goto(origin + hidden)).status(), 404, hidden);
  }
  for (const open of ['/', '/issues?exempt=all', '/namespaces', '/workloads', `/rules/${rule}`]) {
    assert.equal((await page.goto(origin + open)).status(), 200, open);
    assert.ok(!(await page.locator('main').innerHTML()).includes(namespace), `${open} names the namespace`);
  }
}
