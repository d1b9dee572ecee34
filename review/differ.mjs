// What CloudFormation would do to each resource, as the CDK's own differ says: pairs of templates on standard
// input, [[before, after], …]; for each pair its changes on standard output, {logical id: {impact, …}}.

import { readFileSync } from "node:fs";
import { fullDiff } from "@aws-cdk/cloudformation-diff";

const pairs = JSON.parse(readFileSync(0, "utf8"));
const said = pairs.map(([before, after]) => {
  const { resources } = fullDiff(before, after);
  return Object.fromEntries(
    Object.entries(resources.changes).map(([id, change]) => [
      id,
      {
        impact: change.changeImpact,
        properties: Object.fromEntries(
          Object.entries(change.propertyUpdates).map(([name, { changeImpact }]) => [name, changeImpact]),
        ),
        others: Object.keys(change.otherChanges),
      },
    ]),
  );
});
process.stdout.write(JSON.stringify(said));
