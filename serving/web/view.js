// Results as elements. What comes from the server goes in as text, never as HTML.

// How many rows of a list are there from the start.
const ANSWERS = 10;
const LABELS = 5;

function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  Object.assign(made, attributes);
  made.append(...children);
  return made;
}

// What there is to choose: [value, text] each.
export function fill(select, choices, chosen) {
  select.replaceChildren(...choices.map(([value, text]) => element("option", { value, selected: value === chosen }, text)));
}

export function answers({ ids, candidates, scores }) {
  const items = candidates.map((what, index) => ({
    what,
    key: ids[index] === what ? "" : ids[index],
    much: scores[index].toFixed(3),
    share: scores[index],
  }));
  return [element("h2", {}, "Answers, best first"), list(items, ANSWERS)];
}

export function labels({ labels, probabilities }) {
  const items = labels.map((what, index) => ({
    what,
    much: percent(probabilities[index]),
    share: probabilities[index],
  }));
  return [element("h2", {}, "Labels, most probable first"), list(items, LABELS)];
}

export function neighbors({ ids, labels, scores }) {
  const items = labels.map((what, index) => ({ what, key: ids[index], much: scores[index].toFixed(3), share: scores[index] }));
  return [element("h2", {}, "Nearest training rows"), list(items, ANSWERS)];
}

export function answeredBy(model, version, milliseconds) {
  return element("p", { className: "by" }, `Answered by ${model}, version ${version}, in ${Math.round(milliseconds)} ms.`);
}

function percent(share) {
  return share > 0 && share < 0.0005 ? "< 0.1 %" : `${(100 * share).toFixed(1)} %`;
}

// The first few, and a button for the rest.
function list(items, first) {
  const found = element("ol", { className: "found" }, ...items.slice(0, first).map(row));
  if (items.length <= first) return found;
  const more = element("button", { type: "button", className: "plain" }, `Show all ${items.length}`);
  more.onclick = () => {
    const rest = items.slice(first).map(row);
    found.append(...rest);
    more.remove();
    rest[0].tabIndex = -1;
    rest[0].focus();
  };
  return element("div", {}, found, more);
}

function row({ what, key = "", much, share }) {
  const item = element(
    "li",
    {},
    element("span", { className: "what" }, what),
    element("span", { className: "much" }, much),
    ...(key ? [element("span", { className: "key" }, key)] : []),
  );
  item.style.setProperty("--share", `${100 * Math.min(1, Math.max(0, share))}%`);
  return item;
}
