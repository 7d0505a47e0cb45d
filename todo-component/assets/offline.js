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

// Runs `act` as the only one at work on the entries of a tab, which has them until it is closed.
const alone = (name, act) => (navigator.locks ? navigator.locks.request(`${OUTBOX}-${name}`, act) : act());

const tab = newKey();
let held = false;

// Keeps `entry` beyond this tab until `send` has an answer, which it has when there is a network.
function keep(entry, send) {
  const kept = { ...entry, id: newKey(), tab };
  outbox((entries) => [...entries, kept]);
  if (!held) alone(tab, () => new Promise(() => {}));
  held = true;
  return answered(kept, send);
}

// Sends an entry behind those before it. What follows it in its tab expects what it has made.
async function answered(entry, send) {
  const { id, tab: of } = entry;
  const turn = line.then(() => persist(() => send().catch((failure) => applied(entry, failure))));
  line = turn.catch(() => {});
  const rest = (entries) => entries.filter((other) => other.id !== id).map((other) => {
    const path = named(other.path);
    return of && other.tab === of ? { ...other, path, headers: expecting(path, other.headers) } : other;
  });
  return turn.finally(() => outbox(rest));
}

// What has to be kept at once is sent at once, behind what was kept before it.
let redoing = false;

function early(saved, send) {
  if ((navigator.onLine && !redoing) || !saved) return undefined;
  const sent = send(saved);
  sent.catch(() => {});   // who waits for it is told
  return sent;
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

// What was sent before, and whose answer was lost, is no conflict with itself.
async function applied({ method, path, body }, failure) {
  if (failure.status !== 412 || method !== 'PATCH') throw failure;
  const todo = await look(path);
  if (Object.entries(body).some(([name, value]) => todo[name] !== value)) throw failure;
  return follow(todo);
}

// Does again what a tab could not send that is closed now.
function redo(entry) {
  const { method, path, body, headers } = entry;
  const sent = answered(entry, () => call(method, path, body, headers));
  redoing = true;
  redone(entry, () => sent);
  redoing = false;
  return sent;
}

function redone({ method, path, body, headers = {} }, send) {
  if (path === '/todos') return add(body.title, headers['idempotency-key'], send);
  const li = find(path.split('/')[2]);
  const version = Number(headers['if-match']?.slice(1, -1));
  if (!li) return readAfter(send, (failure) => tell(failure.message, { typed: body?.title ?? '' }));
  const item = items.get(li);
  if (version) item.saved = { ...item.saved, version };   // whoever changed it meanwhile is noticed
  if (path.endsWith('/step')) return tick(li, body.number, body.title, body.completed, send);
  if (body?.title !== undefined) return retitle(li, body.title, send);
  if (method === 'DELETE') return destroy(li, send);
  return change(li, { ...item.shown, completed: body?.completed ?? item.shown.completed }, send);
}

addEventListener('offline', poll);   // whether the server is out of reach as well

// At once, or when the tab is closed that has them. Before there were tabs each had itself.
const holder = (entry) => entry.tab ?? entry.id;
for (const name of new Set(outbox().map(holder))) {
  alone(name, () => Promise.allSettled(outbox().filter((entry) => holder(entry) === name).map(redo)));
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
