// Part 3 of the script: what a person does, and what other tabs and browsers do.
// The page works without the script; with it, nothing loads a page. `assets.rs`
// serves page.js, sync.js, named.js, this file, keys.js, move.js, scroll.js and offline.js as one module.

const POLL = 3000;   // ms between looks at the server: other browsers see a change within 5 s
const POLL_MAX = 60000;   // ms, the slowest that errors make it
const TYPED = 150;   // ms after a letter until it is searched for

// ---- What a person does ----

let failed = {};   // the last title that came back unsaved, and its key

function add(title, key = newKey(), send = create) {
  const li = adopt(clone('#item'), null);
  items.get(li).elsewhere = Boolean($('.pagination [rel=next]')) || Boolean(sought());
  li.classList.add('arrived');
  list.insertBefore(li, filter() === 'unfolded' ? $(':scope > .completed', list) : null);
  change(li, { id: DRAFT + key, title, completed: false, version: 0 }, async () => {
    const todo = await send(title, key);
    find(todo.id)?.remove();
    if (li.hidden && items.get(li).shown) tell(texts.added, { role: 'status' });
    return todo;
  }, (failure) => {
    failed = { title, key };
    if (input.value) return tell(failure.message, { typed: title, retry: () => add(title, key) });
    input.value = title;
    return tell(failure.message);
  });
}

function newKey() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

function submitNew() {
  const title = trim(input.value);
  const problem = objection(title);
  const key = title === failed.title ? failed.key : undefined;
  complain(input, problem);
  input.focus();
  if (problem || !title) return;
  input.value = '';
  failed = {};
  add(title, key);
}

function toggle(li) {
  const { shown } = items.get(li);
  const completed = !shown.completed;
  change(li, { ...shown, completed }, (saved) => update('PATCH', saved, { completed }, false));
}

// A step is named by its place and its title, so that no other is hit.
function tick(li, number, title, completed, send = (saved) => api('POST', `/todos/${saved.id}/step`, { number, title, completed })) {
  const more = new DOMParser().parseFromString(li.more, 'text/html').body;
  for (const root of [li, more]) {   // what is shown, and the server's markup as it will be
    const step = root.querySelectorAll('.step')[number];
    if (step?.textContent === title) Object.assign(step, { ariaChecked: completed, value: `${number}.${!completed}.${title}` });
  }
  li.more = more.innerHTML;
  change(li, { ...items.get(li).shown, more: li.more }, send);
}

function pressed(li, step) {
  const number = [...li.querySelectorAll('.step')].indexOf(step);
  tick(li, number, step.textContent, step.ariaChecked !== 'true');
}

function retitle(li, title, send = (saved) => update('PATCH', saved, { title })) {
  const again = () => (li.isConnected ? retitle(li, title) : add(title));
  const { shown } = items.get(li);
  change(li, { ...shown, title }, async (saved) => {
    const todo = await send(saved);
    offer(texts.saved, () => update('PATCH', todo, { title: shown.title }));
    return todo;
  }, (failure) => {
    tell(failure.message, { typed: title, retry: again });
  });
}

function destroy(li, send = (saved) => update('DELETE', saved)) {
  change(li, null, async (saved) => {
    try {
      await send(saved);
    } catch (failure) {
      if (failure.status !== 404) throw failure;
      return null;   // gone is what was asked for
    }
    offer(texts.deleted, () => api('POST', `/todos/${saved.id}/restore`));
    return null;
  });
}

function edit(li) {
  const field = $('.edit', li);
  field.value = items.get(li).shown.title;
  field.hidden = false;
  li.classList.add('editing');
  field.focus();
  field.setSelectionRange(field.value.length, field.value.length);
  fit(field);
}

// As high as what is in it, which is one line of text however many rows it takes.
function fit(field) {
  if (/[\r\n]/.test(field.value)) field.value = field.value.replace(/\s*[\r\n]+\s*/g, ' ');
  field.style.height = '';
  field.style.height = `${field.scrollHeight + field.offsetHeight - field.clientHeight}px`;
}

