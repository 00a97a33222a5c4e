#!/usr/bin/env node
// Starts the program that the package of this platform holds, with the same words, streams and signals.
'use strict';

const { spawn } = require('node:child_process');
const { constants } = require('node:os');

const platform = `${process.platform}-${process.arch}`;
let program;
try {
  program = require.resolve(`@portolan-mcp/portolan-${platform}/bin/portolan`);
} catch {
  console.error(
    `portolan: there is no package for ${platform}, or npm was told to leave optional packages out. ` +
      'Install without --omit=optional, or see https://github.com/portolan-mcp/portolan for other ways.'
  );
  process.exit(1);
}

const child = spawn(program, process.argv.slice(2), { stdio: 'inherit' });
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  // A terminal tells both; whoever tells only this process means the program.
  process.on(signal, () => child.kill(signal));
}
child.on('error', (error) => {
  console.error(`portolan: ${program} does not start: ${error.message}`);
  process.exit(1);
});
child.on('exit', (code, signal) => process.exit(signal ? 128 + constants.signals[signal] : code));
