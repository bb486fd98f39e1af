// Talks to a server through the client of graphql-ws; prints one JSON object of what it was told.
import { createClient } from "graphql-ws";
import WebSocket from "ws";

const [url] = process.argv.slice(2);
const told = { closed: [] };
const client = createClient({
  url,
  webSocketImpl: WebSocket,
  lazy: false,
  retryAttempts: 0,
  keepAlive: 300,
  connectionParams: { Authorization: "Bearer ann" },
  on: { closed: (event) => told.closed.push(event.code), pong: () => (told.pong = true) },
});

async function all(query, variables) {
  const results = [];
  for await (const result of client.iterate({ query, variables })) results.push(result.data ?? result.errors);
  return results;
}

told.query = await all("{ caller }");
told.mutation = await all("mutation { poke }");
[told.subscription, told.other] = await Promise.all([
  all("subscription ($to: Int!) { count(to: $to, pause: 0.1) }", { to: 3 }),
  all("subscription { count(to: 2, pause: 0.1) }"),
]);
told.refused = await all("{ nope }").catch((errors) => errors.map((error) => error.extensions.code));
const stopped = client.iterate({ query: "subscription { count(to: 1000000, pause: 0.01) }" });
told.first = (await stopped.next()).value.data;
await stopped.return();
told.after = await all("{ hello }");
await new Promise((resolve) => setTimeout(resolve, 700));
await client.dispose();
await new Promise((resolve) => setTimeout(resolve, 200));
console.log(JSON.stringify(told));
process.exit(0);
