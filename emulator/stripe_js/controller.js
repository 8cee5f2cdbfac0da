// Keeps what the page may not see: private halves of nonces, and cards with their numbers. Frames of this origin ask it.
(() => {
  'use strict';

  const privateNonces = new Map(); // by their public halves
  const cards = new Map(); // what is on its way or there, by card and key
  const latest = new Map(); // the same by card alone, as the page last retrieved it
  let settings = {};

  const failed = (message) => ({ error: { type: 'invalid_request_error', message } });

  const called = async (method, path, key, version) => {
    const headers = { Authorization: `Bearer ${key}` };
    if (version) headers['Stripe-Version'] = version;
    if (settings.stripeAccount) headers['Stripe-Account'] = settings.stripeAccount;
    try {
      return await (await fetch(path, { method, headers })).json();
    } catch (failure) {
      return failed(`The emulator cannot be reached: ${failure.message}`);
    }
  };

  const nonce = async () => {
    const made = await called('POST', '/v1/ephemeral_key_nonces', settings.publishableKey, settings.apiVersion);
    if (made.error) return { error: made.error };
    privateNonces.set(made.public_nonce, made.private_nonce);
    return { nonce: made.public_nonce };
  };

  const read = async (card, secret, publicNonce) => {
    const query = new URLSearchParams({ safe_expands: 'true' });
    for (const name of ['number', 'cvc', 'pin.number']) query.append('expand[]', name);
    if (publicNonce) {
      if (!privateNonces.has(publicNonce)) return failed('This nonce was not made by createEphemeralKeyNonce() of this page.');
      query.set('ephemeral_key_private_nonce', privateNonces.get(publicNonce));
    }
    return called('GET', `/v1/issuing/cards/${encodeURIComponent(card)}?${query}`, secret, settings.apiVersion);
  };

  // A card with everything. Several elements that show the same card ask the API once.
  const whole = (card, secret, publicNonce) => {
    const name = JSON.stringify([card, secret, publicNonce]);
    if (!cards.has(name)) cards.set(name, read(card, secret, publicNonce));
    latest.set(card, cards.get(name));
    return cards.get(name);
  };

  // What an element shows; by the key it is given, or as the page has retrieved the card before.
  window.cardOf = ({ issuingCard, ephemeralKeySecret, nonce: publicNonce }) => {
    if (ephemeralKeySecret) return whole(issuingCard, ephemeralKeySecret, publicNonce);
    return latest.get(issuingCard)
      || failed('Give the element an ephemeralKeySecret and nonce, or call retrieveIssuingCard() before.');
  };

  const retrieved = async ({ card, ephemeralKeySecret, nonce: publicNonce }) => {
    const found = await whole(card, ephemeralKeySecret, publicNonce);
    if (found.error) return { error: found.error };
    const { number, cvc, pin, ...issuingCard } = found;
    return { issuingCard };
  };

  const answers = { begin: () => ({}), nonce, card: retrieved };
  window.addEventListener('message', async (message) => {
    if (message.source !== window.parent) return;
    const { number, what, value } = message.data;
    settings = value.settings;
    message.source.postMessage({ answer: number, value: await answers[what](value) }, message.origin);
  });
  window.parent.postMessage({ event: 'open' }, '*');
})();
