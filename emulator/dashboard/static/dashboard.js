// Copy buttons, `/` for search, regions that follow the stream.
(() => {
  const { body } = document;
  const on = (name, then) => body.addEventListener(name, then);
  const byId = (id) => document.getElementById(id);
  document.documentElement.classList.add('js');

  on('click', async ({ target }) => {
    const button = target.closest('[data-copy]');
    if (!button) return;
    const { copy } = button.dataset;
    await navigator.clipboard.writeText(byId(copy)?.textContent ?? copy);
    button.classList.add('done');
    setTimeout(() => button.classList.remove('done'), 1200);
  });

  on('keydown', (event) => {
    const typing = event.target.matches('input, select');
    if (event.key !== '/' || typing || event.ctrlKey || !byId('q')) return;
    event.preventDefault();
    byId('q').focus();
  });

  // A region somebody types into stays; what is open and focused outlives a swap.
  const kept = new Map();
  const folds = (region) => [...region.querySelectorAll('details')];
  const named = ({ href, value, textContent }) => `${href} ${value} ${textContent}`;
  on('htmx:beforeSwap', ({ target, detail }) => {
    const busy = document.activeElement;
    const inside = target.contains(busy);
    if (inside && busy.matches('input, select')) detail.shouldSwap = false;
    kept.set(target.id, [folds(target).map((one) => one.open), inside && named(busy)]);
  });
  on('htmx:afterSettle', ({ target }) => {
    const [open, stood] = kept.get(target.id) ?? [[]];
    folds(target).forEach((one, number) => { one.open = open[number] ?? one.open; });
    const places = [...target.querySelectorAll('a, button, summary')];
    if (stood) places.find((one) => named(one) === stood)?.focus({ preventScroll: true });
  });

  const address = body.dataset.stream;
  if (!address) return;
  let source, last;
  const tell = (words) => words.forEach((word) => body.dispatchEvent(new Event(`on-${word}`)));
  const show = (live) => {
    byId('live').classList.toggle('off', !live);
    byId('live').lastElementChild.textContent = live ? `Live · ${location.host}` : 'Not live, reload';
  };
  const open = () => {
    source?.close();
    source = new EventSource(last ? `${address}?after=${last}` : address);
    source.onopen = () => show(true);
    source.onerror = () => show(false);
    source.onmessage = ({ data, lastEventId }) => {
      last = lastEventId;
      tell(data.split(' '));
    };
  };
  // Leaving a page breaks off what it asked for; a download leaves nothing.
  const asked = new Set();
  on('htmx:beforeRequest', ({ detail: { xhr } }) => {
    asked.add(xhr);
    xhr.addEventListener('loadend', () => asked.delete(xhr));
  });
  addEventListener('beforeunload', () => {
    source?.close();
    asked.forEach((xhr) => { xhr.onabort = xhr.onerror = null; });
    setTimeout(open, 3000);
  });
  // A hidden tab holds no connection: browsers have six.
  document.addEventListener('visibilitychange', () => {
    if (document.hidden) return source?.close();
    open();
    tell(['back']);
  });
  if (!document.hidden) open();
})();
