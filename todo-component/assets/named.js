// Part 7 of the script: what todos are called and which versions they have after what was done here and
// sent later.

// By id, versions that follow one another by what was done here: what was done before the others
// were sent expects the last of them.
const runs = new Map();

// What a new todo is called until it has an id, with its key behind it; and the ids by that.
const DRAFT = 'draft';
const ids = new Map();
const named = (path) => path.replace(/draft\w+/, (draft) => ids.get(draft) ?? draft);

function follow(todo, key) {
  const { id, version } = todo;
  if (key) ids.set(DRAFT + key, id);
  const run = runs.get(id);
  runs.set(id, { from: run?.to === version - 1 ? run.from : version - 1, to: version });
  return todo;
}

function expecting(path, headers) {
  const run = runs.get(path.split('/')[2]);
  const version = Number(headers?.['if-match']?.slice(1, -1));
  return version >= run?.from && version < run.to ? { ...headers, 'if-match': `"${run.to}"` } : headers;
}
