// Verifies the tokens of `tokens`, one a line of JSON after the line with the rules, as strictly as
// jose can; prints a verdict for each.
//   node differential.mjs FOLDER < tokens
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

const jose = await import(pathToFileURL(createRequire(`${process.argv[2]}/`).resolve("jose")));
let rules;
const keys = {};
for await (const line of createInterface({ input: process.stdin })) {
  const given = JSON.parse(line);
  if (!rules) {
    rules = given;
    for (const key of rules.keys) keys[key.alg] = await jose.importJWK(key);
    continue;
  }
  let verdict;
  try {
    const { payload } = await jose.jwtVerify(given.token, keys[given.alg], {
      algorithms: [given.alg],
      issuer: rules.issuer,
      audience: rules.audience,
      typ: "at+jwt",
      currentDate: new Date(rules.now * 1000),
      clockTolerance: rules.leeway,
      maxTokenAge: rules.lifetime,
      requiredClaims: ["sub", "client_id", "jti", "exp", "rev"],
    });
    verdict = { claims: payload };
  } catch (error) {
    verdict = { refused: `${error.code ?? error.name}: ${error.message}` };
  }
  process.stdout.write(JSON.stringify(verdict) + "\n");
}
