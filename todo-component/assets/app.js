// Todoozle in the browser. The page works without this file; with it nothing
// loads a page: a change is shown at once, sent in order, and taken back with a
// word of explanation if the server refuses it.
//
// The server's HTML is the only source of markup and of texts: new items are
// clones of `template#item`, messages are data attributes of `#texts`.
'use strict';

if (document.querySelector('.todo-list')) {

  // ── The page ──────────────────────────────────────────────────────────────

  const POLL = 3000;            // ms between looks at the server; other browsers see a change within 5 s
  const POLL_MAX = 60000;       // ms, the slowest that errors make it
  const PATIENCE = 15000;       // ms until a request counts as lost
  const COUNTED = 999;          // beyond it the server says "999+", and there is nothing to reckon with

  const $ = (selector, root = document) => root.querySelector(selector);
  const clone = (id) => document.importNode($(id).content.firstElementChild, true);
  const texts = $('#texts').dataset;
  const main = $('.main');
  const list = $('.todo-list');
  const footer = $('.footer');
  const input = $('.new-todo');
  const script = $('script[src]').getAttribute('src');

  const filter = () => $('.filters .selected').dataset.filter;
  const shows = (completed) => filter() === 'all' || completed === (filter() === 'completed');
  const find = (id) => [...list.children].find((li) => li.dataset.id === id);

  document.documentElement.classList.add('js');

  // ── Titles ────────────────────────────────────────────────────────────────

  // Trimmed and checked as the server does (Unicode White_Space, scalar values).
  const trim = (text) => text.replace(/^\p{White_Space}+|\p{White_Space}+$/gu, '');

  function objection(title) {
    const control = title.match(/\p{Cc}/u)?.[0].codePointAt(0).toString(16).toUpperCase().padStart(4, '0');
    if (control) return texts.control.replace('{}', `U+${control}`);
    const length = [...title].length;
    return length > Number(texts.max) ? texts.tooLong.replace('{}', length) : '';
  }

  // Shows `message` under `field` and ties the two; an empty one takes it away.
  function complain(field, message) {
    let place = document.getElementById(field.getAttribute('aria-describedby'));
    if (!place) {
      if (!message) return;
      place = clone('#error');
      place.id = `error-${field.closest('li').dataset.id}`;
      field.after(place);
      field.setAttribute('aria-describedby', place.id);
    }
    if (place.textContent !== message) place.textContent = message;
    field.toggleAttribute('aria-invalid', false);
    if (message) field.setAttribute('aria-invalid', 'true');
  }

  // ── Notices ───────────────────────────────────────────────────────────────

  // Says `text`; `typed` is what would otherwise be lost, `retry` what to do about it.
  function tell(text, { error = true, typed, retry, label } = {}) {
    const bar = clone('#notice');
    $('span', bar).textContent = typed ? `${text} ${texts.typed} ` : text;
    $('.typed', bar).hidden = !typed;
    $('.typed', bar).textContent = typed ?? '';
    const again = $('.retry', bar);
    again.hidden = !retry;
    if (label) again.textContent = label;
    again.onclick = () => { input.focus(); bar.remove(); retry(); };
    hush();
    $(`.notices [role=${error ? 'alert' : 'status'}]`).append(bar);
  }

  // Takes away what was said, except for texts that exist nowhere else.
  function hush() {
    for (const bar of document.querySelectorAll('.notice')) if ($('.typed', bar).hidden) bar.remove();
  }

  // ── Counts, and what depends on them ──────────────────────────────────────

  const count = { active: 0, completed: 0 };
  const kind = (todo) => (todo.completed ? 'completed' : 'active');

  function readCounts(root) {
    const { active, completed } = $('.footer', root).dataset;
    Object.assign(count, { active: Number(active), completed: Number(completed) }); // "999+" is NaN, and stays it
  }

  function write(element, text) {
    if (element.textContent !== text) element.textContent = text; // a live region speaks of real changes only
  }

  function frame() {
    for (const key of ['active', 'completed']) if (count[key] > COUNTED) count[key] = NaN;
    const none = count.active + count.completed === 0;
    main.hidden = footer.hidden = none;
    const line = $('.todo-count');
    write($('strong', line), Number.isNaN(count.active) ? `${COUNTED}+` : String(count.active));
    write($('span', line), count.active === 1 ? line.dataset.one : line.dataset.other);
    const all = $('.toggle-all');
    all.setAttribute('aria-checked', count.active === 0);
    all.value = count.active !== 0;
    const clear = $('.clear-completed');
    if (count.completed === 0 && document.activeElement === clear) input.focus();
    clear.hidden = count.completed === 0;
    const rest = $('.pagination [rel=first]') ? 'rest' : filter();
    const state = $(':scope > li:not([hidden])', list) ? '' : none ? 'none' : rest;
    for (const empty of document.querySelectorAll('.empty')) empty.hidden = empty.dataset.when !== state;
  }

  // ── Items ─────────────────────────────────────────────────────────────────

  // For each li: what it shows and what the server last confirmed (null: no such
  // todo), the end of its queue of writes, how many of those are left, and how
  // many have failed.
  const items = new WeakMap();

  const version = (todo) => ({ 'if-match': `"${todo.version}"` });
  const plain = ({ id, title, completed, version }) => ({ id: String(id), title, completed, version: Number(version) });
  const read = (li) => plain({ ...li.dataset, title: $('bdi', li).textContent, completed: li.classList.contains('completed') });

  function adopt(li, saved) {
    items.set(li, { shown: null, saved, queue: Promise.resolve(), waiting: 0, failures: 0, elsewhere: false });
    return li;
  }

  function paint(li, { id, title, completed, version }) {
    const old = li.dataset.id;
    if (old !== id) {
      for (const element of li.querySelectorAll('[id], [aria-labelledby], [action], [href]')) {
        for (const name of ['id', 'aria-labelledby', 'action', 'href']) {
          const value = element.getAttribute(name);
          if (value) element.setAttribute(name, value.replaceAll(`-${old}`, `-${id}`).replace(`/items/${old}/`, `/items/${id}/`));
        }
      }
      li.dataset.id = id;
    }
    li.dataset.version = version;
    li.classList.toggle('completed', completed);
    $('.toggle', li).setAttribute('aria-checked', completed);
    $('.toggle', li).value = !completed;
    write($('bdi', li), title);
    for (const field of li.querySelectorAll('[name=version]')) field.value = version;
  }

  // Makes `li` show `todo` (null: nothing) and keeps the counts right.
  function put(li, todo) {
    const item = items.get(li);
    if (item.shown) count[kind(item.shown)] -= 1;
    if (todo) {
      count[kind(todo)] += 1;
      paint(li, todo);
    }
    item.shown = todo;
    const gone = !todo || item.elsewhere || !shows(todo.completed);
    if (gone && !li.hidden) focusAway(li);
    li.hidden = gone;
  }

  // Before `li` goes: the keyboard's place moves to the same control of a neighbour.
  function focusAway(li) {
    const control = document.activeElement;
    if (!li.contains(control)) return;
    const seen = [...list.children].filter((other) => other === li || !other.hidden);
    const at = seen.indexOf(li);
    const next = seen[at + 1] ?? seen[at - 1];
    (next ? $(`.${control.classList[0]}`, next) : input).focus();
  }

  // ── The server ────────────────────────────────────────────────────────────

  class Failure extends Error {
    constructor(status, message) {
      super(message);
      this.status = status; // 0: no answer
    }
  }

  async function request(url, options) {
    try {
      return await fetch(url, { signal: AbortSignal.timeout(PATIENCE), ...options });
    } catch {
      throw new Failure(0, texts.network);
    }
  }

  // Calls the JSON API; gives the todo, or null where there is none any more.
  async function api(method, path, body, headers) {
    const response = await request(path, {
      method,
      headers: { accept: 'application/json', ...(body && { 'content-type': 'application/json' }), ...headers },
      body: body && JSON.stringify(body),
      keepalive: true, // a change survives the closing of its tab
    });
    if (response.status === 204) return null;
    const answer = await response.json().catch(() => null);
    if (response.ok && answer) return plain(answer);
    const known = { 404: texts.missing, 412: texts.conflict }[response.status];
    throw new Failure(response.ok ? 0 : response.status, known ?? answer?.detail ?? texts.network);
  }

  // A lost answer is asked for again with the same key, so that nothing is added twice.
  async function create(title, key) {
    const send = () => api('POST', '/todos', { title }, { 'idempotency-key': key });
    try {
      return await send();
    } catch (failure) {
      if (failure.status !== 0) throw failure;
      await new Promise((resolve) => setTimeout(resolve, 500));
      return send();
    }
  }

  // ── Writes ────────────────────────────────────────────────────────────────

  const tabs = new BroadcastChannel('todoozle');
  let writing = 0;               // writes under way
  let moment = 0;                // changes whenever a write begins or ends
  let stale = false;             // whether the page has to be read again
  let bulk = Promise.resolve();  // the last write that concerns all todos

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
    if (!writing && (stale || $('.pagination') || Number.isNaN(count.active + count.completed))) poll();
  }

  // One write of `li` is over; after the last one the server's word counts.
  function settle(li) {
    const item = items.get(li);
    item.waiting -= 1;
    if (item.waiting) return;
    put(li, item.saved);
    if (li.hidden) li.remove();
  }

  // Shows `next` at once and queues `send` behind the item's earlier writes. If it
  // fails, what was queued behind it falls too; `lost(failure)` tells of it.
  function change(li, next, send, lost = (failure) => tell(failure.message)) {
    const item = items.get(li);
    const { failures } = item;
    put(li, next);
    item.waiting += 1;
    begin();
    item.queue = Promise.all([item.queue, bulk]).then(async () => {
      try {
        if (item.failures !== failures) throw item.failure;
        item.saved = await send(item.saved);
      } catch (failure) {
        if (item.failures === failures) Object.assign(item, { failure, failures: failures + 1 });
        if (failure.status === 404) item.saved = null;
        stale = true;
        lost(failure);
      }
      settle(li);
      end();
    });
  }

  // Submits a form that concerns all todos, after every write before it.
  function changeAll(form, body, next, after) {
    const before = { ...count };
    const all = [...list.children];
    for (const li of all) {
      items.get(li).waiting += 1;
      if (items.get(li).shown) put(li, next(items.get(li).shown));
    }
    Object.assign(count, after(before));
    begin();
    bulk = Promise.all([bulk, ...all.map((li) => items.get(li).queue)]).then(async () => {
      try {
        const response = await request(form.action, { method: 'POST', body, redirect: 'manual', keepalive: true });
        if (response.type !== 'opaqueredirect') throw new Failure(response.status, texts.network);
        for (const li of all) items.get(li).waiting -= 1;
        await load(location.href, true).catch(() => { stale = true; });
      } catch (failure) {
        all.forEach(settle);
        Object.assign(count, before);
        stale = true;
        tell(failure.message);
      }
      end();
    });
  }

  // ── Reading the page again ────────────────────────────────────────────────

  const seen = { url: '', tag: null };
  let tickets = 0;
  let loading = false;

  // Reads `url` and shows what it says. A mere refresh gives way to writes, whose
  // effect it may have missed; `force` is for what the user waits for.
  async function load(url = location.href, force = false) {
    if (!force && (loading || writing)) { stale = true; return false; }
    const ticket = (tickets += 1);
    const began = moment;
    loading = true;
    stale = false;
    try {
      const known = seen.url === url && seen.tag ? { 'if-none-match': seen.tag } : {};
      const response = await request(url, { headers: { accept: 'text/html', ...known } });
      const html = await response.text().catch(() => '');
      if (ticket !== tickets) return false;
      if (began !== moment) stale = true;
      if (stale && !force) return false;
      if (response.status === 304) return true;
      const fresh = new DOMParser().parseFromString(html, 'text/html');
      if (!response.ok || !$('.todo-list', fresh)) throw new Failure(response.status, texts.network);
      Object.assign(seen, { url, tag: response.headers.get('etag') });
      show(fresh);
      return true;
    } finally {
      if (ticket === tickets) {
        loading = false;
        if (stale && !writing) setTimeout(poll);
      }
    }
  }

  function show(fresh) {
    document.title = fresh.title;
    const links = document.querySelectorAll('.filters a');
    fresh.querySelectorAll('.filters a').forEach((link, at) => {
      links[at].className = link.className;
      links[at].toggleAttribute('aria-current', false);
      if (link.ariaCurrent) links[at].setAttribute('aria-current', link.ariaCurrent);
    });
    const pages = $('.pagination', fresh);
    if (!pages || !$('.pagination')?.isEqualNode(pages)) {
      $('.pagination')?.remove();
      if (pages) main.append(pages);
    }
    reconcile(fresh.querySelectorAll('.todo-list > li'));
    readCounts(fresh);
    frame();
    for (const bar of fresh.querySelectorAll('.notice')) {
      tell($('span', bar).textContent, { error: bar.parentElement.getAttribute('role') === 'alert' });
    }
    if ($('script[src]', fresh).getAttribute('src') !== script && !$('.notice')) {
      tell(texts.updated, { error: false, label: texts.reload, retry: () => location.reload() });
    }
  }

  // Brings the list to the server's, by id. What is being edited or written stays.
  function reconcile(nodes) {
    const old = new Map([...list.children].map((li) => [li.dataset.id, li]));
    const editing = (li) => li.classList.contains('editing');
    const stays = (li) => editing(li) || items.get(li).waiting > 0;
    let place = list.firstElementChild;
    for (const node of nodes) {
      const todo = read(node);
      const li = old.get(todo.id) ?? adopt(document.adoptNode(node), todo);
      const item = items.get(li);
      old.delete(todo.id);
      if (!editing(li)) {
        if (!item.saved || todo.version >= item.saved.version) item.saved = todo;
        item.elsewhere = false;
        if (!item.waiting) put(li, item.saved);
      }
      while (place && place !== li && old.has(place.dataset.id) && stays(place)) place = place.nextElementSibling;
      if (place === li) place = li.nextElementSibling;
      else list.insertBefore(li, place);
    }
    for (const li of old.values()) {
      if (stays(li)) continue;
      focusAway(li);
      li.remove();
    }
  }

  // ── What a person does ────────────────────────────────────────────────────

  let drafts = 0;
  let failed = { title: '', key: '' };

  function add(title, key = newKey()) {
    const li = adopt(clone('#item'), null);
    items.get(li).elsewhere = Boolean($('.pagination [rel=next]'));
    list.append(li);
    drafts += 1;
    change(li, { id: `draft${drafts}`, title, completed: false, version: 0 }, async () => {
      const todo = await create(title, key);
      find(todo.id)?.remove();
      if (li.hidden && items.get(li).shown) tell(texts.added, { error: false });
      return todo;
    }, (failure) => {
      failed = { title, key };
      if (input.value) {
        tell(failure.message, { typed: title, retry: () => add(title, key) });
      } else {
        input.value = title;
        tell(failure.message);
      }
    });
  }

  function newKey() {
    return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');
  }

  function toggle(li) {
    const { shown } = items.get(li);
    const completed = !shown.completed;
    change(li, { ...shown, completed }, (saved) => api('PATCH', `/todos/${saved.id}`, { completed }, version(saved)));
  }

  function retitle(li, title) {
    const { shown } = items.get(li);
    let id = shown.id;
    change(li, { ...shown, title }, (saved) => {
      id = saved.id;
      return api('PATCH', `/todos/${id}`, { title }, version(saved));
    }, (failure) => {
      const retry = () => (find(id) ? retitle(find(id), title) : add(title));
      tell(failure.message, { typed: title, retry });
    });
  }

  function destroy(li) {
    change(li, null, (saved) => api('DELETE', `/todos/${saved.id}`, undefined, version(saved)).catch((failure) => {
      if (failure.status !== 404) throw failure;
      return null; // gone is what was asked for
    }));
  }

  function edit(li) {
    const field = $('.edit', li);
    field.value = items.get(li).shown.title;
    field.hidden = false;
    li.classList.add('editing');
    field.focus();
    field.setSelectionRange(field.value.length, field.value.length);
  }

  // Leaves editing; `keyboard` keeps the place by way of the edit link.
  function leave(li, keyboard) {
    complain($('.edit', li), '');
    li.classList.remove('editing');
    if (keyboard) $('.edit-link', li).focus();
    $('.edit', li).hidden = true;
    seen.tag = null; // it was left alone while it was edited: look again
    setTimeout(poll);
  }

  function save(li, keyboard) {
    const field = $('.edit', li);
    const title = trim(field.value);
    const problem = objection(title);
    if (problem) { complain(field, problem); return; }
    leave(li, keyboard);
    if (!title) destroy(li);
    else if (title !== items.get(li).shown.title) retitle(li, title);
  }

  async function visit(url, push) {
    hush();
    try {
      if (await load(url, true) && push) history.pushState(null, '', url);
    } catch (failure) {
      tell(failure.message, { retry: () => visit(url, push) });
    }
  }

  // ── Events ────────────────────────────────────────────────────────────────

  document.addEventListener('submit', (event) => {
    const form = event.target;
    const button = event.submitter;
    const li = form.closest('.todo-list > li');
    event.preventDefault();
    if (form.matches('.new-todo-form')) {
      const title = trim(input.value);
      const problem = objection(title);
      complain(input, problem);
      input.focus();
      if (problem || !title) return;
      input.value = '';
      add(title, title === failed.title ? failed.key : undefined);
    } else if (button.matches('.toggle')) {
      toggle(li);
    } else if (button.matches('.destroy')) {
      destroy(li);
    } else {
      const body = new URLSearchParams(new FormData(form, button));
      const completed = button.value === 'true';
      const total = (counts) => counts.active + counts.completed;
      if (button.matches('.toggle-all')) {
        changeAll(form, body, (todo) => ({ ...todo, completed }), (counts) => ({
          active: completed ? 0 : total(counts), completed: completed ? total(counts) : 0,
        }));
      } else {
        changeAll(form, body, (todo) => (todo.completed ? null : todo), (counts) => ({ active: counts.active, completed: 0 }));
      }
    }
  });

  document.addEventListener('click', async (event) => {
    const link = event.target.closest('a');
    if (!link || event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    if (!link.matches('.edit-link, .dismiss, .filters a, .pagination a')) return;
    event.preventDefault();
    if (link.matches('.edit-link')) {
      edit(link.closest('li'));
    } else if (link.matches('.dismiss')) {
      input.focus();
      link.closest('.notice').remove();
    } else {
      const pages = link.matches('.pagination a');
      await visit(link.href, true);
      if (!pages) return;
      list.focus({ preventScroll: true });
      scrollTo(0, 0);
    }
  });

  list.addEventListener('dblclick', (event) => {
    if (event.target.closest('label')) edit(event.target.closest('li'));
  });

  list.addEventListener('keydown', (event) => {
    if (!event.target.matches('.edit') || event.isComposing) return;
    if (event.key === 'Enter') save(event.target.closest('li'), true);
    if (event.key === 'Escape') leave(event.target.closest('li'), true);
  });

  list.addEventListener('focusout', (event) => {
    const li = event.target.closest('li');
    if (event.target.matches('.edit') && li.classList.contains('editing')) save(li, false);
  });

  document.addEventListener('input', (event) => {
    if (event.target.matches('.new-todo, .edit') && event.target.hasAttribute('aria-invalid')) complain(event.target, '');
  });

  addEventListener('popstate', () => visit(location.href, false));

  // ── Other tabs, other browsers ────────────────────────────────────────────

  let timer;
  let wait = POLL;

  async function poll() {
    clearTimeout(timer);
    await load().then(() => { wait = POLL; }, () => { wait = Math.min(wait * 2, POLL_MAX); });
    clearTimeout(timer);
    if (!document.hidden) timer = setTimeout(poll, wait);
  }

  tabs.onmessage = poll;
  for (const name of ['focus', 'pageshow', 'online']) addEventListener(name, poll);
  document.addEventListener('visibilitychange', () => (document.hidden ? clearTimeout(timer) : poll()));

  // ── Begin ─────────────────────────────────────────────────────────────────

  for (const li of list.children) put(adopt(li, read(li)), read(li));
  readCounts(document);
  frame();
  poll();
}
