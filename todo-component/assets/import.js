// The script of the page that brings in a file: puts a chosen file's text where it can be sent.

const [label, file, text] = ['.file', '#file', '#text'].map((name) => document.querySelector(name));

// Spreadsheets write UTF-16 with a mark before it, and what Western Windows has always had.
function decode(bytes) {
  const as = (encoding, fatal) => new TextDecoder(encoding, { fatal }).decode(bytes);
  const wide = { 0xfffe: 'utf-16le', 0xfeff: 'utf-16be' }[bytes[0] * 256 + bytes[1]];
  if (wide) return as(wide);
  try {
    return as('utf-8', true);
  } catch {
    return as('windows-1252');
  }
}

label.hidden = file.hidden = false;
file.addEventListener('change', async () => {
  if (file.files.length) text.value = decode(new Uint8Array(await file.files[0].arrayBuffer()));
});
