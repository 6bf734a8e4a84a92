// @ts-check
// SHA-256 (FIPS 180-4) of content that comes in pieces: WebCrypto takes a whole at once only.

// Signed words: engines keep them as integers of the machine.
/** Round constants: the first 32 bits of the fractional parts of the cube roots of the first 64 primes (section 4.2.2). */
const K = new Int32Array(64);
/** Initial hash: the same of the square roots of the first 8 primes (section 5.3.3). */
const INITIAL = new Int32Array(8);

for (let candidate = 2, found = 0; found < 64; candidate += 1) {
  let isPrime = true;
  for (let divisor = 2; divisor * divisor <= candidate; divisor += 1) isPrime &&= candidate % divisor !== 0;
  if (!isPrime) continue;
  K[found] = fraction(Math.cbrt(candidate));
  if (found < 8) INITIAL[found] = fraction(Math.sqrt(candidate));
  found += 1;
}

/**
 * @param {number} value
 * @returns {number} the first 32 bits of its fractional part
 */
function fraction(value) {
  return Math.floor((value - Math.floor(value)) * 2 ** 32);
}

/** Digest of content that comes in pieces. */
export class Sha256 {
  constructor() {
    this.hash = INITIAL.slice();
    this.words = new Int32Array(64);
    this.block = new Uint8Array(64);
    this.filled = 0;
    this.length = 0;
  }

  /**
   * Takes the next piece in.
   * @param {Uint8Array} bytes
   */
  update(bytes) {
    this.length += bytes.length;
    let at = 0;
    if (this.filled > 0) {
      at = Math.min(64 - this.filled, bytes.length);
      this.block.set(bytes.subarray(0, at), this.filled);
      this.filled += at;
      if (this.filled < 64) return;
      this.compress(this.block, 0);
      this.filled = 0;
    }
    for (; at + 64 <= bytes.length; at += 64) this.compress(bytes, at);
    this.block.set(bytes.subarray(at), 0);
    this.filled = bytes.length - at;
  }

  /**
   * Ends the content (section 5.1.1) and returns the digest in hexadecimal digits.
   * @returns {string}
   */
  hex() {
    const length = this.length;
    const padding = new Uint8Array(((this.filled < 56 ? 56 : 120) - this.filled) + 8);
    padding[0] = 0x80;
    const view = new DataView(padding.buffer);
    view.setUint32(padding.length - 8, Math.floor(length / 2 ** 29));
    view.setUint32(padding.length - 4, (length << 3) >>> 0);
    this.update(padding);
    return Array.from(this.hash, (word) => (word >>> 0).toString(16).padStart(8, "0")).join("");
  }

  /**
   * @param {Uint8Array} bytes
   * @param {number} at
   */
  compress(bytes, at) {
    const { words, hash } = this;
    for (let i = 0; i < 16; i += 1, at += 4) {
      words[i] = (bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3];
    }
    for (let i = 16; i < 64; i += 1) {
      const early = words[i - 15];
      const late = words[i - 2];
      const s0 = ((early >>> 7) | (early << 25)) ^ ((early >>> 18) | (early << 14)) ^ (early >>> 3);
      const s1 = ((late >>> 17) | (late << 15)) ^ ((late >>> 19) | (late << 13)) ^ (late >>> 10);
      words[i] = (words[i - 16] + s0 + words[i - 7] + s1) | 0;
    }
    let a = hash[0] | 0;
    let b = hash[1] | 0;
    let c = hash[2] | 0;
    let d = hash[3] | 0;
    let e = hash[4] | 0;
    let f = hash[5] | 0;
    let g = hash[6] | 0;
    let h = hash[7] | 0;
    for (let i = 0; i < 64; i += 1) {
      const s1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
      const first = (h + s1 + ((e & f) ^ (~e & g)) + K[i] + words[i]) | 0;
      const s0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
      const second = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
      h = g;
      g = f;
      f = e;
      e = (d + first) | 0;
      d = c;
      c = b;
      b = a;
      a = (first + second) | 0;
    }
    hash[0] += a;
    hash[1] += b;
    hash[2] += c;
    hash[3] += d;
    hash[4] += e;
    hash[5] += f;
    hash[6] += g;
    hash[7] += h;
  }
}

/** Bytes of a file that are read at once. */
const PIECE = 4 << 20;
/** Size up to which the browser's own implementation takes a file, which holds all of it in memory. */
const WHOLE = 64 << 20;

/**
 * Returns the digest of a file in hexadecimal digits.
 * @param {Blob} file
 * @returns {Promise<string>}
 */
export async function ofFile(file) {
  // Only secure contexts have WebCrypto.
  if (file.size <= WHOLE && globalThis.crypto?.subtle) {
    const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", await file.arrayBuffer()));
    return Array.from(hash, (byte) => byte.toString(16).padStart(2, "0")).join("");
  }
  const digest = new Sha256();
  for (let at = 0; at < file.size; at += PIECE) {
    digest.update(new Uint8Array(await file.slice(at, at + PIECE).arrayBuffer()));
  }
  return digest.hex();
}
