// What the page asks the server, and what may go wrong on the way, as sentences.

const TIMEOUT = 30_000;

export class Refusal extends Error {
  // `isAway`: nobody answers. `status`: the HTTP status of whoever did.
  constructor(message, { isAway = false, status = 0 } = {}) {
    super(message);
    this.isAway = isAway;
    this.status = status;
  }
}

export async function fetchModels() {
  return (await fetchJson("web/models", { cache: "no-store" })).models;
}

// The outputs of one signature for one row: each the row's list.
export async function predict(model, version, signature, input, value, signal) {
  const path = `v1/models/${encodeURIComponent(model)}/versions/${version}:predict`;
  const body = JSON.stringify({ signature_name: signature, inputs: { [input]: [value] } });
  const { outputs } = await fetchJson(path, { method: "POST", body, signal });
  return Object.fromEntries(Object.entries(outputs).map(([name, rows]) => [name, rows[0]]));
}

async function fetchJson(path, options) {
  const late = AbortSignal.timeout(TIMEOUT);
  const signal = options.signal ? AbortSignal.any([options.signal, late]) : late;
  let response, text;
  try {
    response = await fetch(path, { ...options, signal });
    text = await response.text();
  } catch (error) {
    if (options.signal?.aborted) throw error;
    if (late.aborted) throw new Refusal(`The server gave no answer within ${TIMEOUT / 1000} seconds.`);
    throw new Refusal("The server does not answer. Is it still running?", { isAway: true });
  }
  let document;
  try {
    document = JSON.parse(text);
  } catch {
    throw new Refusal(`The server answered something else than JSON (HTTP ${response.status}).`, response);
  }
  if (!response.ok) throw new Refusal(sentence(document.error ?? `HTTP ${response.status}`), response);
  return document;
}

// The model's own words, without the nodes of its graph that TensorFlow adds below.
function sentence(message) {
  const [line] = message.split("\n");
  return line.replace(/^assertion failed: /, "").replace(/^\[+|\]+$/g, "");
}
