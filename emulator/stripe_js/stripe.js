// What a page sees. It makes frames of the emulator's origin and passes on what the page says and what they answer.
(() => {
  'use strict';

  const origin = new URL(document.currentScript.src).origin;
  const DISPLAYS = [
    'issuingCardNumberDisplay',
    'issuingCardExpiryDisplay',
    'issuingCardCvcDisplay',
    'issuingCardPinDisplay',
    'issuingCardCopyButton',
  ];
  const COPIED = ['expiry', 'cvc', 'number', 'pin'];
  let frames = 0;

  class IntegrationError extends Error {
    constructor(message) {
      super(message);
      this.name = 'IntegrationError';
    }
  }

  const notBuilt = (what) => new IntegrationError(`The emulator's Stripe.js has Issuing Elements alone; it does not have ${what}.`);

  // A frame of ours. `told` is called with what it says by itself; `ask` resolves with what it answers.
  const open = (path, into, told = () => {}) => {
    const frame = document.createElement('iframe');
    frame.name = `emulator-stripe-${frames += 1}-${Math.random().toString(36).slice(2)}`;
    frame.src = origin + path;
    frame.allow = 'clipboard-write';
    const answers = new Map();
    let isReady;
    const ready = new Promise((resolve) => { isReady = resolve; });
    const listen = (message) => {
      if (message.source !== frame.contentWindow || message.origin !== origin) return;
      const { answer, value, event } = message.data;
      if (event === 'open') isReady();
      else if (answer === undefined) told(event, value);
      else answers.get(answer)(value);
    };
    window.addEventListener('message', listen);
    into.appendChild(frame);
    return {
      frame,
      ask: async (what, value) => {
        await ready;
        const number = answers.size;
        const answered = new Promise((resolve) => { answers.set(number, resolve); });
        frame.contentWindow.postMessage({ number, what, value }, origin);
        return answered;
      },
      close: () => {
        window.removeEventListener('message', listen);
        frame.remove();
      },
    };
  };

  class Element {
    #controller;
    #type;
    #options;
    #open = null;
    #handlers = [];

    constructor(controller, type, options) {
      if (!options.issuingCard) throw new IntegrationError(`elements.create('${type}') needs the option issuingCard.`);
      if (type === 'issuingCardCopyButton' && !COPIED.includes(options.toCopy)) {
        throw new IntegrationError(`The option toCopy must be one of ${COPIED.join(', ')}.`);
      }
      this.#controller = controller;
      this.#type = type;
      this.#options = options;
    }

    mount(target) {
      const place = typeof target === 'string' ? document.querySelector(target) : target;
      if (!place) throw new IntegrationError(`There is nothing at '${target}' to mount an element into.`);
      this.unmount();
      this.#open = open('/v3/element', place, (event, value) => this.#happened(event, value));
      Object.assign(this.#open.frame.style, { border: '0', width: '100%', height: '1.4em', display: 'block' });
      this.#show();
    }

    unmount() {
      if (this.#open) this.#open.close();
      this.#open = null;
    }

    destroy() {
      this.unmount();
      this.#handlers = [];
    }

    update(options) {
      this.#options = { ...this.#options, ...options };
      if (this.#open) this.#show();
    }

    on(event, handler) {
      this.#handlers.push({ event, handler });
      return this;
    }

    once(event, handler) {
      const first = (value) => { this.off(event, first); handler(value); };
      return this.on(event, first);
    }

    off(event, handler) {
      this.#handlers = this.#handlers.filter((one) => one.event !== event || (handler && one.handler !== handler));
      return this;
    }

    async #show() {
      const { frame, ask } = this.#open;
      await this.#controller.begun;
      const shown = await ask('show', { type: this.#type, controller: this.#controller.frame.name, options: this.#options });
      if (!this.#open || this.#open.frame !== frame) return;
      if (shown.error) console.error(`Stripe.js of the emulator: ${this.#type}: ${shown.error.message}`);
      else this.#happened('ready');
    }

    #happened(event, value) {
      for (const one of [...this.#handlers]) if (one.event === event) one.handler({ elementType: this.#type, ...value });
    }
  }

  const Stripe = (publishableKey, options = {}) => {
    if (typeof publishableKey !== 'string' || !publishableKey) {
      throw new IntegrationError('Missing value for Stripe(): apiKey should be a string.');
    }
    if (!publishableKey.startsWith('pk_test_')) {
      throw new IntegrationError('The emulator takes publishable test keys: pk_test_…');
    }
    const controller = open('/v3/controller', document.body || document.documentElement);
    controller.frame.hidden = true;
    const settings = { publishableKey, apiVersion: options.apiVersion, stripeAccount: options.stripeAccount };
    const call = (what, value) => controller.ask(what, { ...value, settings });

    const elements = () => {
      const made = new Map();
      return {
        create: (type, elementOptions = {}) => {
          if (!DISPLAYS.includes(type)) throw notBuilt(`the element ${type}`);
          const element = new Element(controller, type, elementOptions);
          made.set(type, element);
          return element;
        },
        getElement: (type) => made.get(type) || null,
        update: () => {},
      };
    };
    const others = Object.fromEntries(
      ['createToken', 'createPaymentMethod', 'createSource', 'confirmCardPayment', 'confirmPayment', 'confirmSetup', 'handleNextAction']
        .map((name) => [name, () => Promise.reject(notBuilt(name))]),
    );
    controller.begun = call('begin', {}); // elements may be there before anything is asked of the instance itself
    return {
      ...others,
      elements,
      createEphemeralKeyNonce: ({ issuingCard } = {}) => {
        if (!issuingCard) throw new IntegrationError('createEphemeralKeyNonce() needs an issuingCard.');
        return call('nonce', {});
      },
      retrieveIssuingCard: (card, { ephemeralKeySecret, nonce } = {}) => {
        if (!ephemeralKeySecret) throw new IntegrationError('retrieveIssuingCard() needs an ephemeralKeySecret.');
        return call('card', { card, ephemeralKeySecret, nonce });
      },
      registerAppInfo: () => {},
      _registerWrapper: () => {},
    };
  };
  Stripe.version = 3;
  window.Stripe = Stripe;
})();
