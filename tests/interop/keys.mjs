// Verifies a token with the keys of a URL, as an API in JavaScript does; prints its claims.
//   node keys.mjs FOLDER JWKS_URL ISSUER AUDIENCE ALGORITHM TOKEN
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const [folder, url, issuer, audience, algorithm, token] = process.argv.slice(2);
const jose = await import(pathToFileURL(createRequire(`${folder}/`).resolve("jose")));
const keys = jose.createRemoteJWKSet(new URL(url));
const { payload } = await jose.jwtVerify(token, keys, { issuer, audience, algorithms: [algorithm], typ: "at+jwt" });
console.log(JSON.stringify(payload));
