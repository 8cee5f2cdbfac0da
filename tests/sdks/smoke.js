// A card programme in one sitting with whichever release of stripe-node is found; prints what it saw as JSON.
//
//     node smoke.js <folder with node_modules> 127.0.0.1 12111 sk_test_…
//
// Written in what all releases from 8 on understand: methods where a release has them, else a plain request.
'use strict';

const assert = require('node:assert');
const http = require('node:http');
const path = require('node:path');

const [folder, host, port, key] = process.argv.slice(2);
const found = path.join(path.resolve(folder), 'node_modules', 'stripe');
const Stripe = require(found);
const release = require(path.join(found, 'package.json')).version;
const stripe = new Stripe(key, { host, port: Number(port), protocol: 'http' });
const HELPERS = '/v1/test_helpers/issuing';
const ADDRESS = { line1: '1 Main Street', city: 'Springfield', state: 'IL', postal_code: '62701', country: 'US' };

// A plain POST or GET, as each release offers one.
function request(method, address, params, options) {
  if (typeof stripe.rawRequest === 'function') return stripe.rawRequest(method, address, params, options);
  const Resource = Stripe.StripeResource.extend({
    path: address.replace('/v1/', ''),
    send: Stripe.StripeResource.method({ method, path: '' }),
  });
  return new Resource(stripe).send(params, options);
}

// The receiver of webhooks: acknowledges, and hands over what came, as it came.
function receiver() {
  let hand;
  const arrived = new Promise((resolve) => (hand = resolve));
  const server = http.createServer((incoming, reply) => {
    const parts = [];
    incoming.on('data', (part) => parts.push(part));
    incoming.on('end', () => {
      reply.end();
      hand({ body: Buffer.concat(parts), signature: incoming.headers['stripe-signature'] });
    });
  });
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve({ server, arrived })));
}

// Class, parameter and code of the error that a call must end in.
async function refusal(call) {
  try {
    await call();
  } catch (error) {
    return [error.type, error.param ?? null, error.code ?? null];
  }
  return assert.fail('it was not refused');
}

