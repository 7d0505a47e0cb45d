// Part 1 of the script: the page. Finds its elements, says things on it, counts,
// and shows todos. Markup and texts come from the server's HTML (`template#item`,
// `template#notice`, `#texts`), never from here.

const COUNTED = 999;   // beyond it the server says "999+", and there is nothing to reckon with

const $ = (selector, root = document) => root.querySelector(selector);
const clone = (template) => document.importNode($(template).content.firstElementChild, true);
// Whether a key belongs to a composition; Safari ends one before it says so, and 229 is its key.
const composes = ({ isComposing, keyCode }) => isComposing || keyCode === 229;
// The letter of a key, whatever Caps Lock says; a layout of another script has Latin ones where a Latin one has them.
const latin = ({ key, code }) => (key > '\x7f' && /^Key[A-Z]$/.test(code) ? code.at(-1) : key).toLowerCase();
const write = (element, text) => { if (element.textContent !== text) element.textContent = text; };

const [main, list, footer, input] = ['.main', '.todo-list', '.footer', '.new-todo'].map((name) => $(name));
const texts = $('#texts').dataset;
const script = $('script[src]').getAttribute('src');
const filter = () => $('.filters .selected').dataset.filter;
const search = $('.search-field');
const sought = () => new URLSearchParams(location.search).get('q')?.trim() ?? '';
document.documentElement.classList.add('js');

// ---- Titles: trimmed and checked as the server does it, but for tabs, which nobody types: a table has them ----

const trim = (text) => text.replace(/\t/g, ' ').replace(/^\p{White_Space}+|\p{White_Space}+$/gu, '');

function objection(title) {
  const control = title.match(/[\p{Cc}\p{Zl}\p{Zp}]/u);
  const code = control && `U+${control[0].charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}`;
  const length = [...title].length;
  if (code) return texts.control.replace('{}', code);
  return length > Number(texts.max) ? texts.tooLong.replace('{}', length) : '';
}

// Shows `message` under `field`; an empty one takes it away.
function complain(field, message) {
  write(document.getElementById(field.getAttribute('aria-describedby')), message);
  field.ariaInvalid = message ? 'true' : null;
}

// ---- Notices ----

// Says `text`, for `lasts` ms or until something else is done. `typed` is what would be lost
// otherwise, `retry` what can be done.
function tell(text, { role = 'alert', typed = '', retry, label, kind = 'retry', lasts } = {}) {
  const bar = clone('#notice');
  const again = $('.retry', bar);
  $('span', bar).textContent = typed ? `${text} ${texts.typed} ` : text;
  $('.typed', bar).textContent = typed;
  again.hidden = !retry;
  if (label) again.textContent = label;
  again.classList.add(kind);
  again.onclick = (event) => { dismiss(bar, event); retry(); };
  hush();
  $(`.notices [role=${role}]`).append(bar);
  if (lasts) setTimeout(() => fade(bar, lasts), lasts);
}

// Takes a notice away, unless somebody is at it.
function fade(bar, lasts) {
  if (bar.matches(':hover, :focus-within')) setTimeout(() => fade(bar, lasts), lasts);
  else bar.remove();
}

function dismiss(bar, event) {
  if (event.detail === 0 && bar.contains(document.activeElement)) input.focus();   // by keyboard: its place is about to go
  bar.remove();
}

// Takes away what was said, except for texts that exist nowhere else, and for `kept`.
function hush(kept) {
  for (const bar of document.querySelectorAll('.notice:has(.typed:empty)')) if (!kept || !$(kept, bar)) bar.remove();
}

// ---- Counts, and what depends on them ----

const count = { active: 0, completed: 0 };   // NaN: more than counted
const kind = (todo) => (todo.completed ? 'completed' : 'active');

function readCounts(root) {
  const { active, completed } = $('.footer', root).dataset;
  Object.assign(count, { active: Number(active), completed: Number(completed) });
}

function frame() {
  for (const key of ['active', 'completed']) if (count[key] > COUNTED) count[key] = NaN;
  const none = count.active + count.completed === 0;
  const [all, clear, line] = ['.toggle-all', '.clear-completed', '.todo-count'].map((name) => $(name));
  main.hidden = footer.hidden = none;
  write($('strong', line), Number.isNaN(count.active) ? `${COUNTED}+` : String(count.active));
  write($('span', line), count.active === 1 ? line.dataset.one : line.dataset.other);
  const searching = sought() !== '';
  list.classList.toggle('by-date', filter() === 'due');
  $('.search').hidden = none && !searching;
  $('.toggle-all-form').hidden = searching;   // it would act on what is not in sight, too
  all.ariaChecked = count.active === 0;
  all.value = count.active !== 0;
  const bare = count.completed === 0 || searching;
  const fold = $('.fold');
  if (bare && [clear, fold].includes(document.activeElement)) input.focus();
  clear.hidden = bare;
  write($('span', fold), Number.isNaN(count.completed) ? `${COUNTED}+` : String(count.completed));
  fold.hidden = bare || (filter() !== 'unfolded' && (filter() !== 'active' || Boolean($('.pagination [rel=next]'))));
  const why = none ? 'none' : $('.pagination [rel=first]') ? 'rest' : searching ? 'search' : filter();
  const state = $(':scope > li:not([hidden])', list) ? '' : why;
  for (const empty of document.querySelectorAll('.empty')) empty.hidden = empty.dataset.when !== state;
}

// ---- Who clicks and who types ----

const SETTLED = 600;   // ms in which a second click belongs to the first
const NEAR = 24;       // px that a finger moves meanwhile
let act = null;        // the last click: where, when, and on what