// Leaves editing; `keyboard` keeps its place by way of the edit link.
function leave(li, keyboard) {
  complain($('.edit', li), '');
  li.classList.remove('editing');
  if (keyboard) $('.edit-link', li).focus();
  $('.edit', li).hidden = true;
  settle(li);
  seen.tag = '';   // what was passed over while it was edited is still to be shown
  setTimeout(poll);
}

function save(li, keyboard) {
  const title = trim($('.edit', li).value);
  const problem = objection(title);
  if (problem) return complain($('.edit', li), problem);
  leave(li, keyboard);
  if (!title) destroy(li);
  else if (title !== items.get(li).shown?.title) retitle(li, title);
}

// The edit page has the rest; what was typed here is saved before it comes.
async function details(li, url) {
  const item = items.get(li);
  const { failures } = item;
  save(li, false);
  await item.queue;
  if (li.isConnected && !editing(li) && item.failures === failures) location.href = url;
}

// Goes to another page of the list. Each entry of the history remembers how far it was scrolled.
async function visit(url, push, replace = false) {
  hush('.undo');
  const arrive = () => {
    if (replace) history.replaceState(null, '', url);
    else if (push && url !== location.href) {
      history.replaceState({ scrolled: scrollY }, '');   // Safari before 26 has no scrollend
      history.pushState(null, '', url);
    }
  };
  try {
    await load(url, true, { arrive });
  } catch (failure) {
    tell(failure.message, { retry: () => visit(url, push) });
  }
}

// ---- Events ----

document.addEventListener('submit', (event) => {
  const { target: form, submitter: button } = event;
  event.preventDefault();
  if (form.matches('.new-todo-form')) submitNew();
  else if (form.matches('.search-form')) seek();
  else if (button.matches('.toggle')) toggle(form.closest('li'));
  else if (button.matches('.step')) pressed(button.closest('li'), button);
  else if (button.matches('.destroy')) destroy(form.closest('li'));
  else if (button.matches('.undo')) bringBack(() => post(form));
  else changeAll(form, button);
});

// ---- Search, as somebody types ----

let typing;
let asked = sought();

// One entry of the history for a search, however many letters it took.
async function seek() {
  clearTimeout(typing);
  const query = new URLSearchParams(location.search);
  const had = sought();
  const wanted = search.value.trim();
  if (wanted === asked) return;
  asked = wanted;
  for (const name of ['after', 'more']) query.delete(name);
  if (wanted) query.set('q', wanted);
  else query.delete('q');
  await visit(`${root}/${query.size ? `?${query}` : ''}`, !had, Boolean(had));
  announce(shownNow());
}

search.addEventListener('input', () => {
  clearTimeout(typing);
  typing = setTimeout(seek, TYPED);
});

search.addEventListener('keydown', (event) => {
  if (event.key !== 'Escape' || composes(event)) return;
  event.preventDefault();
  if (search.value) search.value = '';
  else search.blur();
  seek();
});

// What a text field undoes by itself comes first.
document.addEventListener('keydown', (event) => {
  const undo = $('.notice .undo');
  const asked = (event.ctrlKey || event.metaKey) && !event.shiftKey && !event.altKey && latin(event) === 'z';
  if (!asked || !undo || (event.target.matches('input, textarea') && event.target.value)) return;
  event.preventDefault();
  undo.click();
});

