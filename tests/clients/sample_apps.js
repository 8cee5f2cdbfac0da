// Stripe's two sample platforms, "embedded-finance" and "expense-management", as far as they call the API: what each of
// their routes sends, in its order and with its parameters, through the release of stripe-node that is found.
//
//     node sample_apps.js FOLDER_OF_THE_PACKAGE HOST PORT
//
// Each line of its input is a request of a browser to the app, as JSON: {app, route, key, params}; each line of its output
// what the app answers: {data} or {error}.
// Source: https://github.com/stripe-samples/issuing-treasury
'use strict';

const http = require('node:http');
const path = require('node:path');
const readline = require('node:readline');

const [folder, host, port] = process.argv.slice(2);
const found = path.join(path.resolve(folder), 'node_modules', 'stripe');
const Stripe = require(found);
const RELEASE = Number(require(path.join(found, 'package.json')).version.split('.')[0]);

const TERMS = { date: 1691518261, ip: '127.0.0.1' };
const CURRENCIES = { US: 'USD', GB: 'GBP', DE: 'EUR' }; // as the samples write them
const DAY = 86400;
const GREEN = { requested: true };

// The sample gives options where a call has no parameters. Releases from 22 on would send them as parameters.
const acting = (stripeAccount) => (RELEASE < 22 ? [{ stripeAccount }] : [{}, { stripeAccount }]);

class App {
  constructor(key) {
    this.key = key;
    this.stripe = new Stripe(key, {
      host,
      port: Number(port),
      protocol: 'http',
      apiVersion: '2023-10-16',
      typescript: true,
      appInfo: { name: 'Sample platform' },
    });
  }

  // What stripe-node had no method for.
  async post(address, account, fields) {
    const reply = await fetch(`http://${host}:${port}${address}`, {
      method: 'POST',
      headers: {
        'Stripe-Account': account,
        'content-type': 'application/x-www-form-urlencoded',
        Authorization: `Bearer ${this.key}`,
      },
      body: new URLSearchParams(fields),
    });
    return reply.json();
  }

  async login({ account }) {
    const read = await this.stripe.accounts.retrieve(account);
    return {
      name: read.business_profile?.name ?? null,
      country: read.country,
      currency: read.default_currency,
      outstanding: (read.requirements?.currently_due ?? []).filter((one) => one !== 'external_account'),
    };
  }

  async onboard({ account, country, email, site, skip }) {
    const settings = Object.fromEntries(this.programs.map((name) => [name, { tos_acceptance: TERMS }]));
    await this.stripe.accounts.update(account, {
      business_type: 'individual',
      business_profile: {
        name: 'Rocket Bread',
        mcc: '5734',
        product_description: 'Bread and rolls',
        url: 'https://accessible.stripe.com',
        annual_revenue: { amount: 0, currency: CURRENCIES[country], fiscal_year_end: '2025-12-31' },
        estimated_worker_count: 1,
      },
      company: { name: 'Rocket Bread', tax_id: '000000000' },
      individual: {
        address: {
          line1: 'address_full_match',
          ...(country === 'US' && { city: 'South San Francisco', state: 'CA', postal_code: '94080' }),
          country,
        },
        dob: { day: 1, month: 1, year: 1901 },
        email,
        first_name: 'John',
        last_name: 'Smith',
        phone: '000-000-0000',
      },
      ...(skip && { tos_acceptance: TERMS }),
      settings,
    });
    if (skip) return { redirect: '/' };
    const { url } = await this.stripe.accountLinks.create({
      type: 'account_onboarding',
      account,
      refresh_url: `${site}/onboard`,
      return_url: `${site}/`,
    });
    return { redirect: url };
  }

  async cardholders({ account, address, phone }) {
    const accepted = { user_terms_acceptance: { date: Math.floor(Date.now() / 1000), ip: '198.51.100.7' } };
    const made = await this.stripe.issuing.cardholders.create(
      {
        type: 'individual',
        name: 'Ada Example',
        email: 'ada@example.com',
        phone_number: phone,
        individual: { first_name: 'Ada', last_name: 'Example', card_issuing: accepted },
        billing: { address },
      },
      { stripeAccount: account },
    );
    const changed = await this.stripe.issuing.cardholders.update(
      made.id,
      { individual: { first_name: 'Ada', last_name: 'Lovelace', card_issuing: accepted } },
      { stripeAccount: account },
    );
    return { id: made.id, name: changed.individual.last_name, due: changed.requirements.past_due };
  }

