// What a play is made of: steps that are green or red, and what must be so in them.

let failed = 0;

export async function step(what, play) {
  const begun = Date.now();
  try {
    await play();
    console.log(`green ${what} ${((Date.now() - begun) / 1000).toFixed(1)} s`);
  } catch (error) {
    failed++;
    console.log(`RED   ${what}\n      ${error.stack?.replaceAll('\n', '\n      ')}`);
  }
}

export function expect(truth, what, detail) {
  if (!truth) throw new Error(`not so: ${what}: ${JSON.stringify(detail)}`);
}

/** Ends the process with what came of all steps. */
export function end() {
  console.log(failed ? `${failed} red` : 'all green');
  process.exit(failed ? 1 : 0);
}
