// The page's own half, and below `server` what a server does.
(() => {
  'use strict';

  const $ = (id) => document.getElementById(id);
  const VERSION = '2022-08-01';

  const server = async (method, path, form) => {
    const headers = { Authorization: `Bearer sk_test_${$('world').value}`, 'Stripe-Version': VERSION };
    if ($('account').value) headers['Stripe-Account'] = $('account').value;
    const reply = await (await fetch(path, { method, headers, body: form && new URLSearchParams(form) })).json();
    if (reply.error) throw new Error(reply.error.message);
    return reply;
  };

  const show = async () => {
    const newest = async () => (await server('GET', '/v1/issuing/cards?limit=1')).data[0];
    const card = $('card').value || ((await newest()) || {}).id;
    if (!card) throw new Error('There is no card yet; `stripe-emulator seed demo` makes one.');

    const stripe = Stripe(`pk_test_${$('world').value}`, {
      apiVersion: VERSION,
      stripeAccount: $('account').value || undefined,
    });
    const { nonce, error } = await stripe.createEphemeralKeyNonce({ issuingCard: card });
    if (error) throw new Error(error.message);
    const key = await server('POST', '/v1/ephemeral_keys', { issuing_card: card, nonce });

    const elements = stripe.elements();
    const given = { issuingCard: card, nonce, ephemeralKeySecret: key.secret, style: { base: { fontSize: '16px' } } };
    for (const name of ['Number', 'Expiry', 'Cvc', 'Pin']) {
      elements.create(`issuingCard${name}Display`, given).mount(`#${name.toLowerCase()}`);
    }
    $('said').textContent = '';
  };

  $('form').addEventListener('submit', async (event) => {
    event.preventDefault();
    for (const name of ['number', 'expiry', 'cvc', 'pin']) $(name).replaceChildren();
    try {
      await show();
    } catch (failure) {
      $('said').textContent = failure.message;
    }
  });
})();
