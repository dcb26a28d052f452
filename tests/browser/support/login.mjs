/** Signs in to the console as a person does. */

/**
 * Signs in through the form, and waits for the page that follows.
 *
 * @param {import('playwright-core').Page} page
 * @param {{owner_email: string, owner_password: string}} creds - from `setup`
 */
export async function logIn(page, { owner_email: email, owner_password: password }) {
  await page.goto('/login');
  await page.locator('input[name=email]').fill(email);
  await page.locator('input[name=password]').fill(password);
  await page.locator('input[name=password]').press('Enter');
  await page.waitForURL((url) => url.pathname !== '/login');
}
