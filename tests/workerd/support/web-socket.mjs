/**
 * A WebSocket client (RFC 6455) for what a test must see that Node 20 does not show: the closing
 * frame at the moment it arrives. (The local runtime keeps the connection under it for some seconds.)
 */
import { randomBytes } from 'node:crypto';
import http from 'node:http';

const [TEXT, CLOSE] = [0x1, 0x8];

/**
 * Opens a WebSocket.
 *
 * @param {string} url - http:
 * @param {{text: (text: string) => void, close: (code: number, reason: string) => void}} heard
 * @param {Record<string, string>} [more] - headers, such as a browser's `Origin`
 * @returns {Promise<{status: number, body?: string, send?: (text: string) => void, close?: () => void}>}
 *   the answer; with `send` and `close` where it was 101
 */
export function openWebSocket(url, heard, more = {}) {
  return new Promise((resolve, reject) => {
    const headers = {
      connection: 'Upgrade',
      upgrade: 'websocket',
      'sec-websocket-version': '13',
      'sec-websocket-key': randomBytes(16).toString('base64'),
      ...more,
    };
    const request = http.get(url, { headers, agent: false });
    request.on('error', reject);
    request.on('response', async (response) => {
      const chunks = await response.toArray();
      resolve({ status: response.statusCode, body: Buffer.concat(chunks).toString() });
    });
    request.on('upgrade', (response, socket, head) => {
      const frame = (opcode, payload) => {
        const length = payload.length < 126 ? [0x80 | payload.length] : [0x80 | 126, payload.length >> 8, payload.length & 0xff];
        // Masked with zeros: the mask is against proxies, and there is none.
        return Buffer.concat([Buffer.from([0x80 | opcode, ...length, 0, 0, 0, 0]), payload]);
      };
      let rest = head;
      let closed = false;
      const read = (chunk) => {
        rest = Buffer.concat([rest, chunk]);
        for (let one = firstFrame(rest); one; one = firstFrame(rest)) {
          rest = rest.subarray(one.end);
          if (one.opcode === TEXT) heard.text(one.payload.toString());
          if (one.opcode === CLOSE && !closed) {
            closed = true;
            const code = one.payload.length < 2 ? 1005 : one.payload.readUInt16BE();
            heard.close(code, one.payload.subarray(2).toString());
            socket.write(frame(CLOSE, one.payload));
          }
        }
      };
      const gone = () => {
        if (!closed) heard.close(1006, '');
        closed = true;
      };
      socket.on('data', read);
      socket.on('error', gone);
      socket.on('close', gone);
      if (head.length > 0) read(Buffer.alloc(0));
      resolve({
        status: response.statusCode,
        send: (text) => socket.write(frame(TEXT, Buffer.from(text))),
        close: () => socket.write(frame(CLOSE, Buffer.from([1000 >> 8, 1000 & 0xff]))),
      });
    });
  });
}

/** The first frame of what has arrived, if it is whole. A server's frames are not masked. */
function firstFrame(bytes) {
  if (bytes.length < 2) return null;
  const short = bytes[1] & 0x7f;
  const start = short < 126 ? 2 : short === 126 ? 4 : 10;
  if (bytes.length < start) return null;
  const length = short < 126 ? short : short === 126 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2));
  const end = start + length;
  return bytes.length < end ? null : { opcode: bytes[0] & 0x0f, payload: bytes.subarray(start, end), end };
}
