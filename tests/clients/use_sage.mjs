// Run by `test_sage_node.py` with Node.js: `use_sage.mjs URL NAME PASSWORD AGENT CUT`.
//
// Talks to Sage's API as its web pages do: signs in, starts a stream, is cut off after CUT lines of JSON, and
// goes on with as many as it has. Then it reads the conversation, and resumes what it opens anew. Between the
// two it prints `cut` and waits for a line on its standard input. Prints what it has seen as JSON.

import { createInterface } from "node:readline";

const [url, username_or_email, password, agent_id, cut] = process.argv.slice(2);
const session_id = "node-session";
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
let cookie = "";

async function request(path, options = {}) {
  const headers = { "X-accept-language": "zh", "Content-Type": "application/json", Cookie: cookie };
  const response = await fetch(`${url}${path}`, { ...options, headers });
  if (response.status !== 200) throw new Error(`${path}: ${response.status} ${await response.text()}`);
  return response;
}

async function data(path, method = "GET", body = undefined) {
  const response = await request(path, { method, body: body && JSON.stringify(body) });
  const said = await response.json();
  if (said.code !== 200) throw new Error(said.message);
  cookie ||= response.headers.get("set-cookie")?.split(";")[0] ?? "";
  return said.data;
}

// Records of a stream: a line of JSON each. Blank lines and comments, which keep it open, are none.
async function* records(response) {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const piece of response.body) {
    rest += decoder.decode(piece, { stream: true });
    const whole = rest.split("\n");
    rest = whole.pop();
    for (const line of whole) if (line.trim() && !line.startsWith(":")) yield JSON.parse(line);
  }
}

// Adds records to `seen` until the end record of this session, or until there are `most`.
async function follow(seen, most, path, options = {}) {
  const gone = new AbortController();
  const response = await request(path, { ...options, signal: gone.signal });
  for await (const record of records(response)) {
    seen.push(record);
    if (record.type === "stream_end" && record.session_id === session_id) return;
    if (seen.length === most) break;
  }
  gone.abort();
}

const said = {};
said.tokens = Object.keys(await data("/api/auth/login", "POST", { username_or_email, password })).sort();
said.user = (await data("/api/auth/session")).user;
const messages = [{ role: "user", content: "Count to three" }];
const body = JSON.stringify({ messages, session_id, agent_id, agent_mode: "simple" });
const seen = [];
await follow(seen, Number(cut), "/api/web-stream", { method: "POST", body });
said.before = seen.length;
const opened = await data(`/api/conversations/${session_id}/messages`);
said.next = opened.next_stream_index;
process.stdout.write("cut\n");
await lines.next();
await follow(seen, Infinity, `/api/stream/resume/${session_id}?last_index=${seen.length}`);
said.seen = seen;

// What is opened again when all is over: the messages say it all, and the stream only that it has ended.
const ended = await data(`/api/conversations/${session_id}/messages`);
said.messages = ended.messages.map(({ role, content }) => [role, content]);
const again = [];
await follow(again, Infinity, `/api/stream/resume/${session_id}?last_index=${ended.next_stream_index}`);
said.again = again;
process.stdout.write(JSON.stringify(said) + "\n");
process.exit(0);
