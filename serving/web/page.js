// The page: which models there are, what they can be asked, asking them.

import { fetchModels, predict } from "./api.js";
import { base64, whyNot } from "./picture.js";
import * as view from "./view.js";

const LOOK_EVERY = 5_000;
const NEWEST = "";

const $ = (id) => document.getElementById(id);

let models = [];
let picture = null;
let underWay = null; // AbortController of the question that is being answered

// --- what is chosen -------------------------------------------------------------------------------------------------

const chosenModel = () => models.find(({ name }) => name === $("model").value);

const available = (model) => model.versions.filter(({ state }) => state === "AVAILABLE");

// The version that is to answer: the newest unless one was chosen that is still there.
function chosenVersion() {
  const versions = available(chosenModel());
  return versions.find(({ version }) => version === $("version").value) ?? versions[0];
}

const named = ({ version, labels }) => (labels.length ? `${version} (${labels.join(", ")})` : version);

// What a version can do for this page, and what it reads.
function ability({ signatures }) {
  for (const name of ["search", "classify"]) {
    const input = Object.keys(signatures[name]?.inputs ?? {}).find((key) => key === "text" || key === "image_bytes");
    if (input) return { name, input, hasNeighbors: "neighbors" in signatures };
  }
  return null;
}

// The model that the address names.
function addressed() {
  const name = location.hash.slice(1);
  try {
    return decodeURIComponent(name);
  } catch {
    return name; // typed by hand, with a % that means itself
  }
}

// --- models ---------------------------------------------------------------------------------------------------------

async function look() {
  try {
    models = await fetchModels();
  } catch (error) {
    say("away", error.message);
    return;
  }
  const wanted = addressed() || $("model").value;
  const isThere = models.some(({ name }) => name === wanted);
  const name = isThere ? wanted : models[0]?.name;
  say("away", wanted && !isThere ? `There is no model named ${wanted} on this server.` : "");
  refill($("model"), models.map(({ name }) => [name, name]), name);
  $("model-choice").hidden = models.length < 2;
  showModel();
}

function showModel() {
  const model = chosenModel();
  const versions = model ? available(model) : [];
  const names = versions.map((each) => [each.version, named(each)]);
  refill($("version"), [[NEWEST, `newest: ${versions[0]?.version}`], ...names], $("version").value);
  $("version-choice").hidden = versions.length < 2;
  const can = versions.length ? ability(chosenVersion()) : null;
  $("ask").hidden = !can;
  if (!model) return state("This server has no models.");
  if (!versions.length) return state(whyUnavailable(model));
  if (!can) {
    const names = Object.keys(chosenVersion().signatures).join(", ");
    return state(`${model.name} has no signature that this page can show. It has: ${names}.`);
  }
  const isText = can.input === "text";
  $("text-input").hidden = !isText;
  $("picture-input").hidden = isText;
  $("text-label").textContent = can.name === "search" ? "Your question" : "Your text";
  $("send").textContent = can.name === "search" ? "Ask" : "Classify";
  document.title = `${model.name} · Anchorline`;
  state(`${model.name}, version ${named(chosenVersion())}`);
}

function whyUnavailable({ name, versions }) {
  const [newest] = versions;
  if (!newest) return `${name} has no version yet.`;
  const error = newest.error ? `: ${newest.error}` : "";
  return `${name} is not available yet; version ${newest.version} is in state ${newest.state}${error}.`;
}

// Replaced only when it changes: an open list must not close under the user's finger.
function refill(select, choices, chosen) {
  const known = JSON.stringify(choices);
  const isChoice = choices.some(([value]) => value === chosen);
  if (select.dataset.choices !== known) {
    select.dataset.choices = known;
    view.fill(select, choices, isChoice ? chosen : NEWEST);
  } else if (isChoice) select.value = chosen;
}

// --- asking ---------------------------------------------------------------------------------------------------------

async function ask() {
  const model = chosenModel();
  const { version, signatures } = chosenVersion();
  const { name, input, hasNeighbors } = ability({ signatures });
  const text = $("text").value;
  if (input === "text" && !text.trim()) return say("problem", "Type a text first."), $("text").focus();
  if (input === "image_bytes" && !picture) return say("problem", "Choose a picture first."), $("file").focus();

  underWay?.abort();
  const { signal } = (underWay = new AbortController());
  say("problem", "");
  $("results").ariaBusy = "true";
  const start = performance.now();
  try {
    const value = input === "text" ? text : { b64: await base64(picture) };
    const asked = name === "search" ? ["search"] : ["classify", ...(hasNeighbors ? ["neighbors"] : [])];
    const found = await Promise.all(asked.map((each) => predict(model.name, version, each, input, value, signal)));
    const shown = { search: view.answers, classify: view.labels, neighbors: view.neighbors };
    const parts = asked.flatMap((each, index) => shown[each](found[index]));
    $("results").replaceChildren(...parts, view.answeredBy(model.name, version, performance.now() - start));
  } catch (error) {
    if (signal.aborted) return; // another question has taken this one's place
    $("results").replaceChildren();
    say(error.isAway ? "away" : "problem", error.message);
    if (error.status === 404) look(); // this version may be gone
  }
  $("results").ariaBusy = "false";
}

async function take(file) {
  if (!file) return;
  const reason = await whyNot(file);
  if (reason) return say("problem", reason);
  picture = file;
  URL.revokeObjectURL($("preview").src);
  $("preview").src = URL.createObjectURL(file);
  $("preview").alt = file.name;
  $("preview").hidden = false;
  $("drop-text").textContent = file.name;
  ask();
}

// --- the page's own -------------------------------------------------------------------------------------------------

function say(id, sentence) {
  const place = $(id);
  if (place.textContent !== sentence) place.textContent = sentence;
  place.hidden = !sentence;
}

const state = (sentence) => say("serving", sentence);

function forget() {
  underWay?.abort();
  $("results").replaceChildren();
  $("results").ariaBusy = "false";
  say("problem", "");
}

$("model").addEventListener("change", () => {
  location.hash = encodeURIComponent($("model").value);
});
addEventListener("hashchange", () => {
  forget();
  $("version").value = NEWEST;
  look();
});
$("version").addEventListener("change", () => {
  forget();
  showModel();
});
$("ask").addEventListener("submit", (event) => {
  event.preventDefault();
  ask();
});
$("text").addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  $("ask").requestSubmit();
});
$("file").addEventListener("change", () => {
  take($("file").files[0]);
  $("file").value = ""; // the same file may be chosen again
});

const readsPictures = () => !$("ask").hidden && !$("picture-input").hidden;
for (const kind of ["dragenter", "dragover", "dragleave", "drop"]) {
  addEventListener(kind, (event) => {
    if (!event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault(); // else the browser would leave the page for the file
    $("drop").classList.toggle("over", readsPictures() && (kind === "dragenter" || kind === "dragover"));
    if (kind === "drop" && readsPictures()) take(event.dataTransfer.files[0]);
  });
}
addEventListener("paste", (event) => {
  const [file] = event.clipboardData.files;
  if (file && readsPictures()) take(file);
});
addEventListener("visibilitychange", () => document.hidden || look());
setInterval(() => document.hidden || look(), LOOK_EVERY);
look();