async function main() {
  const saw = { release };
  const { server, arrived } = await receiver();
  const endpoint = await stripe.webhookEndpoints.create({
    url: `http://127.0.0.1:${server.address().port}/`,
    enabled_events: ['issuing_card.created'],
    connect: true,
  });

  const capabilities = Object.fromEntries(
    ['card_issuing', 'transfers', 'treasury'].map((name) => [name, { requested: true }]),
  );
  const account = (await stripe.accounts.create({ type: 'custom', country: 'US', capabilities })).id;
  const capability = await stripe.accounts.updateCapability(account, 'card_payments', { requested: true });
  saw.capabilities = (await stripe.accounts.retrieve(account)).capabilities;
  saw.capability = [capability.id, capability.requested, capability.status];

  const acting = { stripeAccount: account };
  const banks = '/v1/treasury/financial_accounts';
  const bank = (
    await request(
      'POST',
      banks,
      {
        supported_currencies: ['usd'],
        features: {
          card_issuing: { requested: true },
          financial_addresses: { aba: { requested: true } },
          intra_stripe_flows: { requested: false },
        },
      },
      acting,
    )
  ).id;
  await request('POST', `${banks}/${bank}/features`, { inbound_transfers: { ach: { requested: true } } }, acting);
  const money = { amount: 10000, currency: 'usd', financial_account: bank, network: 'ach' };
  await request('POST', '/v1/test_helpers/treasury/received_credits', money, acting);
  saw.features = (await request('GET', `${banks}/${bank}`, {}, acting)).active_features;

  const holder = (number, options = {}) =>
    stripe.issuing.cardholders.create(
      {
        name: `Ada Example ${number}`,
        type: 'individual',
        email: 'ada@example.com',
        phone_number: '+18005550100',
        billing: { address: ADDRESS },
        individual: {
          first_name: 'Ada',
          last_name: 'Example',
          card_issuing: { user_terms_acceptance: { date: 1700000000, ip: '198.51.100.7' } },
        },
        metadata: { number },
      },
      { ...acting, ...options },
    );
  const first = await holder(1, { idempotencyKey: 'holder-1' });
  saw.repeated = (await holder(1, { idempotencyKey: 'holder-1' })).id === first.id;
  await holder(2);
  await holder(3);
  saw.paged = [];
  for await (const one of stripe.issuing.cardholders.list({ limit: 1 }, acting)) saw.paged.push(one.metadata.number);

  const card = await stripe.issuing.cards.create(
    {
      cardholder: first.id,
      currency: 'usd',
      type: 'virtual',
      status: 'active',
      financial_account: bank,
      spending_controls: { spending_limits: [{ amount: 5000, interval: 'daily' }] },
    },
    acting,
  );
  saw.card = [card.status, card.cardholder.id === first.id];
  saw.refusal = await refusal(() => stripe.issuing.cards.create({ cardholder: first.id, type: 'virtual' }, acting));

  const { body, signature } = await arrived;
  const event = stripe.webhooks.constructEvent(body, signature, endpoint.secret);
  saw.event = [event.type, event.account === account, event.data.object.id === card.id];
  const forged = Buffer.concat([body, Buffer.from(' ')]);
  saw.forgery = (await refusal(() => stripe.webhooks.constructEvent(forged, signature, endpoint.secret)))[0];

  const helpers = stripe.testHelpers && stripe.testHelpers.issuing && stripe.testHelpers.issuing.authorizations;
  const authorizations = helpers || {
    create: (params, options) => request('POST', `${HELPERS}/authorizations`, params, options),
    increment: (id, ...rest) => request('POST', `${HELPERS}/authorizations/${id}/increment`, ...rest),
    capture: (id, ...rest) => request('POST', `${HELPERS}/authorizations/${id}/capture`, ...rest),
  };
  const made = await authorizations.create(
    {
      card: card.id,
      amount: 1000,
      is_amount_controllable: false,
      merchant_data: { name: 'Café & Söhne', category: 'bakeries' },
    },
    acting,
  );
  saw.authorized = [made.approved, made.amount, made.merchant_data.name];
  const more = { increment_amount: 500, is_amount_controllable: true };
  const grown = await authorizations.increment(made.id, more, acting);
  saw.incremented = [grown.approved, grown.amount];
  const captured = await authorizations.capture(made.id, { capture_amount: 1200, close_authorization: true }, acting);
  const [transaction] = captured.transactions;
  saw.captured = [captured.status, transaction.amount];
  const refunds = `${HELPERS}/transactions/${transaction.id}/refund`;
  const refunded = await request('POST', refunds, { refund_amount: 200 }, acting);
  saw.refunded = [refunded.type, refunded.amount];

  // Up to release 20 an upload goes to Stripe unless the call itself names a host.
  const upload = Number(release.split('.')[0]) < 21 ? { ...acting, host } : acting;
  const paper = { data: Buffer.from('%PDF-1.4 not mine'), name: 'evidence.pdf', type: 'application/pdf' };
  const file = await stripe.files.create({ purpose: 'dispute_evidence', file: paper }, upload);
  saw.file = [file.purpose, file.size, file.filename, file.type];

  const dispute = await stripe.issuing.disputes.create(
    {
      treasury: { received_debit: captured.treasury.received_debits[0] },
      evidence: {
        reason: 'not_received',
        not_received: { expected_at: 1700000000, explanation: 'winning_evidence' },
      },
    },
    acting,
  );
  const fraudulent = { explanation: 'winning_evidence', additional_documentation: file.id };
  await stripe.issuing.disputes.update(dispute.id, { evidence: { reason: 'fraudulent', fraudulent } }, acting);
  await stripe.issuing.disputes.submit(dispute.id, {}, acting);
  const decided = await stripe.issuing.disputes.retrieve(dispute.id, {}, acting);
  saw.disputed = [decided.status, decided.amount];
  saw.cash = (await request('GET', `${banks}/${bank}`, {}, acting)).balance.cash.usd;
  server.close();
  return saw;
}

main().then(
  (saw) => console.log(JSON.stringify(saw)),
  (error) => {
    console.error(error);
    process.exitCode = 1;
  },
);
