// Run by `test_mcp_clients.py` with Node: `ask_with_mcp_sdk.cjs FOLDER URL KEY`, or
// `… FOLDER stdio PROGRAM ARGUMENT…`. FOLDER is where the SDK is installed. Prints what it saw as JSON.
const path = require("node:path");
const [folder, where, ...rest] = process.argv.slice(2);
const sdk = require("node:module").createRequire(path.join(path.resolve(folder), "package.json"));
const { Client } = sdk("@modelcontextprotocol/sdk/client/index.js");
const { StdioClientTransport } = sdk("@modelcontextprotocol/sdk/client/stdio.js");
const { StreamableHTTPClientTransport } = sdk("@modelcontextprotocol/sdk/client/streamableHttp.js");
const { ElicitRequestSchema } = sdk("@modelcontextprotocol/sdk/types.js");

function transport() {
  if (where === "stdio") return new StdioClientTransport({ command: rest[0], args: rest.slice(1), env: process.env });
  const headers = { Authorization: `Bearer ${rest[0]}` };
  return new StreamableHTTPClientTransport(new URL(`${where}/mcp`), { requestInit: { headers } });
}

async function asked(capabilities, answer) {
  const client = new Client({ name: "typescript", version: "1" }, { capabilities });
  const forms = [];
  const progress = [];
  if (answer) {
    client.setRequestHandler(ElicitRequestSchema, async (request) => {
      forms.push(request.params.message);
      return answer;
    });
  }
  await client.connect(transport());
  const { tools } = await client.listTools();
  const call = { name: "agent_writer-of-tests", arguments: { message: "Go" } };
  const result = await client.callTool(call, undefined, { onprogress: (told) => progress.push(told.message) });
  let unknown = "";
  try {
    await client.callTool({ name: "agent_nobody", arguments: { message: "Go" } });
  } catch (error) {
    unknown = error.message;
  }
  await client.close();
  return { tools: tools.map((tool) => tool.name), forms, progress, result, unknown };
}

(async () => {
  const approve = { action: "accept", content: { decision: "approve" } };
  const decided = await asked({ elicitation: {} }, approve);
  const left = await asked({}, null);
  console.log(JSON.stringify({ decided, left }));
})();
