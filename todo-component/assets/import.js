// The script of the page that brings in a file: puts a chosen file's text where it can be sent.

const [label, file, text] = ['.file', '#file', '#text'].map((name) => document.querySelector(name));
label.hidden = file.hidden = false;
file.addEventListener('change', async () => {
  if (file.files.length) text.value = await file.files[0].text();
});
