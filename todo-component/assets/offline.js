// Part 6 of the script: without a network. What is done meanwhile is shown, kept beyond this tab, and
// sent when the network is back, with the keys and versions that it had.

const OUTBOX = `outbox${root}`;   // each list has one

const banner = $('.offline');

// A browser that may keep nothing forgets with the tab.
function outbox(change) {
  try {
    const entries = JSON.parse(localStorage.getItem(OUTBOX) ?? '[]');
    if (change) localStorage.setItem(OUTBOX, JSON.stringify(change(entries)));
    return entries;
  } catch {
    return [];
  }
}

// Runs `act` as the only one at work on an entry; a tab that closes lets go of its own.
const alone = (id, act) => (navigator.locks ? navigator.locks.request(`${OUTBOX}-${id}`, act) : act());

// Keeps `entry` beyond this tab until `send` has an answer, which it has when there is a network.
async function keep(entry, send) {
  const id = newKey();
  return alone(id, async () => {
    outbox((entries) => [...entries, { ...entry, id }]);
    try {
      const turn = line.then(() => persist(send));
      line = turn.catch(() => {});
      return await turn;
    } finally {
      outbox((entries) => entries.filter((other) => other.id !== id));
    }
  });
}

// A write that needs no version, and so need not wait for those before it to be kept.
function early(li, send) {
  const { saved } = items.get(li);
  if (navigator.onLine || !saved) return send;
  const sent = send(saved);
  sent.catch(() => {});   // who waits for it is told
  return () => sent;
}

let line = Promise.resolve();   // what is kept goes in its order

async function persist(send) {
  for (;;) {
    try {
      return await send();
    } catch (failure) {
      if (failure.status !== 0) throw failure;
    }
    await new Promise((resolve) => {
      addEventListener('online', resolve, { once: true });
      setTimeout(resolve, POLL);   // a network that has just come back may fail once more
    });
  }
}

// Does again what a tab could not send that is closed now.
function redo({ method, path, body, headers = {} }) {
  if (path === '/todos') return add(body.title, headers['idempotency-key']);
  const li = find(path.split('/')[2]);
  const version = Number(headers['if-match']?.replaceAll('"', ''));
  const send = () => api(method, path, body, headers);
  if (!li) return readAfter(send, (failure) => tell(failure.message, { typed: body?.title ?? '' }));
  const item = items.get(li);
  if (version) item.saved = { ...item.saved, version };   // whoever changed it meanwhile is noticed
  if (path.endsWith('/step')) return tick(li, body.number, body.title, body.completed);
  if (body?.title !== undefined) return retitle(li, body.title);
  if (method === 'DELETE') return destroy(li);
  const next = { ...item.shown, completed: body?.completed ?? item.shown.completed };
  return change(li, next, send);
}

addEventListener('offline', poll);   // whether the server is out of reach as well

// At once, or when the tab is closed that has it.
for (const { id } of outbox()) {
  alone(id, () => {
    const entry = outbox((entries) => entries.filter((other) => other.id !== id)).find((other) => other.id === id);
    if (entry) redo(entry);
  });
}

// Has the service worker keep this page. There is none without TLS, but on this machine.
async function settleIn(worker) {
  await worker.register(`${script.slice(0, script.indexOf('/assets/'))}/sw.js`);
  if (!worker.controller) await new Promise((resolve) => { worker.addEventListener('controllerchange', resolve, { once: true }); });
  // What came before there was a worker passes it now.
  const files = [...document.querySelectorAll('link[rel=stylesheet], script[src], h1 img')].map((file) => file.href ?? file.src);
  for (const file of [location.href, ...files]) fetch(file).catch(() => {});
}

if (navigator.serviceWorker) settleIn(navigator.serviceWorker).catch(() => {});
