// Part 2 of the script: the server. Writes are shown at once, sent in order, and
// taken back if refused; the page is read again when others change it.

const PATIENCE = 15000;   // ms until a request counts as lost
const REGRET = 10000;   // ms for which a deletion can be undone at a glance

// ---- The server ----

class Failure extends Error {
  constructor(status, message) {   // status 0: no answer
    super(message);
    this.status = status;
  }
}

// A browser queues what is more than a few requests; patience must not run out in that queue.
const AT_ONCE = 5;
const SURVIVES = 4000;   // characters; a browser lets 64 KB outlive a tab, and refuses what is more
const queue = [];
let sent = 0;

async function request(url, options) {
  if (sent === AT_ONCE) await new Promise((resolve) => { queue.push(resolve); });
  else sent += 1;
  try {
    const response = await fetch(url, {
      signal: AbortSignal.timeout(PATIENCE),
      // A change survives the closing of its tab.
      keepalive: options.method !== undefined && String(options.body ?? '').length <= SURVIVES,
      ...options,
    });
    banner.hidden = true;
    return response;
  } catch {
    banner.hidden = navigator.onLine;
    throw new Failure(0, texts.network);
  } finally {
    if (queue.length) queue.shift()();
    else sent -= 1;
  }
}

// Below a path that a proxy takes away, every address begins with it.
const root = $('h1 a').getAttribute('href').slice(0, -1);

// Calls the JSON API, and goes on until there is a network; gives the todo, or null where there is
// none any more. A browser that says it is offline may still reach a server on its own machine.
async function api(method, path, body, headers) {
  const send = () => call(method, path, body, headers);
  if (!navigator.onLine) return keep({ method, path, body, headers }, send);
  return send().catch((failure) => {
    if (failure.status !== 0 || navigator.onLine) throw failure;
    return keep({ method, path, body, headers }, send);
  });
}

async function call(method, address, body, headers = {}) {
  const path = named(address);
  const json = { accept: 'application/json', 'content-type': 'application/json' };
  const response = await request(root + path, {
    method,
    headers: { ...json, ...expecting(path, headers) },
    body: body && JSON.stringify(body),
  });
  if (response.status === 204) return null;
  const answer = await response.json().catch(() => null);
  if (response.ok && answer) return follow(plain(answer), headers['idempotency-key']);
  const known = { 404: texts.missing, 412: texts.conflict }[response.status];
  throw new Failure(response.ok ? 0 : response.status, known ?? answer?.detail ?? texts.network);
}

// New todos are sent one after another, so that they keep their order; those that are kept have it
// from that. A lost answer is asked for again with the same key: nothing is added twice.
let created = Promise.resolve();
let creating = 0;   // those on their way that are not kept

function create(title, key) {
  const send = () => api('POST', '/todos', { title }, { 'idempotency-key': key });
  const kept = !navigator.onLine && !creating;
  if (!kept) creating += 1;
  const answer = (kept ? send() : created.then(send)).catch(async (failure) => {
    if (failure.status !== 0) throw failure;
    await new Promise((resolve) => { setTimeout(resolve, 500); });
    return send();
  });
  created = answer.catch(() => {}).then(() => { if (!kept) creating -= 1; });
  return answer;
}

async function look(path) {
  const response = await request(root + named(path), { headers: { accept: 'application/json' } });
  return plain(await response.json().catch(() => ({})));
}

// Only what somebody did about an older title can collide: `guarded` names the version it was, and
// another one with the same title does as well.
async function update(method, saved, body, guarded = true) {
  if (!saved) throw new Failure(404, texts.missing);
  const path = `/todos/${saved.id}`;
  const send = ({ version }) => api(method, path, body, guarded ? { 'if-match': `"${version}"` } : {});
  return send(saved).catch(async (failure) => {
    const todo = failure.status === 412 ? await look(path) : {};
    if (todo.title !== saved.title) throw failure;
    return send(todo);
  });
}

// ---- Writes ----

const tabs = new BroadcastChannel('todoozle');
let writing = 0;                // writes under way
let moment = 0;                 // changes whenever one begins or ends
let stale = false;              // whether the page has to be read again
let bulk = Promise.resolve();   // the last write that concerned all todos

function begin() {
  hush();
  writing += 1;
  moment += 1;
  frame();
}

