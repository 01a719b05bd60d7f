// Times the npm package on the cases of versus.rs, in CPU time, and prints one line each: NAME VARIANT DECISION PER-SECOND.
import { readFileSync } from "node:fs";
import { runSimulation, runUnsafeSimulation } from "@cloud-copilot/iam-simulate";

const [seconds, ...names] = process.argv.slice(2);

function simulation(made) {
  const named = (policies, prefix) => policies.map((policy, at) => ({ name: `${prefix}-${at}`, policy }));
  const nodes = (levels, prefix) => levels.map((policies, at) => ({ orgIdentifier: `${prefix}-${at}`, policies: named(policies, `${prefix}-${at}`) }));
  return {
    request: {
      principal: made.principal,
      action: made.action,
      resource: { resource: made.resource, accountId: made.resource_account },
      contextVariables: made.context,
    },
    identityPolicies: named(made.identity, "identity"),
    serviceControlPolicies: nodes(made.scps, "scp"),
    resourceControlPolicies: nodes(made.rcps, "rcp"),
    resourcePolicy: made.resource_policy ?? undefined,
  };
}

async function time(run) {
  for (let at = 0; at < 3; at += 1) await run();
  const start = process.cpuUsage();
  const spent = () => { const { user, system } = process.cpuUsage(start); return (user + system) / 1e6; };
  let runs = 0;
  while (spent() < Number(seconds)) {
    await run();
    runs += 1;
  }
  return runs / spent();
}

for (const name of names) {
  const asked = simulation(JSON.parse(readFileSync(`${name}.json`, "utf8")));
  const variants = { validated: () => runSimulation(asked, {}), unvalidated: () => runUnsafeSimulation(asked, {}) };
  for (const [variant, run] of Object.entries(variants)) {
    let result;
    try {
      result = await run();
    } catch {
      console.log(name, variant, "fails", 0);
      continue;
    }
    const decision = typeof result === "string" ? result : (result.overallResult ?? result.resultType);
    console.log(name, variant, decision, await time(run));
  }
}
