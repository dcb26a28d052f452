/** Visits the console as a browser does: keeps cookies, follows no redirect, sends forms with their token. */
import assert from 'node:assert/strict';
import { insert, newId } from './credentials.mjs';

/** Makes somebody of a workspace who can sign in, with the password of `creds`. */
export async function insertPerson(gateway, creds, role, workspaceId = creds.workspace_id) {
  const [{ password_hash }] = await gateway.d1('SELECT password_hash FROM users WHERE id = ?1', [creds.user_id]);
  const id = newId('usr_');
  const email = `${role}-${id.slice(4)}@example.com`;
  await insert(gateway, 'users', { id, email, password_hash, created_at: Date.now() });
  await insert(gateway, 'memberships', { workspace_id: workspaceId, user_id: id, role, created_at: Date.now() });
  return { user_id: id, email, password: creds.owner_password };
}

/** Signs in through the form. */
export async function login(gateway, email, password) {
  const visitor = new Visitor(gateway);
  await visitor.get('/login');
  const answer = await visitor.post('/login', { email, password });
  assert.equal(answer.status, 303, `signing in as ${email} answered ${answer.status}: ${answer.text}`);
  await visitor.get(answer.location);
  return visitor;
}

/** Signs in as somebody new of this role. */
export async function loginAs(gateway, creds, role, workspaceId) {
  const person = await insertPerson(gateway, creds, role, workspaceId);
  return login(gateway, person.email, person.password);
}

export class Visitor {
  #gateway;
  #cookies = new Map();

  /** The token of the last page that had one. */
  csrf = '';

  constructor(gateway) {
    this.#gateway = gateway;
  }

  /** The cookies, as a request carries them. */
  get cookie() {
    return [...this.#cookies].map((pair) => pair.join('=')).join('; ');
  }

  /** @param {string} [target] - the id of an element, as htmx asks for it */
  get(path, target) {
    const htmx = target && { 'hx-request': 'true', 'hx-target': target };
    return this.#send(path, { headers: { ...htmx } });
  }

  /** Sends a form; lists become repeated fields. */
  post(path, fields = {}, headers = {}) {
    const body = new URLSearchParams();
    for (const [name, value] of Object.entries({ csrf: this.csrf, ...fields })) {
      for (const each of [value].flat()) body.append(name, each);
    }
    return this.#send(path, { method: 'POST', body, headers });
  }

  async #send(path, request) {
    const { cookie } = this;
    const headers = { ...request.headers, ...(cookie && { cookie }) };
    const response = await fetch(this.#gateway.url + path, { ...request, headers, redirect: 'manual' });
    for (const set of response.headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(set);
      if (/max-age=0/i.test(set)) this.#cookies.delete(name);
      else this.#cookies.set(name, value);
    }
    const text = await response.text();
    this.csrf = /name="csrf" value="([^"]+)"/.exec(text)?.[1] ?? this.csrf;
    return { status: response.status, headers: response.headers, location: response.headers.get('location'), text };
  }
}

/** Text as it stands in markup. */
export const escaped = (text) =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
