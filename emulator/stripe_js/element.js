// Shows one thing about a card, or is a button that copies it.
(() => {
  'use strict';

  const two = (number) => String(number % 100).padStart(2, '0');
  const TEXTS = {
    number: (card) => card.number && card.number.replace(/(.{4})(?=.)/g, '$1 '),
    expiry: (card) => `${two(card.exp_month)}/${two(card.exp_year)}`,
    cvc: (card) => card.cvc,
    pin: (card) => card.pin && card.pin.number,
  };
  const WHAT = {
    issuingCardNumberDisplay: 'number',
    issuingCardExpiryDisplay: 'expiry',
    issuingCardCvcDisplay: 'cvc',
    issuingCardPinDisplay: 'pin',
  };
  const STYLES = [
    'backgroundColor', 'color', 'fontFamily', 'fontSize', 'fontStyle', 'fontVariant', 'fontWeight', 'letterSpacing',
    'lineHeight', 'padding', 'textAlign', 'textDecoration', 'textShadow', 'textTransform',
  ];

  // Frames of another origin have no names for the page's other frames, so they are looked through.
  const sibling = (name) => {
    for (let place = 0; place < window.parent.length; place += 1) {
      try {
        if (window.parent[place].name === name) return window.parent[place];
      } catch (failure) {
        if (failure.name !== 'SecurityError') throw failure; // a frame of somebody else's
      }
    }
    throw new Error(`There is no frame ${name}.`);
  };

  const say = (event, value) => window.parent.postMessage({ event, value }, '*');

  const shown = async ({ type, controller, options }) => {
    const card = await sibling(controller).cardOf(options);
    document.body.replaceChildren();
    if (card.error) return { error: card.error };
    const what = WHAT[type] || options.toCopy;
    const text = TEXTS[what](card);
    if (!text) return { error: { message: `This card has no ${what} that can be shown.` } };
    if (type === 'issuingCardCopyButton') {
      const button = document.createElement('button');
      button.setAttribute('aria-label', `Copy ${what}`);
      button.addEventListener('click', async () => {
        try {
          await navigator.clipboard.writeText(text.replaceAll(' ', ''));
        } catch (failure) {
          console.error(`Stripe.js of the emulator: ${what} was not copied: ${failure.message}`);
        }
        say('click');
      });
      document.body.append(button);
      return {};
    }
    const span = document.createElement('span');
    span.textContent = text;
    const base = (options.style && options.style.base) || {};
    for (const name of STYLES) if (name in base) span.style[name] = base[name];
    document.body.append(span);
    return {};
  };

  window.addEventListener('message', async (message) => {
    if (message.source !== window.parent) return;
    const { number, value } = message.data;
    message.source.postMessage({ answer: number, value: await shown(value) }, message.origin);
  });
  say('open');
})();