function end() {
  writing -= 1;
  moment += 1;
  frame();
  tabs.postMessage('changed');
  const unsure = stale || $('.pagination') || filter() === 'unfolded' || Number.isNaN(count.active + count.completed);
  if (unsure && !writing) poll();
}

// After the last write of `li` the server's word counts.
function settle(li) {
  const item = items.get(li);
  if (item.waiting || editing(li)) return;
  put(li, item.saved);
  if (li.hidden) li.remove();
}

// Shows `next` at once and queues `send` behind the item's earlier writes. When
// it fails, what was queued behind it falls with it, unless it is on its way; `lost` tells of each.
function change(li, next, send, lost = (failure) => tell(failure.message)) {
  const item = items.get(li);
  const { failures, shown } = item;
  put(li, next);
  item.waiting += 1;
  begin();
  // Not before what is on its way and not kept: its answer says what follows it.
  const sent = item.unkept ? undefined : early(item.saved ?? shown ?? (creating ? null : next), send);
  if (!sent) item.unkept += 1;
  item.queue = Promise.all([item.queue, bulk]).then(async () => {
    try {
      if (!sent && item.failures !== failures) throw item.failure;
      item.saved = await (sent ?? send(item.saved));
    } catch (failure) {
      if (item.failures === failures) Object.assign(item, { failure, failures: failures + 1 });
      if (failure.status === 404) item.saved = null;
      stale = true;
      lost(failure);
    }
    item.waiting -= 1;
    if (!sent) item.unkept -= 1;
    settle(li);
    end();
  });
}

// Sends a form; where it leads to is for pages without a script.
async function post(form, body = new URLSearchParams(new FormData(form))) {
  const action = form.getAttribute('action');
  const response = await request(action, { method: 'POST', body, redirect: 'manual' });
  if (response.type !== 'opaqueredirect') throw new Failure(response.status, texts.network);
}

// Says what was deleted, and lets it be had back.
function offer(text, send) {
  tell(text, { role: 'status', label: texts.undo, kind: 'undo', retry: () => bringBack(send), lasts: REGRET });
}

// Has the server bring back what was deleted, and shows it.
function bringBack(send) {
  readAfter(send, (failure) => tell(failure.message, { retry: () => bringBack(send) }));
}

// Sends what no item waits for; the page is read again after it, with what it has to say.
function readAfter(send, lost) {
  begin();
  send().then(() => load(location.href, true, { told: true }), lost).catch(() => {}).then(() => {
    stale = true;
    end();
  });
}

// Submits a form that concerns all todos, after every write before it.
function changeAll(form, button) {
  const body = new URLSearchParams(new FormData(form, button));
  const completed = button.value === 'true';
  const clears = button.matches('.clear-completed');
  const before = { ...count };
  const total = count.active + count.completed;
  const all = [...list.children];
  for (const li of all) {
    const { shown } = items.get(li);
    items.get(li).waiting += 1;
    if (shown) put(li, clears ? (shown.completed ? null : shown) : { ...shown, completed });
  }
  if (clears) Object.assign(count, { active: before.active, completed: 0 });
  else Object.assign(count, { active: completed ? 0 : total, completed: completed ? total : 0 });
  begin();
  bulk = Promise.all([bulk, ...all.map((li) => items.get(li).queue)]).then(async () => {
    await post(form, body);
    for (const li of all) items.get(li).waiting -= 1;
    await load(location.href, true, { told: true }).catch(() => { stale = true; });
  }).catch((failure) => {
    for (const li of all) items.get(li).waiting -= 1;
    all.forEach(settle);
    Object.assign(count, before);
    stale = true;
    tell(failure.message);
  }).then(end);
}

// ---- Reading the page again ----

const seen = { url: '', tag: '' };
let tickets = 0;
let loading = false;

// Reads `url` and shows it. A mere refresh gives way to writes, whose effect it
// may have missed; `force` is for what somebody waits for. Says whether it was shown.
async function load(url = location.href, force = false, { arrive = () => {}, told = false } = {}) {
  if (!force && (loading || writing)) { stale = true; return false; }
  const ticket = (tickets += 1);
  const began = moment;
  loading = true;
  stale = false;
  try {
    // What a form has done is told to who asks for a page to show (`told`), and to nobody else.
    const headers = { accept: told ? 'text/html' : '*/*', ...(seen.url === url && seen.tag && { 'if-none-match': seen.tag }) };
    const response = await request(url, { headers });
    const html = await response.text().catch(() => '');
    await press.over;
    if (ticket !== tickets) return false;
    if (began !== moment) stale = true;
    if (stale && !force) return false;
    if (response.status === 304) return true;
    const fresh = new DOMParser().parseFromString(html, 'text/html');
    if (!response.ok || !$('.todo-list', fresh)) throw new Failure(response.status, texts.network);
    Object.assign(seen, { url, tag: response.headers.get('etag') });
    arrive();   // the history's entry first: the title that follows is the new one's
    show(fresh);
    return true;
  } finally {
    if (ticket === tickets) loading = false;
    if (!loading && stale && !writing) setTimeout(poll);
  }
}

