// Runs graphql-http's audits of the specification against a server; prints one JSON list of what they found.
import { serverAudits } from "graphql-http";

const audits = serverAudits({ url: process.argv[2] });
const found = [];
for (const audit of audits) {
  const { id, name, status, reason } = await audit.fn();
  found.push({ id, name, status, reason: reason ?? null });
}
console.log(JSON.stringify(found));
