// Loaded before Azurite: its servers keep an idle connection for longer than the SDK does, as the real service
// does. Azurite has an option for that, but 3.35 reads it under a misspelt name and always sets five seconds.
const http = require("node:http");

const { createServer } = http;
const kept = { get: () => 120_000, set: () => {} };
http.createServer = (...given) => Object.defineProperty(createServer(...given), "keepAliveTimeout", kept);
