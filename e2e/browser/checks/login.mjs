// A link from a chat survives the login, and needs none the next time.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';

export default async function check({ browser, consoles }) {
  const context = await browser.newContext();
  const page = await context.newPage();
  const headers = { authorization: 'Bearer admin-token' };
  const { issues } = await (await page.request.get(`${consoles.guarded}/api/v1/issues?q=cart`, { headers })).json();
  const issue = consoles.guarded + issues[0].path;
  // Another name of this machine is another site.
  const chat = createServer((_, response) => {
    response.setHeader('content-type', 'text/html');
    response.end(`<a href="${issue}">an alert</a>`);
  });
  await new Promise((resolve) => { chat.listen(0, '127.0.0.1', resolve); });
  const elsewhere = `http://localhost:${chat.address().port}/`;
  try {
    await page.goto(elsewhere);
    await page.getByText('an alert').click();
    await page.waitForURL(/\/login\?next=/);
    await page.getByRole('textbox', { name: 'Token' }).fill('wrong-token');
    await page.getByRole('button', { name: 'Log in' }).click();
    await page.getByRole('alert').waitFor();
    await page.getByRole('textbox', { name: 'Token' }).fill('admin-token');
    await page.getByRole('button', { name: 'Log in' }).click();
    await page.waitForURL(issue);
    assert.match(await page.locator('header .user').innerText(), /admin/);
    const [session] = (await context.cookies()).filter((cookie) => cookie.name === 'tagwatch-session');
    assert.deepEqual([session.httpOnly, session.sameSite], [true, 'Strict']);

    await page.goto(elsewhere);
    await page.getByText('an alert').click();
    // The session goes on, though the browser kept its cookie back at first.
    await page.getByRole('heading', { name: 'Evidence' }).waitFor();
    assert.equal(page.url(), issue);

    await page.getByRole('button', { name: 'Log out' }).click();
    await page.waitForURL(/\/login$/);
    await page.goto(issue);
    await page.waitForURL(/\/login\?next=/);
  } finally {
    chat.close();
  }
}