  async cards({ account, cardholder, currency, type }) {
    const { capabilities } = await this.stripe.accounts.retrieve(account);
    if (capabilities?.card_issuing !== 'active') throw new Error('Card issuing is still being activated.');
    const backing = await this.backing(account);
    const holder = await this.stripe.issuing.cardholders.retrieve(cardholder, ...acting(account));
    const { line1, city, state, postal_code, country } = holder.billing.address;
    const shipping = {
      name: holder.name,
      service: 'standard',
      type: 'individual',
      address: { line1, city, state: state ?? '', postal_code, country },
    };
    const made = await this.stripe.issuing.cards.create(
      {
        cardholder,
        currency,
        ...(type === 'physical' ? { shipping, type, status: 'inactive' } : { type, status: 'active' }),
        ...backing,
      },
      { stripeAccount: account },
    );
    return { id: made.id, status: made.status };
  }

  async switch_card_status({ account, card, status }) {
    const changed = await this.stripe.issuing.cards.update(card, { status }, { stripeAccount: account });
    return { status: changed.status };
  }

  async card_keys({ account, card, nonce }) {
    const made = await this.stripe.ephemeralKeys.create(
      { nonce, issuing_card: card },
      { stripeAccount: account, apiVersion: '2022-08-01' },
    );
    return { secret: made.secret };
  }

  async create_authorization({ account, card, currency }) {
    if ((await this.spendable(account)) < 1000) throw new Error('There is no money for a test purchase.');
    const made = await this.stripe.testHelpers.issuing.authorizations.create(
      { amount: 1000, currency, card },
      { stripeAccount: account },
    );
    const { approved, request_history: history } = made;
    if (!approved) return { approved, reason: history[0].reason };
    const captured = await this.stripe.testHelpers.issuing.authorizations.capture(made.id, ...acting(account));
    return { approved, reason: history[0].reason, status: captured.status };
  }

  // The platform's own endpoint, which is asked about each purchase from then on.
  async decide({ approves }) {
    if (this.endpoint === undefined) {
      const hook = http.createServer((incoming, reply) => {
        const parts = [];
        incoming.on('data', (part) => parts.push(part));
        incoming.on('end', () => {
          const signature = incoming.headers['stripe-signature'];
          const event = this.stripe.webhooks.constructEvent(Buffer.concat(parts), signature, this.endpoint.secret);
          reply.setHeader('Stripe-Version', '2023-10-16');
          reply.setHeader('Content-Type', 'application/json');
          reply.end(JSON.stringify({ approved: this.approves(event.data.object.pending_request.amount) }));
        });
      });
      await new Promise((resolve) => hook.listen(0, '127.0.0.1', resolve));
      this.endpoint = await this.stripe.webhookEndpoints.create({
        url: `http://127.0.0.1:${hook.address().port}/`,
        enabled_events: ['issuing_authorization.request'],
        connect: true,
      });
      hook.unref();
    }
    this.approves = (amount) => approves && amount === 1000;
    return {};
  }

  async create_payment_link({ account, currency }) {
    const options = { stripeAccount: account };
    const { data } = await this.stripe.prices.list({ limit: 1, active: true, type: 'one_time' }, options);
    const price =
      data[0] ??
      (await this.stripe.prices.create(
        { unit_amount: 1000, currency, product_data: { name: 'Bread' } },
        options,
      ));
    const link = await this.stripe.paymentLinks.create(
      { line_items: [{ price: price.id, quantity: 1, adjustable_quantity: { enabled: true } }] },
      options,
    );
    return { url: link.url, reused: data.length === 1 };
  }

  async test_data({ account }) {
    const read = await this.stripe.accounts.retrieve(account);
    const balance = await this.stripe.balance.retrieve(...acting(account));
    return {
      bank: read.external_accounts?.data[0] !== undefined,
      available: balance.available[0].amount,
      currency: balance.available[0].currency,
    };
  }

  async create_payout({ account, currency }) {
    const balance = await this.stripe.balance.retrieve(...acting(account));
    const amount = balance.available[0].amount;
    if (amount <= 0) throw new Error('There is nothing to pay out.');
    const made = await this.stripe.payouts.create({ amount, currency }, { stripeAccount: account });
    return { amount: made.amount, status: made.status };
  }

