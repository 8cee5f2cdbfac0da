// An account that is connected over OAuth and leaves again, with a release of stripe-node; prints what it saw as JSON.
//
//     node oauth.js FOLDER_OF_THE_PACKAGE HOST PORT KEY CLIENT_ID CODE

const path = require('node:path');

const [folder, host, port, key, client_id, code] = process.argv.slice(2);
const Stripe = require(path.join(folder, 'node_modules', 'stripe'));

// Releases before 21 send OAuth's calls to connect.stripe.com whatever the host is.
const httpClient = Stripe.createNodeHttpClient();
const makeRequest = httpClient.makeRequest.bind(httpClient);
httpClient.makeRequest = (_, ...rest) => makeRequest(host, ...rest);
const options = { host, port: Number(port), protocol: 'http', maxNetworkRetries: 0 };
if (parseInt(Stripe.PACKAGE_VERSION, 10) < 21) options.httpClient = httpClient;

async function main() {
  const stripe = new Stripe(key, options);
  const url = new URL(stripe.oauth.authorizeUrl({ client_id, redirect_uri: 'http://localhost/back' }));
  const token = await stripe.oauth.token({ grant_type: 'authorization_code', code });
  const account = await new Stripe(token.access_token, options).accounts.retrieve();
  const more = await stripe.oauth.token({ grant_type: 'refresh_token', refresh_token: token.refresh_token });
  const errors = [];
  const refused = async (call) => {
    try {
      await call;
    } catch (error) {
      errors.push([error.type, error.statusCode]);
    }
  };
  const left = await stripe.oauth.deauthorize({ client_id, stripe_user_id: account.id });
  await refused(stripe.oauth.token({ grant_type: 'authorization_code', code: 'ac_nothing' }));
  await refused(stripe.oauth.deauthorize({ client_id, stripe_user_id: account.id }));
  await refused(new Stripe(more.access_token, options).accounts.retrieve());
  await refused(stripe.accounts.retrieve(account.id));
  console.log(
    JSON.stringify({
      asked: [url.pathname, url.searchParams.get('client_id') === client_id],
      account: account.id === token.stripe_user_id,
      more: [more.scope, more.token_type],
      left: left.stripe_user_id === account.id,
      errors,
    })
  );
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
