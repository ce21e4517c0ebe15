// Reads resources as a JSON list, checks each against FHIR R4's own definitions, and prints what is wrong.
// node structure.cjs <folder of npm's fhir> < resources.json
const { Fhir } = require(process.argv[2]);
const fhir = new Fhir();
const wrong = [];
for (const resource of JSON.parse(require("fs").readFileSync(0, "utf8"))) {
  const found = fhir.validate(resource, { errorOnUnexpected: true });
  for (const message of found.messages) {
    if (message.severity === "error" || message.severity === "fatal") {
      wrong.push(`${resource.resourceType}: ${message.location}: ${message.message}`);
    }
  }
}
process.stdout.write(JSON.stringify(wrong));