document.addEventListener('click', async (event) => {
  const link = event.target.closest('.edit-link, .details, .dismiss, h1 a, .filters a, .fold, .pagination a');
  if (!link || event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  if (link.matches('.edit-link')) edit(link.closest('li'));
  else if (link.matches('.details')) details(link.closest('li'), link.href);
  else if (link.matches('.dismiss')) dismiss(link.closest('.notice'), event);
  else {
    const paging = link.matches('.pagination a');   // asked before the visit replaces the link
    await visit(link.href, true);
    search.value = asked = sought();
    announce(paging ? $('.position')?.textContent ?? '' : shownNow());
    if (!paging) return;
    list.focus({ preventScroll: true });
    scrollTo(0, 0);
  }
});

// "Completed: 1 todo", or what stands instead of an empty list.
function shownNow() {
  const empty = [...document.querySelectorAll('.empty')].find((state) => !state.hidden);
  const name = $('.filters .selected').textContent;
  const here = visible().length;
  const all = ['all', 'unfolded'].includes(filter()) ? count.active + count.completed : count[filter()];
  let number = Number.isNaN(all) ? `${COUNTED}+` : String(all);
  if (sought() || filter() === 'due') number = `${here}${$('.pagination [rel=next]') ? '+' : ''}`;
  return `${name}: ${empty ? $('.empty-title', empty).textContent : `${number} ${number === '1' ? texts.one : texts.other}`}`;
}

document.addEventListener('click', (event) => {
  if (!belated(event)) return;
  event.preventDefault();
  event.stopPropagation();
}, true);

// A key that is held repeats what it does: a button is pressed once, and so is what has the focus after it.
document.addEventListener('keydown', (event) => {
  const presses = event.key === 'Enter' || (event.key === ' ' && event.target.closest('button, a'));
  if (event.repeat && presses) event.preventDefault();
});

// Several lines are offered as several todos; by themselves they become one, as anywhere.
input.addEventListener('paste', ({ clipboardData }) => {
  const lines = clipboardData.getData('text/plain').split(/[\r\n\u2028\u2029]+/u).map(trim).filter(Boolean);
  if (lines.length < 2) return;
  const before = input.value;
  const wrong = lines.filter(objection);
  tell(texts.lines.replace('{}', lines.length), {
    role: 'status',
    label: texts.each.replace('{}', lines.length - wrong.length),
    retry: () => {
      input.value = before;
      input.focus();
      for (const line of lines) if (!wrong.includes(line)) add(line);
      if (wrong.length) tell(objection(wrong[0]), { typed: wrong.join(' ') });
    },
  });
});

document.addEventListener('input', ({ target }) => {
  if (target.ariaInvalid) complain(target, '');
  if (target.matches('.edit')) fit(target);
});

list.addEventListener('dblclick', ({ target }) => {
  if (target.closest('label')) edit(target.closest('li'));
});

list.addEventListener('keydown', (event) => {
  const { target, key } = event;
  if (!target.matches('.edit') || composes(event)) return;
  if (!['Enter', 'Escape'].includes(key)) return;
  event.preventDefault();   // the focus moves to a link, which the same key would open
  if (event.repeat) return;   // it has opened this editor
  if (key === 'Enter') save(target.closest('li'), true);
  else leave(target.closest('li'), true);
});

list.addEventListener('focusout', ({ target, relatedTarget }) => {
  const li = target.closest('.editing');
  if (target.matches('.edit, .details') && li && !li.contains(relatedTarget)) save(li, false);
});

// A click on a link takes the focus from the field, and the link would go with it.
list.addEventListener('mousedown', (event) => {
  if (event.target.closest('.details')) event.preventDefault();
});

addEventListener('popstate', async ({ state }) => {
  await visit(location.href, false);
  search.value = asked = sought();
  announce(shownNow());
  scrollTo(0, state?.scrolled ?? 0);   // the browser tried before the list was there
});
addEventListener('scrollend', () => history.replaceState({ scrolled: scrollY }, ''));

// What is being typed when the page is closed is saved like what is left in any other way.
addEventListener('pagehide', () => {
  for (const li of list.querySelectorAll(':scope > .editing')) save(li, false);
});

// ---- Other tabs, other browsers ----

let timer;
let wait = POLL;

async function poll() {
  clearTimeout(timer);
  if (marked !== today()) for (const li of list.children) mark(li);   // it is midnight
  await load().then(() => { wait = POLL; }, () => { wait = Math.min(wait * 2, POLL_MAX); });
  if (near) await readOn();
  clearTimeout(timer);
  if (!document.hidden) timer = setTimeout(poll, wait);
}

tabs.onmessage = poll;
for (const name of ['focus', 'pageshow', 'online']) addEventListener(name, poll);
document.addEventListener('visibilitychange', () => (document.hidden ? clearTimeout(timer) : poll()));

// ---- Begin ----

for (const li of list.children) put(adopt(li, read(li)), read(li));
readCounts(document);
frame();
poll();
