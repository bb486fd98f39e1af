// Talks to a server through the client of graphql-sse; prints one JSON object of what it was told.
import { createClient } from "graphql-sse";

const [url] = process.argv.slice(2);
const told = {};
const client = createClient({ url, retryAttempts: 0, headers: { Authorization: "Bearer ann" } });

async function all(query, variables) {
  const results = [];
  for await (const result of client.iterate({ query, variables })) results.push(result.data ?? result.errors);
  return results;
}

told.query = await all("{ caller }");
told.mutation = await all("mutation { poke }");
told.subscription = await all("subscription ($to: Int!) { count(to: $to, pause: 0.1) }", { to: 3 });
told.refused = (await all("{ nope }"))[0].map((error) => error.extensions.code);
const stopped = client.iterate({ query: "subscription { count(to: 1000000, pause: 0.01) }" });
told.first = (await stopped.next()).value.data;
await stopped.return();
const strangers = createClient({ url, retryAttempts: 0, headers: { Authorization: "Bearer wrong" } });
told.turnedAway = await strangers
  .iterate({ query: "{ hello }" })
  .next()
  .catch((error) => error.response.status);
console.log(JSON.stringify(told));
process.exit(0);
