/**
 * A report as one HTML page that needs nothing else: the model as JSON, the styles, and the source text of the functions in `view/`.
 * Everything of the model becomes text nodes in the browser, so no markup is ever made of it; a content security policy with the
 * digests of script and styles says the same to the browser.
 */
import { hash } from 'node:crypto';
import type { ReportModel } from './model.ts';
import { style } from './style.ts';
import { app } from './view/app.ts';
import { growth } from './view/growth.ts';
import { lanes } from './view/lanes.ts';
import { message } from './view/message.ts';

const script = `(${app})(document, { lanes: ${lanes}, growth: ${growth}, message: ${message} });`;

const body = `<header><h1 id="title"></h1><span class="badge" id="verdict"></span>
<button id="theme" title="t">light / dark</button><button id="print">print</button><button id="keys" title="?">keys</button></header>
<div class="cards" id="cards" aria-label="Sequences"></div>
<div class="growth" id="growing"><canvas id="growth" role="img" aria-label="Messages and acknowledgements over time"></canvas>
<p>Each dot a transmission at its number: first, again (amber), lost (red); green: acknowledged by then.</p></div>
<div class="tools"><input type="search" id="search" placeholder="search: words of a message, an action, an id, a number" aria-label="Search">
<select id="kind" aria-label="Filter"><option value="all">everything</option><option value="application">messages of the application</option>
<option value="trouble">trouble</option><option value="again">sent again</option><option value="acknowledgements">acknowledgements</option>
<option value="control">opening, closing, contexts</option></select><span id="count" role="status"></span></div>
<main><section class="lanes" id="lanes" tabindex="0" role="listbox" aria-label="Transmissions"><div class="ends"><span></span><span id="left"></span><span id="right"></span></div>
<div class="rows" id="rows" role="presentation"></div></section><aside class="detail" id="detail" aria-label="Message"></aside></main>
<footer class="tools"><span class="hint" id="made"></span><ul id="remarks"></ul></footer>
<dialog id="help"><h2>Keys</h2><p><kbd>j</kbd> <kbd>k</kbd> or the arrows: next and previous · <kbd>n</kbd> <kbd>p</kbd>: next and previous trouble ·
<kbd>/</kbd>: search · <kbd>t</kbd>: light or dark · <kbd>?</kbd>: this</p><form method="dialog"><button>Close</button></form></dialog>`;

const digest = (text: string): string => `'sha256-${hash('sha256', text, 'base64')}'`;

/** The whole page. */
export function pageOf(model: ReportModel): string {
  // Inside a script element only "<" could end it.
  const data = JSON.stringify(model).replaceAll('<', '\\u003c');
  const policy = `default-src 'none'; script-src ${digest(script)}; style-src ${digest(style)}; base-uri 'none'; form-action 'none'`;
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1"><title>surewire report</title><style>${style}</style></head>
<body>${body}
<script type="application/json" id="report">${data}</script>
<script>${script}</script></body></html>
`;
}
