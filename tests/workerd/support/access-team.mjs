/**
 * A team of Cloudflare Access: signs assertions as Access does, and publishes its keys to a gateway
 * that is started with `outbound: team.outbound` and the team's `domain` and `audience`.
 */
import { createPublicKey, generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import { Response } from 'miniflare';

const base64url = (value) => Buffer.from(typeof value === 'string' || Buffer.isBuffer(value) ? value : JSON.stringify(value)).toString('base64url');

function makeKey(bits) {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: bits });
  return { kid: randomBytes(32).toString('hex'), privateKey };
}

/** A key as Access lists it. */
function jwk({ kid, privateKey }) {
  const { n, e } = createPublicKey(privateKey).export({ format: 'jwk' });
  return { kid, kty: 'RSA', alg: 'RS256', use: 'sig', e, n };
}

export class AccessTeam {
  /** How many times the keys were asked for. */
  fetches = 0;

  /** Answers in place of the key set while it is set: a function of the request. */
  answering = undefined;

  #keys;

  /**
   * @param {object} [choice]
   * @param {string} [choice.domain]
   * @param {string} [choice.audience] - the tag of the application
   * @param {number} [choice.bits] - of its RSA keys
   */
  constructor({ domain = 'acme.cloudflareaccess.com', audience = randomBytes(32).toString('hex'), bits = 2048 } = {}) {
    this.domain = domain;
    this.audience = audience;
    this.bits = bits;
    this.#keys = [makeKey(bits)];
  }

  get issuer() {
    return `https://${this.domain}`;
  }

  get keysUrl() {
    return `${this.issuer}/cdn-cgi/access/certs`;
  }

  /** Signs with a new key from now on. The one before stays published, as with Access. */
  rotate() {
    this.#keys = [makeKey(this.bits), this.#keys[0]];
  }

  /** What is published. */
  keySet() {
    return { keys: this.#keys.map(jwk), public_cert: {}, public_certs: [] };
  }

  /** To be given to `startGateway` as `outbound`: the internet, in which there is only this team. */
  outbound = async (request) => {
    if (request.method !== 'GET' || request.url !== this.keysUrl) return new Response('no such host', { status: 502 });
    this.fetches += 1;
    return this.answering ? this.answering(request) : Response.json(this.keySet());
  };

  /**
   * An assertion about `email`, for the header `Cf-Access-Jwt-Assertion`.
   *
   * @param {string} email
   * @param {object} [choice]
   * @param {object} [choice.claims] - to override; `undefined` leaves one out
   * @param {object} [choice.header] - to override, likewise
   * @param {import('node:crypto').KeyObject} [choice.privateKey] - to sign with another key
   * @param {Date} [choice.now] - when it is issued
   */
  assertion(email, { claims = {}, header = {}, privateKey = this.#keys[0].privateKey, now = new Date() } = {}) {
    const seconds = Math.floor(now.getTime() / 1000);
    const said = {
      aud: [this.audience],
      email,
      exp: seconds + 86_400,
      iat: seconds,
      nbf: seconds,
      iss: this.issuer,
      type: 'app',
      identity_nonce: randomBytes(12).toString('base64'),
      sub: '7335d417-61da-459d-899c-0a01c76a2f94',
      country: 'US',
      ...claims,
    };
    const signed = `${base64url({ alg: 'RS256', kid: this.#keys[0].kid, typ: 'JWT', ...header })}.${base64url(said)}`;
    return `${signed}.${base64url(sign('RSA-SHA256', Buffer.from(signed), privateKey))}`;
  }
}
