// A link from a chat survives the login, and needs none the next time.
import { survivesTheLogin } from '../login.mjs';

export default async function check({ browser, consoles }) {
  const page = await browser.newPage();
  const headers = { authorization: 'Bearer admin-token' };
  const { issues } = await (await page.request.get(`${consoles.guarded}/api/v1/issues?q=cart`, { headers })).json();
  await survivesTheLogin({
    browser,
    issue: consoles.guarded + issues[0].path,
    token: 'admin-token',
    user: 'system:serviceaccount:tools:admin',
    shown: (issue) => issue.getByRole('heading', { name: 'Evidence' }).waitFor(),
  });
}
