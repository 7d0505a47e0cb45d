// Part 8 of the script: a long list goes on as somebody scrolls, up to a few pages. The address says how
// many, so that whatever reads the page again or comes back to it shows as much.

let near = false;   // whether the list's end is less than a window away

const nearing = new IntersectionObserver((entries) => {
  near = entries.at(-1).isIntersecting;
  if (near) readOn();
}, { rootMargin: '0px 0px 100%' });

function watch() {
  const next = $('.pagination [data-more]');
  nearing.disconnect();
  near = false;
  if (next) nearing.observe(next);
}

// What cannot be read now is asked for at the next look at the server: nobody waits for it.
async function readOn() {
  const next = $('.pagination [data-more]');
  if (!next) return;
  const url = new URL(location.href);
  url.searchParams.set('more', next.dataset.more);
  let held;
  const arrive = () => {
    history.replaceState(history.state, '', url);
    held = $('.pagination').contains(document.activeElement) && visible().length;
  };
  const shown = await load(url.href, false, { arrive }).catch(() => false);
  if (!shown) return;
  if (visible()[held]) $('.toggle', visible()[held]).focus();   // where the link was that had the keyboard's place
  announce($('.position')?.textContent ?? '');
}

watch();
