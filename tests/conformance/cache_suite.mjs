// Runs the public HTTP cache suite against one address and prints, as JSON, what came of each test.
//
//   node cache_suite.mjs BASE_URL [TEST...]      with tests named, only those, and their traffic on standard error
import fetch from 'node-fetch'
import { getResults, runTests } from 'http-cache-tests/client/runner.mjs'
import suites from 'http-cache-tests/tests/index.mjs'
import surrogate from 'http-cache-tests/tests/surrogate-control.mjs'

const [base, ...only] = process.argv.slice(2)
suites.push(surrogate)
const wanted = (test) => !test.browser_only && (only.length === 0 || only.includes(test.id))
const chosen = suites.map((suite) => ({ ...suite, tests: suite.tests.filter(wanted) }))

// Standard output is the answer; what the suite prints goes beside it.
console.log = console.error
if (only.length > 0) {
  for (const suite of chosen) for (const test of suite.tests) test.dump = true
}
await runTests(chosen, fetch, false, base)

const results = getResults()
const told = chosen.flatMap((suite) => suite.tests.map((test) => ({
  id: test.id,
  suite: suite.id,
  kind: test.kind ?? 'required',
  name: test.name,
  depends_on: test.depends_on ?? [],
  // true, or [the class of the failure, what was wrong]
  result: results[test.id] ?? ['Harness', 'it did not run']
})))
process.stdout.write(JSON.stringify(told))
