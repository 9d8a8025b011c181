// Opens a page in a browser without a window, uses its filters, and prints what it shows as JSON.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const [browser, page] = process.argv.slice(2);
const profile = mkdtempSync(join(tmpdir(), 'ringseal-browser-'));
const child = spawn(browser, ['--headless', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage',
  '--remote-debugging-pipe', `--user-data-dir=${profile}`, 'about:blank'],
{ stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'] });
const end = (code) => {
  child.on('exit', () => {
    rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
    process.exit(code);
  });
  child.kill();
};
setTimeout(() => { console.error('the browser took longer than 60 s'); end(1); }, 60_000).unref();

const waiting = new Map();
const problems = [];
const requests = [];
let isInjecting = false;
let loaded;
const load = new Promise((resolve) => { loaded = resolve; });
const receive = (message) => {
  if (message.id) return waiting.get(message.id)(message);
  const { method, params } = message;
  if (method === 'Page.loadEventFired') loaded();
  if (method === 'Runtime.exceptionThrown') problems.push(params.exceptionDetails.text);
  if (method === 'Runtime.consoleAPICalled') problems.push(params.type);
  if (method === 'Log.entryAdded' && !isInjecting) problems.push(params.entry.text);
  if (method === 'Network.requestWillBeSent') {
    const { url } = params.request;
    if (!url.startsWith('data:') && url !== `file://${page}`) requests.push(url);
  }
};
let rest = '';
child.stdio[4].setEncoding('utf8').on('data', (data) => {
  const parts = (rest + data).split('\0');
  rest = parts.pop();
  parts.forEach((part) => receive(JSON.parse(part)));
});
let next = 0;
let sessionId;
const send = (method, params = {}) => new Promise((resolve) => {
  next += 1;
  waiting.set(next, (message) => resolve(message.result ?? message.error));
  child.stdio[3].write(`${JSON.stringify({ id: next, method, params, sessionId })}\0`);
});
const evaluate = async (expression) => {
  const result = await send('Runtime.evaluate', { expression, awaitPromise: true, returnByValue: true });
  if (result.exceptionDetails) problems.push(result.exceptionDetails.exception?.description ?? 'exception');
  return result.result?.value;
};
const { targetInfos } = await send('Target.getTargets');
const { targetId } = targetInfos.find((target) => target.type === 'page');
({ sessionId } = await send('Target.attachToTarget', { targetId, flatten: true }));
for (const domain of ['Page', 'Runtime', 'Log', 'Network']) await send(`${domain}.enable`);
await send('Page.navigate', { url: `file://${page}` });
await load;

const result = 'document.getElementById("result").textContent';
const bars = 'document.querySelectorAll("#chart rect").length';
const set = (name, value) => evaluate(`{
  const field = document.getElementById('filters').elements['${name}'];
  field.value = ${JSON.stringify(value)};
  field.dispatchEvent(new Event('input', { bubbles: true }));
}`);
const reset = () => evaluate(`new Promise((resolve) => {
  document.querySelector('#filters button').click();
  setTimeout(resolve, 0);
})`);
const seen = { all: await evaluate(result), bars_all: await evaluate(bars) };
await set('level', '4');
Object.assign(seen, { errors: await evaluate(result), bars_errors: await evaluate(bars) });
await reset();
await set('event', 'order_');
seen.event = await evaluate(result);
await reset();
await set('text', 'onerror');
seen.text = await evaluate(result);
await reset();
await set('from', '2026-11-22T15:05:00');
await set('until', '2026-11-22T15:05:10');
seen.range = await evaluate(result);
await reset();
seen.reset = await evaluate(result);
seen.title = await evaluate('document.title');
seen.requests = [...requests];
isInjecting = true;
seen.injected = await evaluate(`new Promise((resolve) => {
  const script = document.createElement('script');
  script.textContent = 'window.isOwned = true';
  document.body.append(script);
  fetch('http://127.0.0.1:9/').then(() => resolve('fetched'),
    () => resolve(window.isOwned ? 'ran' : 'blocked'));
})`);
seen.problems = problems;
console.log(JSON.stringify(seen));
end(0);