  async card_lists({ account, card }) {
    const options = { stripeAccount: account };
    const holders = await this.stripe.issuing.cardholders.list({ limit: 100 }, options);
    const cards = await this.stripe.issuing.cards.list({ limit: 100 }, options);
    const lately = await this.stripe.issuing.authorizations.list({ limit: 10 }, options);
    const ofCard = await this.stripe.issuing.authorizations.list({ card, limit: 10 }, options);
    const whole = await this.stripe.issuing.cards.retrieve(card, { expand: ['cardholder'] }, options);
    const one = await this.stripe.issuing.authorizations.retrieve(lately.data[0].id, ...acting(account));
    const spent = ofCard.data.filter(({ approved }) => approved).reduce((sum, { amount }) => sum + amount, 0);
    return {
      cardholders: holders.data.map(({ name }) => name),
      cards: cards.data.map(({ type }) => type),
      authorizations: lately.data.map(({ approved }) => approved),
      last: one.merchant_data.name,
      holder: whole.cardholder.name,
      spent,
    };
  }

  async delete_account({ account }) {
    const gone = await this.stripe.accounts.del(account);
    try {
      await this.stripe.balance.retrieve(...acting(account));
    } catch (error) {
      return { deleted: gone.deleted, afterwards: error.code };
    }
    return { deleted: gone.deleted, afterwards: null };
  }
}

class EmbeddedFinance extends App {
  programs = ['card_issuing', 'treasury'];

  async register({ country, email }) {
    const account = await this.stripe.accounts.create({
      type: 'custom',
      country,
      email,
      business_type: 'individual',
      individual: { id_number: '000000000' },
      capabilities: { transfers: GREEN, card_payments: GREEN, card_issuing: GREEN, treasury: GREEN },
    });
    await this.stripe.treasury.financialAccounts.create(
      {
        supported_currencies: ['usd'],
        features: {
          card_issuing: GREEN,
          deposit_insurance: GREEN,
          financial_addresses: { aba: GREEN },
          inbound_transfers: { ach: GREEN },
          intra_stripe_flows: GREEN,
          outbound_payments: { ach: GREEN, us_domestic_wire: GREEN },
          outbound_transfers: { ach: GREEN, us_domestic_wire: GREEN },
        },
      },
      { stripeAccount: account.id },
    );
    return { account: account.id };
  }

  async financialAccount(account) {
    const { data } = await this.stripe.treasury.financialAccounts.list(...acting(account));
    return data[0];
  }

  async withNumbers(account) {
    const { data } = await this.stripe.treasury.financialAccounts.list(
      { expand: ['data.financial_addresses.aba.account_number'] },
      { stripeAccount: account },
    );
    return data[0];
  }

  async backing(account) {
    return { financial_account: (await this.financialAccount(account)).id };
  }

  async spendable(account) {
    return (await this.financialAccount(account)).balance.cash.usd;
  }

  async create_receivedcredit({ account }) {
    const { id } = await this.withNumbers(account);
    await this.stripe.testHelpers.treasury.receivedCredits.create(
      { amount: 50000, currency: 'USD', financial_account: id, network: 'ach' },
      { stripeAccount: account },
    );
    return {};
  }

  async add_external_account({ account, currency }) {
    const aba = (await this.withNumbers(account)).financial_addresses[0]?.aba;
    if (aba?.account_number === undefined) throw new Error('The financial account has no numbers yet.');
    const { account_number, routing_number } = aba;
    const token = await this.stripe.tokens.create(
      { bank_account: { account_number, routing_number, country: 'US', currency } },
      undefined,
    );
    const added = await this.stripe.accounts.createExternalAccount(account, { external_account: token.id });
    return { currency: added.currency, country: added.country };
  }

  async send_money({ account, network, result }) {
    const { id } = await this.withNumbers(account);
    const payment = await this.stripe.treasury.outboundPayments.create(
      {
        financial_account: id,
        amount: 500,
        currency: 'USD',
        statement_descriptor: 'Descriptor',
        destination_payment_method_data: {
          type: 'us_bank_account',
          us_bank_account: {
            account_holder_type: 'company',
            routing_number: '110000000',
            account_number: '000000000009',
          },
          billing_details: {
            email: 'jenny@example.com',
            phone: '7135551212',
            address: { city: 'Alvin', state: 'TX', postal_code: '77511', line1: '123 Main St.', country: 'US' },
            name: 'Jenny Rosen',
          },
        },
        destination_payment_method_options: { us_bank_account: { network } },
      },
      { stripeAccount: account },
    );
    if (result === 'processing') return { status: payment.status };
    const moved = await this.stripe.testHelpers.treasury.outboundPayments[result](payment.id, ...acting(account));
    return { status: moved.status };
  }

