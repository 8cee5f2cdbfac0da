// An account of v2 in one sitting with a release of stripe-node; prints what it saw as JSON.
//
//     node accounts_v2.js FOLDER_OF_THE_PACKAGE HOST PORT KEY

const path = require('node:path');

const [folder, host, port, key] = process.argv.slice(2);
const Stripe = require(path.join(folder, 'node_modules', 'stripe'));

async function main() {
  const stripe = new Stripe(key, { host, port: Number(port), protocol: 'http', maxNetworkRetries: 0 });
  const { accounts, accountLinks } = stripe.v2.core;
  const account = await accounts.create({
    configuration: {
      merchant: { capabilities: { card_payments: { requested: true } } },
      recipient: { capabilities: { stripe_balance: { stripe_transfers: { requested: true } } } },
    },
    contact_email: 'ada@example.com',
    dashboard: 'none',
    defaults: { responsibilities: { fees_collector: 'application', losses_collector: 'application' } },
    identity: { country: 'us', entity_type: 'company', business_details: { registered_name: 'Ada Inc.' } },
    include: ['configuration.merchant', 'identity', 'requirements'],
    metadata: { a: '1', b: '2' },
  });
  const changed = await accounts.update(account.id, { metadata: { a: null }, include: ['defaults'] });
  const person = await accounts.persons.create(account.id, {
    given_name: 'Ada',
    relationship: { owner: true, percent_ownership: '0.8' },
  });
  const link = await accountLinks.create({
    account: account.id,
    use_case: {
      type: 'account_onboarding',
      account_onboarding: { configurations: ['merchant'], refresh_url: 'http://a.b/again', return_url: 'http://a.b/' },
    },
  });
  await accounts.create({ configuration: { customer: {} } });
  const listed = [];
  for await (const one of accounts.list({ limit: 1 })) listed.push(one.applied_configurations);
  const treasury = await stripe.accounts.updateCapability(account.id, 'treasury', { requested: true });
  const gone = await accounts.persons.del(account.id, person.id);
  const closed = await accounts.close(account.id, { applied_configurations: ['merchant', 'recipient'] });
  const errors = [];
  for (const call of [
    () => accounts.retrieve('acct_nobody'),
    () => accounts.create({ configuration: { card_creator: {} } }),
    () => accounts.update(account.id, { display_name: 'Ada' }),
  ]) {
    await call().then(
      () => errors.push('not refused'),
      (error) => errors.push([error.statusCode, error.code]),
    );
  }
  return {
    capability: account.configuration.merchant.capabilities.card_payments.status,
    name: account.identity.business_details.registered_name,
    due: account.requirements.entries.map((entry) => entry.description),
    metadata: changed.metadata,
    collects: changed.defaults.responsibilities.requirements_collector,
    share: String(person.relationship.percent_ownership),
    link: [link.object, link.use_case.type],
    listed,
    treasury: treasury.status,
    gone: gone.id === person.id,
    closed: closed.closed,
    errors,
  };
}

main().then(
  (saw) => console.log(JSON.stringify(saw)),
  (error) => {
    console.error(error);
    process.exit(1);
  },
);