// Whether a click is the rest of a double click whose first part moved something else under it.
function belated({ clientX: x, clientY: y, timeStamp, detail, target }) {
  if (detail === 0) return false;   // by keyboard
  const what = target.closest('.todo-list > li') ?? target.closest('button, a');
  const near = act && timeStamp - act.timeStamp < SETTLED && Math.hypot(x - act.x, y - act.y) < NEAR;
  if (near && what && what !== act.what) return true;
  act = { x, y, timeStamp, what };
  return false;
}

// A press that ends on another element than it began on is no click: meanwhile the list stays as it is.
const press = { over: null, end() {} };

addEventListener('pointerdown', ({ button }) => {
  press.end();
  if (!button) press.over = new Promise((resolve) => { press.end = resolve; });
}, true);
for (const name of ['pointerup', 'pointercancel', 'contextmenu', 'blur']) {
  addEventListener(name, () => setTimeout(press.end));   // after the click
}

// Says what a screen reader cannot see, and nobody else has to read.
function announce(text) {
  write($('.announcer'), text);
}

// ---- Items ----

// For each li: what it shows and what the server last confirmed (null: no such
// todo), the end of its queue of writes, and how many of them wait or failed.
const items = new WeakMap();
const visible = () => [...list.children].filter((li) => !li.hidden);
const find = (id) => [...list.children].find((li) => li.dataset.id === id);
const editing = (li) => li.classList.contains('editing');
const plain = ({ id, title, completed, version }) => ({ id: String(id), title, completed, version: Number(version) });
const read = (li) => ({
  ...plain({ ...li.dataset, title: $('bdi', li).textContent, completed: li.matches('.completed') }),
  more: $('.more', li)?.outerHTML ?? '',   // the date, the notes and the steps
});

function adopt(li, saved) {
  li.more = saved?.more ?? '';
  items.set(li, { shown: null, saved, queue: Promise.resolve(), waiting: 0, unkept: 0, failures: 0, elsewhere: false });
  return li;
}

// Makes `li` show `todo` (null: nothing) and keeps the counts right.
function put(li, todo) {
  const item = items.get(li);
  if (item.shown) count[kind(item.shown)] -= 1;
  if (todo) count[kind(todo)] += 1;
  if (todo) paint(li, todo);
  item.shown = todo;
  const gone = !todo || item.elsewhere || !shows(todo, li);
  if (gone && !li.hidden) focusAway(li);
  li.hidden = gone;
}

// Whether the list that is shown has this todo in it.
function shows(todo, li) {
  return { all: true, unfolded: true, due: !todo.completed && Boolean($('.due', li)) }[filter()] ?? kind(todo) === filter();
}

function paint(li, { id, title, completed, version, more }) {
  const old = li.dataset.id;
  for (const element of old === id ? [] : li.querySelectorAll('*')) {
    for (const attribute of element.attributes) {
      attribute.value = attribute.value.replaceAll(`-${old}`, `-${id}`).replace(`/items/${old}/`, `/items/${id}/`);
    }
  }
  Object.assign(li.dataset, { id, version });
  li.classList.toggle('completed', completed);
  Object.assign($('.toggle', li), { ariaChecked: completed, value: !completed });
  write($('bdi', li), title);
  if (more !== undefined && more !== li.more) {
    const step = $('.step:focus', li)?.textContent;
    $('.more', li)?.remove();
    $('.words', li).insertAdjacentHTML('beforeend', more);
    const same = [...li.querySelectorAll('.step')].find((other) => other.textContent === step) ?? $('.toggle', li);
    if (step) same.focus({ preventScroll: true });
    li.more = more;
  }
  mark(li);
  for (const field of li.querySelectorAll('[name=version]')) field.value = version;
}

// ---- Dates, as they are where the browser is ----

const DAY = 86400000;   // ms
const days = new Intl.RelativeTimeFormat('en', { numeric: 'auto' });

// The number of a day, whatever the clock does in it.
const dayOf = (year, month, day) => Math.round(new Date(0).setUTCFullYear(year, month - 1, day) / DAY);

function today() {
  const now = new Date();
  return dayOf(now.getFullYear(), now.getMonth() + 1, now.getDate());
}

let marked = today();   // the day on which dates were last looked at

// Says how far the date of `li` is, and whether it has passed.
function mark(li) {
  const time = $('.due time', li);
  if (!time) return;
  const number = dayOf(...time.dateTime.split('-'));
  marked = today();
  const ahead = number - marked;
  const date = new Date(number * DAY);
  const near = Math.abs(ahead) <= 1;
  const year = date.getUTCFullYear() === new Date().getFullYear() ? undefined : 'numeric';
  write(time, near ? days.format(ahead, 'day') : date.toLocaleDateString('en', { weekday: 'short', day: 'numeric', month: 'short', year, timeZone: 'UTC' }));
  const open = !li.matches('.completed');
  time.parentElement.classList.toggle('today', open && ahead === 0);
  time.parentElement.classList.toggle('overdue', open && ahead < 0);
}

// Before `li` goes, the keyboard's place moves to the same control of a neighbour.
function focusAway(li) {
  if (!li.contains(document.activeElement)) return;
  const seen = [...list.children].filter((other) => other === li || !other.hidden);
  const next = seen[seen.indexOf(li) + 1] ?? seen[seen.indexOf(li) - 1];
  const control = next && ($(`.${document.activeElement.classList[0]}`, next) ?? $('.toggle', next));
  (control ?? input).focus();
}
