"use strict";
// Asks the server what stands in a form, and draws the answer. What comes back is put in as text, never as markup.
const shown = new Map();

function made(tag, kind, text) {
  const element = document.createElement(tag);
  if (kind) element.className = kind;
  if (text !== undefined) element.textContent = text;
  return element;
}

function bytes(packed) {
  return Uint8Array.from(atob(packed), (letter) => letter.charCodeAt(0));
}

// A text as the list of its words: parted where there is space, and punctuation by itself; where words stand side by side each
// character is one, unless somebody parts them.
function words(place) {
  const text = place.value.trim();
  if (place.dataset.between === "") return /\s/.test(text) ? text.split(/\s+/) : [...text];
  return text.match(/[\p{L}\p{M}\p{N}]+(?:[.'’_-][\p{L}\p{M}\p{N}]+)*|[^\s]/gu) || [];
}

function rows(form) {
  const row = Object.fromEntries(new FormData(form));
  form.querySelectorAll("[data-between]").forEach((place) => { row[place.name] = words(place); });
  if (form.dataset.answers !== "vector") return [row];
  return [...new FormData(form)].map(([name, text]) => ({ [name]: text }));
}

function content(form) {
  const file = form.querySelector("input[type=file]");
  if (!file) return [JSON.stringify(rows(form)), "application/json"];
  const chosen = file.files[0];
  return chosen ? [chosen, chosen.type || file.dataset.type] : [bytes(file.dataset.example), file.dataset.type];
}

function preview(file) {
  const place = file.parentElement.querySelector(".shown");
  const blob = file.files[0] || new Blob([bytes(file.dataset.example)], { type: file.dataset.type });
  URL.revokeObjectURL(shown.get(place));
  shown.set(place, URL.createObjectURL(blob));
  const player = made(file.dataset.type.startsWith("audio") ? "audio" : "img");
  player.controls = true;
  player.src = shown.get(place);
  place.replaceChildren(player);
}

function percent(share) {
  return (100 * share).toLocaleString(document.documentElement.lang, { maximumFractionDigits: 1, minimumFractionDigits: 1 }) + " %";
}

function number(value) {
  return value.toLocaleString(document.documentElement.lang, { maximumSignificantDigits: 6 });
}

function drawn(answers, form) {
  const draw = { vector: likeness, tags: tagged, label: labelled }[form.dataset.answers];
  const none = answers.some((told) => told.answer === null);
  const parts = none ? [made("div", "said", form.dataset.none)] : draw(answers, form);
  const notes = new Set(answers.flatMap((told) => [told.fault, told.overlong]).filter(Boolean));
  return [...parts, ...[...notes].map((note) => made("p", "fault", note))];
}

function labelled([told]) {
  const said = made("div", "said", typeof told.answer === "number" ? number(told.answer) : told.answer);
  if (told.probability !== undefined) said.append(made("small", "", percent(told.probability)));
  return told.chances ? [said, bars(Object.entries(told.chances))] : [said];
}

// Of two texts the cosine of their vectors.
function likeness([one, other], form) {
  const product = (a, b) => a.reduce((sum, value, place) => sum + value * b[place], 0);
  const cosine = product(one.answer, other.answer) / Math.sqrt(product(one.answer, one.answer) * product(other.answer, other.answer));
  const said = made("div", "said", number(Number(cosine.toFixed(3))));
  said.append(made("small", "", form.dataset.likeness));
  return [said, made("p", "soft", `${form.dataset.numbers} ${one.answer.slice(0, 6).map(number).join("  ")} …`)];
}

// Words as a text, each entity on a ground of its name's own colour; where tags spell none, each word with its tag.
function tagged([told], form) {
  const names = JSON.parse(form.dataset.names), between = form.querySelector("[data-between]").dataset.between || "\u200b";
  const found = told.entities || told.answer.map(({ word, tag }, start) => ({ name: tag, start, stop: start + 1, words: [word] }));
  const text = made("div", "tagged");
  for (let place = 0; place < told.answer.length;) {
    const entity = found.find(({ start, name }) => start === place && name !== null);
    if (place) text.append(between);
    text.append(entity ? marked(entity, names, between) : told.answer[place].word);
    place = entity ? entity.stop : place + 1;
  }
  return [text];
}

function marked({ name, words }, names, between) {
  const mark = made("mark", "", words.join(between));
  mark.style.setProperty("--hue", (25 + 360 * names.indexOf(name) / names.length) % 360);
  mark.append(made("small", "", name));
  return mark;
}

function bars(chances) {
  const list = made("div", "chances");
  chances.sort((one, other) => other[1] - one[1]).slice(0, 12).forEach(([name, share]) => {
    const bar = made("div", "bar");
    const filled = made("i");
    filled.style.width = 100 * share + "%";
    bar.append(filled);
    list.append(made("span", "", name), bar, made("span", "share", percent(share)));
  });
  return list;
}

async function ask(form) {
  const [body, type] = content(form);
  const address = "/predict/" + encodeURIComponent(form.dataset.model);
  try {
    const response = await fetch(address, { method: "POST", body, headers: { "Content-Type": type } });
    const told = await response.json();
    return response.ok ? drawn(told.answers, form) : [made("p", "fault", told.error)];
  } catch {
    return [made("p", "fault", form.dataset.failed)];
  }
}

function wish({ prompt, tokens, temperature }, talk) {
  const asked = talk ? { messages: [...talk, { role: "user", content: prompt }] } : { prompt };
  return JSON.stringify({ ...asked, tokens: Number(tokens), temperature: Number(temperature), stream: true });
}

async function* events(response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let held = "";
  for (let { value, done } = await reader.read(); !done; { value, done } = await reader.read()) {
    const whole = (held + value).split("\n\n");
    held = whole.pop();
    for (const event of whole) {
      const [name, data] = event.split("\n", 2);
      yield [name.slice("event: ".length), JSON.parse(data.slice("data: ".length))];
    }
  }
}

// What was said on a page so far, by its form: of models that are asked in messages.
const talks = new Map();

async function listen(form, place) {
  const given = Object.fromEntries(new FormData(form)), talk = form.dataset.chats && (talks.get(form) || []);
  const said = made("div", "text going", talk ? "" : given.prompt), began = performance.now();
  if (!talk) place.replaceChildren();
  place.append(...(talk ? [made("div", "asked", given.prompt), said] : [said]));
  const stop = form.querySelector(".stop"), line = new AbortController();
  stop.onclick = () => line.abort();
  stop.hidden = false;
  try {
    await hear(form, wish(given, talk), line.signal, place, said, began);
  } catch (error) {
    if (error.name !== "AbortError") place.append(made("p", "fault", form.dataset.failed));
  }
  stop.hidden = true;
  said.classList.remove("going");
  if (!talk || !said.textContent) return;
  talks.set(form, [...talk, { role: "user", content: given.prompt }, { role: "assistant", content: said.textContent }]);
  form.querySelector("textarea").value = "";
}

async function hear(form, body, signal, place, said, began) {
  const address = "/generate/" + encodeURIComponent(form.dataset.speaks);
  const response = await fetch(address, { method: "POST", body, signal, headers: { "Content-Type": "application/json" } });
  if (!response.ok) return place.append(made("p", "fault", (await response.json()).error));
  for await (const [name, facts] of events(response)) {
    if (name === "piece") said.append(facts.text);
    if (name === "error") place.append(made("p", "fault", facts.error));
    if (name === "end") place.append(counted(form, facts, began), ...facts.notes.map((note) => made("p", "fault", note)));
  }
}

function counted(form, { tokens, ended }, began) {
  const seconds = number(Number(((performance.now() - began) / 1000).toFixed(1)));
  const told = form.dataset.counted.replace("{n}", number(tokens)).replace("{seconds}", seconds);
  return made("p", "count", ended === "tokens" ? `${told} ${form.dataset.cut}` : told);
}

document.querySelectorAll("input[type=file]").forEach((file) => {
  preview(file);
  file.addEventListener("change", () => preview(file));
});
document.querySelectorAll("textarea").forEach((place) => place.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) place.form.requestSubmit();
}));
document.querySelectorAll("form").forEach((form) => form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = form.querySelector("button");
  if (button.disabled) return;
  button.disabled = true;
  const place = form.parentElement.querySelector(".answer");
  if (form.dataset.speaks) await listen(form, place);
  else place.replaceChildren(...await ask(form));
  button.disabled = false;
}));
