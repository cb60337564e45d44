// Run by `test_hono_client.py` with Node.js: `use_hono.mjs FOLDER URL KEY`.
//
// Asks what Dexto's own client asks, with the library that it is made of: `hono/client` and its typed paths.
// Prints what was answered as JSON, by the names that the test knows.

import { createRequire } from "node:module";

const [folder, url, key] = process.argv.slice(2);
const { hc } = createRequire(`${folder}/`)("hono/client");
const client = hc(url, { headers: { Authorization: `Bearer ${key}` } });
const said = {};

async function ask(name, asked) {
  const response = await asked;
  const kind = response.headers.get("content-type") ?? "";
  const body = kind.includes("json") ? await response.json() : await response.text();
  said[name] = { status: response.status, body };
  return body;
}

// Frames as Dexto's SDK takes them apart: at blank lines, comments left out.
async function* events(response) {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const piece of response.body) {
    rest += decoder.decode(piece, { stream: true });
    const frames = rest.split("\n\n");
    rest = frames.pop();
    for (const frame of frames) {
      const lines = frame.split("\n").filter((line) => !line.startsWith(":"));
      const event = lines.find((line) => line.startsWith("event: "))?.slice(7);
      const data = lines.find((line) => line.startsWith("data: "))?.slice(6);
      if (data) yield { event, data: JSON.parse(data) };
    }
  }
}

async function collect(name, asked, onEvent = async () => {}) {
  const response = await asked;
  const all = [];
  for await (const one of events(response)) {
    all.push(one);
    await onEvent(one);
  }
  said[name] = { status: response.status, body: all };
}

const api = client.api;
const sessionId = "hono-session";
const session = { param: { sessionId } };

await ask("health", client.health.$get());
await ask("greeting", api.greeting.$get({ query: { sessionId } }));
await ask("create", api.sessions.$post({ json: { sessionId } }));
await ask("sync", api["message-sync"].$post({ json: { content: "Hello", sessionId } }));
await collect("stream", api["message-stream"].$post({ json: { content: "And now?", sessionId } }));

// A run that waits for its approval is busy.
await collect(
  "approved",
  api["message-stream"].$post({ json: { content: "Write it", sessionId } }),
  async ({ event, data }) => {
    if (event !== "approval:request") return;
    await ask("busy", api["message-stream"].$post({ json: { content: "More", sessionId } }));
    const queued = await ask("queue", api.queue[":sessionId"].$post({ ...session, json: { content: "More" } }));
    await ask("queued", api.queue[":sessionId"].$get(session));
    const message = { param: { sessionId, messageId: queued.id } };
    await ask("unqueue", api.queue[":sessionId"][":messageId"].$delete(message));
    await ask("approvals", api.approvals.$get({ query: { sessionId } }));
    const approval = { param: { approvalId: data.approvalId } };
    await ask("approve", api.approvals[":approvalId"].$post({ ...approval, json: { status: "approved" } }));
  },
);

await ask("history", api.sessions[":sessionId"].history.$get(session));
await ask("load", api.sessions[":sessionId"].load.$get(session));
await ask("current", api.llm.current.$get({ query: { sessionId } }));
await ask("search", api.search.messages.$get({ query: { q: "now" } }));
await ask("sessions", api.sessions.$get());
await ask("rename", api.sessions[":sessionId"].$patch({ ...session, json: { title: "Of hono" } }));
await ask("agents", api.agents.$get());
await ask("tools", api.tools.$get());
await ask("delete", api.sessions[":sessionId"].$delete(session));
await ask("gone", api.sessions[":sessionId"].history.$get(session));
await ask("invalid", api["message-sync"].$post({ json: { content: "Hello" } }));
process.stdout.write(JSON.stringify(said));
