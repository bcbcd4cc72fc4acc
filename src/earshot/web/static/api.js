// Calls to the server; a fault is an Error whose message is the server's sentence.

export async function api(path, options) {
  let answer;
  try {
    answer = await fetch(path, options);
  } catch (fault) {
    if (fault.name === "AbortError") throw fault;
    throw new Error("The server does not answer: is `earshot serve` still running?");
  }
  const body = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Error(body.error?.message ?? `The server answered ${answer.status}.`);
  return body;
}

export function post(path, body, signal) {
  return api(path, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body), signal });
}

export function postForm(path, fields, signal) {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) if (value !== undefined && value !== "") form.append(name, value);
  return api(path, { method: "POST", body: form, signal });
}