  async create_account_session({ account }) {
    const session = await this.stripe.accountSessions.create(
      {
        account,
        components: {
          issuing_cards_list: {
            enabled: true,
            features: {
              card_management: true,
              card_spend_dispute_management: true,
              cardholder_management: true,
              spend_control_management: true,
            },
          },
          financial_account: {
            enabled: true,
            features: { external_account_collection: true, send_money: true, transfer_balance: true },
          },
          financial_account_transactions: { enabled: true, features: { card_spend_dispute_management: true } },
        },
      },
      { apiVersion: '2023-10-16;embedded_connect_beta=v2' },
    );
    return { secret: typeof session.client_secret };
  }

  // The pages with the balance, the last transactions, and the chart of ten days.
  async overview({ account, now }) {
    const bank = await this.financialAccount(account);
    const options = { stripeAccount: account };
    const of = { financial_account: bank.id };
    const transactions = this.stripe.treasury.transactions;
    const last = await transactions.list({ ...of, limit: 10 }, options);
    const expanded = await transactions.list({ ...of, limit: 10, expand: ['data.flow_details'] }, options);
    const created = { gte: now - 9 * DAY, lte: now };
    const chart = await transactions.list({ ...of, created, limit: 1000 }, options);
    return {
      cash: bank.balance.cash.usd,
      pending: bank.balance.outbound_pending.usd,
      last: last.data.length,
      chart: chart.data.length,
      rows: expanded.data.map((row) => [
        row.flow_type,
        row.amount,
        row.status,
        typeof row.flow_details[row.flow_type].hosted_regulatory_receipt_url,
      ]),
    };
  }
}

class ExpenseManagement extends App {
  programs = ['card_issuing'];

  async register({ country, email }) {
    const account = await this.stripe.accounts.create({
      controller: {
        stripe_dashboard: { type: 'none' },
        fees: { payer: 'application' },
        requirement_collection: 'application',
        losses: { payments: 'application' },
      },
      country,
      email,
      business_type: 'individual',
      individual: { id_number: '000000000' },
      capabilities: { transfers: GREEN, card_payments: GREEN, card_issuing: GREEN },
    });
    return { account: account.id };
  }

  async backing() {
    return {};
  }

  async spendable(account) {
    const balance = await this.stripe.balance.retrieve(...acting(account));
    return balance.issuing?.available[0].amount || 0;
  }

  async create_funding_instructions({ account, country, currency }) {
    const made = await this.post('/v1/issuing/funding_instructions', account, {
      currency,
      funding_type: 'bank_transfer',
      'bank_transfer[type]': country === 'GB' ? 'gb_bank_transfer' : 'eu_bank_transfer',
    });
    const [address] = made.bank_transfer.financial_addresses;
    return { type: address.type, number: typeof (address.iban?.iban ?? address.sort_code.account_number) };
  }

  async fund_issuing_balance({ account, currency }) {
    await this.post('/v1/test_helpers/issuing/fund_balance', account, { amount: '50000', currency });
    return {};
  }

  async add_external_account({ account, currency }) {
    const token = await this.stripe.tokens.create(
      { bank_account: { account_number: '00012345', routing_number: '108800', country: 'GB', currency } },
      undefined,
    );
    const added = await this.stripe.accounts.createExternalAccount(account, { external_account: token.id });
    return { currency: added.currency, country: added.country };
  }

  async overview({ account, now }) {
    const balance = await this.stripe.balance.retrieve(...acting(account));
    const rows = await this.stripe.balanceTransactions.list(
      { created: { gte: now - 9 * DAY, lte: now }, limit: 100 },
      { stripeAccount: account },
    );
    const held = ['issuing_authorization_release', 'issuing_authorization_hold'];
    return {
      issuing: balance.issuing.available[0].amount,
      available: balance.available[0].amount,
      rows: rows.data.filter(({ type }) => !held.includes(type)).map(({ type, amount }) => [type, amount]),
    };
  }
}

const APPS = { 'embedded-finance': EmbeddedFinance, 'expense-management': ExpenseManagement };
const running = new Map(); // each key has an app of its own

async function answer({ app, route, key, params }) {
  if (!running.has(key)) running.set(key, new APPS[app](key));
  try {
    return { data: await running.get(key)[route](params) };
  } catch (error) {
    return { error: error.message };
  }
}

const requests = readline.createInterface({ input: process.stdin });
requests.on('line', async (line) => console.log(JSON.stringify(await answer(JSON.parse(line)))));
requests.on('close', () => process.exit());
