// A QR code of a link, for a device with a camera: versions 1 to 6 of level L, in bytes, with mask 0.
// That is up to 134 bytes; a longer link has none.

const TOLD = [19, 34, 55, 80, 108, 136];   // bytes of each version
const CHECKED = [7, 10, 15, 20, 26, 18];   // bytes that correct them, of each block
const FORMAT = 0x77c4;   // what says "level L, mask 0"

// In the field of 256 elements.
function times(a, b) {
  let product = 0;
  for (let bit = 7; bit >= 0; bit -= 1) {
    product = (product << 1) ^ ((product >> 7) * 0x11d) ^ (((b >> bit) & 1) * a);
  }
  return product;
}

function check(bytes, length) {
  const divisor = new Array(length).fill(0);
  divisor[length - 1] = 1;
  for (let root = 1, step = 0; step < length; step += 1, root = times(root, 2)) {
    for (const at of divisor.keys()) divisor[at] = times(divisor[at], root) ^ (divisor[at + 1] ?? 0);
  }
  let rest = new Array(length).fill(0);
  for (const byte of bytes) {
    const factor = byte ^ rest[0];
    rest = divisor.map((part, at) => (rest[at + 1] ?? 0) ^ times(part, factor));
  }
  return rest;
}

// The version and all its bytes; version 6 has two blocks, whose bytes alternate.
function encode(text) {
  const bytes = [...new TextEncoder().encode(text)];
  const version = TOLD.findIndex((room) => bytes.length + 2 <= room) + 1;
  if (!version) return null;
  const halves = [4, bytes.length >> 4, bytes.length & 15, ...bytes.flatMap((byte) => [byte >> 4, byte & 15]), 0];
  const all = [];
  for (let at = 0; at < halves.length; at += 2) all.push(halves[at] * 16 + halves[at + 1]);
  for (let pad = 0xec; all.length < TOLD[version - 1]; pad ^= 0xfd) all.push(pad);
  const blocks = version < 6 ? [all] : [all.slice(0, 68), all.slice(68)];
  const checks = blocks.map((block) => check(block, CHECKED[version - 1]));
  const alternate = (parts) => parts[0].flatMap((_, at) => parts.map((part) => part[at]));
  return { version, bytes: [...alternate(blocks), ...alternate(checks)] };
}

// The dark modules, as a path of squares.
function path({ version, bytes }) {
  const size = 17 + 4 * version;
  const grid = Array.from({ length: size }, () => []);
  const set = (x, y, dark) => { if (grid[y] && x >= 0 && x < size) grid[y][x] = dark; };
  const square = (x, y, radius, light) => {
    for (let dx = -radius; dx <= radius; dx += 1) {
      for (let dy = -radius; dy <= radius; dy += 1) set(x + dx, y + dy, !light.includes(Math.max(Math.abs(dx), Math.abs(dy))));
    }
  };
  for (let at = 0; at < size; at += 1) for (const [x, y] of [[at, 6], [6, at]]) set(x, y, at % 2 === 0);
  if (version > 1) square(size - 7, size - 7, 2, [1]);
  for (const [x, y] of [[3, 3], [size - 4, 3], [3, size - 4]]) square(x, y, 4, [2, 4]);
  for (let bit = 0; bit < 15; bit += 1) {   // both copies of the format
    const dark = ((FORMAT >> bit) & 1) === 1;
    const near = bit < 6 ? bit : bit + 1;
    if (bit < 8) set(8, near, dark);
    else set(bit === 8 ? 7 : 14 - bit, 8, dark);
    if (bit < 8) set(size - 1 - bit, 8, dark);
    else set(8, size - 15 + bit, dark);
  }
  set(8, size - 8, true);
  let next = 0;   // bits go up and down in columns of two, from the right
  for (let right = size - 1; right > 0; right -= right === 8 ? 3 : 2) {
    for (let step = 0; step < size; step += 1) {
      const y = (right + 1) & 2 ? step : size - 1 - step;
      for (const x of [right, right - 1]) {
        if (grid[y][x] !== undefined) continue;
        const bit = (bytes[next >> 3] >> (7 - (next & 7))) & 1;
        grid[y][x] = (bit === 1) !== ((x + y) % 2 === 0);
        next += 1;
      }
    }
  }
  const dark = grid.flatMap((row, y) => row.map((is, x) => (is ? `M${x} ${y}h1v1h-1z` : '')));
  return { size, shape: dark.join('') };
}

for (const details of document.querySelectorAll('.qr')) {
  const code = encode(details.previousElementSibling.value);
  if (code) {
    const { size, shape } = path(code);
    details.querySelector('svg').setAttribute('viewBox', `-4 -4 ${size + 8} ${size + 8}`);
    details.querySelector('path').setAttribute('d', shape);
    details.hidden = false;
  }
}