function show(fresh) {
  document.title = fresh.title;
  const links = fresh.querySelectorAll('.filters a');
  document.querySelectorAll('.filters a').forEach((link, at) => {
    const { className, ariaCurrent } = links[at];
    Object.assign(link, { className, ariaCurrent, href: links[at].getAttribute('href') });
    Object.assign(link.dataset, links[at].dataset);
  });
  const fold = $('.fold', fresh);   // an older version's page has none
  if (fold) {
    $('.fold').href = fold.getAttribute('href');
    $('.fold').replaceChildren(...fold.childNodes);
  }
  const pages = $('.pagination', fresh);
  if (!pages || !$('.pagination')?.isEqualNode(pages)) {
    $('.pagination')?.remove();
    if (pages) main.append(pages);
    watch();
  }
  reconcile(fresh.querySelectorAll('.todo-list > li'));
  readCounts(fresh);
  frame();
  for (const bar of fresh.querySelectorAll('.notice')) {
    const text = $('span', bar).textContent;
    const undo = $('.undo-form', bar);
    if (undo) offer(text, () => post(undo));
    else tell(text, { role: bar.parentElement.getAttribute('role') });
  }
  if ($('script[src]', fresh).getAttribute('src') !== script && !$('.notice')) {
    tell(texts.updated, { role: 'status', label: texts.reload, retry: () => location.reload() });
  }
}

// Brings the list to the server's, by id. What is being edited or written stays.
function reconcile(nodes) {
  const before = [...list.children];
  const old = new Map(before.map((li) => [li.dataset.id, li]));
  const stays = (li) => editing(li) || items.get(li).waiting > 0;
  const order = [];
  for (const node of nodes) {
    const todo = read(node);
    const li = old.get(todo.id) ?? adopt(document.adoptNode(node), todo);
    const item = items.get(li);
    old.delete(todo.id);
    for (const way of ['.edit-link', '.details']) $(way, li).href = $(way, node).getAttribute('href');   // back to this place
    if (!editing(li)) {
      if (!item.saved || todo.version >= item.saved.version) item.saved = todo;
      item.elsewhere = false;
      if (!item.waiting) put(li, item.saved);
    }
    order.push(li);
  }
  for (const li of old.values()) {
    if (stays(li)) {   // behind the one that it stood behind
      const neighbour = before.slice(0, before.indexOf(li)).findLast((other) => order.includes(other));
      order.splice(order.indexOf(neighbour) + 1, 0, li);
    } else {
      focusAway(li);
      li.remove();
    }
  }
  arrange(order);
}

// Puts the list into this order by moving as few items as can be, and never the one in use: an
// item that is moved loses the keyboard's place, and what is typed next goes nowhere.
function arrange(order) {
  const now = [...list.children];
  const used = order.find((li) => editing(li) || li.contains(document.activeElement));
  const at = order.map((li) => now.indexOf(li));
  const pivot = order.indexOf(used);
  const fits = (index) => at[index] >= 0
    && (pivot < 0 || index === pivot || (index < pivot) === (at[index] < at[pivot]));
  const runs = [];   // for each index, the longest run of items that keep their order up to it
  for (const index of order.keys()) {
    if (!fits(index)) continue;
    let best = null;
    for (const run of runs) if (run.last < at[index] && run.length > (best?.length ?? 0)) best = run;
    runs.push({ index, last: at[index], length: (best?.length ?? 0) + 1, before: best });
  }
  const kept = new Set();
  let run = runs.reduce((longest, other) => (other.length > (longest?.length ?? 0) ? other : longest), null);
  for (; run; run = run.before) kept.add(run.index);
  for (let index = order.length - 1; index >= 0; index -= 1) {
    if (!kept.has(index)) list.insertBefore(order[index], order[index + 1] ?? null);
  }
}
