/** How the page looks, light and dark, on a screen and on paper. */
export const style = `
:root { color-scheme: light dark; --paper: light-dark(#fbfbf9, #14171b); --card: light-dark(#fff, #1c2026); --ink: light-dark(#1b1f24, #e4e6e9);
  --soft: light-dark(#5b636d, #9aa3ad); --line: light-dark(#d9dcd8, #343a42); --good: light-dark(#1a7f4b, #4cc38a); --bad: light-dark(#b3261e, #ff8a80);
  --warn: light-dark(#8a5a00, #f0b04c); --blue: light-dark(#1f5fa8, #7db4f0); --violet: light-dark(#6b3fa0, #c3a1f0); --pick: light-dark(#e6eefb, #26364d);
  --signed: light-dark(#dcf3e5, #173a29); --claimed: light-dark(#fbeecb, #43350f); --sealed: light-dark(#ece2fa, #33254b); }
:root[data-theme=light] { color-scheme: light; } :root[data-theme=dark] { color-scheme: dark; }
* { box-sizing: border-box; } html, body { height: 100%; margin: 0; }
body { display: flex; flex-direction: column; background: var(--paper); color: var(--ink); font: 14px/1.45 system-ui, sans-serif; }
header, .tools { display: flex; flex-wrap: wrap; gap: .5rem .75rem; align-items: center; padding: .6rem 1rem; border-bottom: 1px solid var(--line); }
h1 { font-size: 1.05rem; margin: 0 auto 0 0; } h2 { font-size: .95rem; margin: 1rem 0 .35rem; }
button, input, select { font: inherit; color: inherit; background: var(--card); border: 1px solid var(--line); border-radius: 6px; padding: .25rem .6rem; }
button { cursor: pointer; } button[aria-pressed=true] { background: var(--pick); border-color: var(--blue); }
:focus-visible { outline: 2px solid var(--blue); outline-offset: 1px; }
input[type=search] { flex: 1 1 14rem; min-width: 10rem; }
.badge { border-radius: 99px; padding: .1rem .6rem; border: 1px solid currentColor; font-weight: 600; }
.sound { color: var(--good); } .unsound { color: var(--bad); } .unchecked, .note { color: var(--warn); }
.cards { display: flex; gap: .75rem; overflow-x: auto; padding: .75rem 1rem; flex: none; }
.card { flex: 0 0 auto; min-width: 19rem; text-align: left; border-radius: 8px; padding: .6rem .8rem; display: grid; gap: .15rem; }
.card b { font-family: ui-monospace, monospace; font-weight: 600; overflow-wrap: anywhere; } .card span { color: var(--soft); }
.growth { padding: 0 1rem .5rem; flex: none; } .growth canvas { width: 100%; height: 150px; display: block; background: var(--card); border: 1px solid var(--line); border-radius: 8px; }
.growth p { margin: .25rem 0 0; color: var(--soft); font-size: .85em; }
main { flex: 1; min-height: 16rem; display: grid; grid-template-columns: minmax(24rem, 3fr) minmax(18rem, 2fr); border-top: 1px solid var(--line); }
.lanes { position: relative; overflow: auto; } .ends { position: sticky; top: 0; z-index: 2; display: grid; grid-template-columns: 7.5rem 1fr 1fr; background: var(--paper); border-bottom: 1px solid var(--line); font-weight: 600; padding: .2rem 0; }
.ends span:last-child { text-align: right; padding-right: 1.2rem; }
.rows { position: relative; }
.row { position: absolute; left: 0; right: 0; height: 28px; display: grid; grid-template-columns: 7.5rem 1fr; align-items: center; cursor: pointer; }
.row > time { color: var(--soft); font: 12px ui-monospace, monospace; padding-left: .6rem; }
.row[aria-selected=true] { background: var(--pick); }
.way { position: relative; height: 100%; margin: 0 1.2rem 0 0; border: solid var(--line); border-width: 0 2px; }
.arrow { position: absolute; top: 20px; left: 0; right: 0; border-top: 2px solid var(--blue); color: var(--blue); }
.arrow::after { content: ''; position: absolute; top: -6px; border: 5px solid transparent; }
.right .arrow::after { right: 0; border-left: 7px solid; border-right: 0; } .left .arrow::after { left: 0; border-right: 7px solid; border-left: 0; }
.again .arrow { border-top-style: dashed; color: var(--warn); border-color: var(--warn); }
.control .arrow { color: var(--violet); border-color: var(--violet); } .ack .arrow { color: var(--good); border-color: var(--good); }
.lost .arrow, .unanswered .arrow, .refused .arrow, .fault .arrow { color: var(--bad); border-color: var(--bad); }
.right.lost .arrow { right: 45%; } .left.lost .arrow { left: 45%; } .extra .arrow { border-top-style: dotted; color: var(--warn); border-color: var(--warn); }
.lost .arrow::after { content: '✕'; border: 0; top: -12px; font: 700 14px/20px system-ui; } .right.lost .arrow::after { right: -8px; border: 0; } .left.lost .arrow::after { left: -8px; border: 0; }
.label { position: absolute; left: 50%; top: 1px; transform: translateX(-50%); max-width: 92%; white-space: nowrap; overflow: hidden; text-overflow: ellipsis; font-size: 12px; line-height: 17px; }
.label i { font-style: normal; color: var(--soft); } .label em { font-style: normal; color: var(--bad); font-weight: 600; }
.detail { border-left: 1px solid var(--line); overflow: auto; padding: .5rem 1rem 2rem; background: var(--card); }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .15rem .8rem; margin: 0; } dt { color: var(--soft); } dd { margin: 0; overflow-wrap: anywhere; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; font: 12px/1.5 ui-monospace, monospace; margin: .4rem 0; } ul { margin: .2rem 0; padding-left: 1.2rem; }
mark { color: inherit; background: none; border-radius: 3px; } mark.holds { background: var(--signed); } mark.claims { background: var(--claimed); } mark.sealed { background: var(--sealed); }
.legend mark { padding: 0 .4rem; } .tag { color: var(--blue); } .hint { color: var(--soft); }
dialog { background: var(--card); color: var(--ink); border: 1px solid var(--line); border-radius: 10px; max-width: 34rem; } kbd { border: 1px solid var(--line); border-radius: 4px; padding: 0 .35rem; font: 12px ui-monospace, monospace; }
@media (max-width: 60rem) { main { grid-template-columns: 1fr; grid-template-rows: minmax(14rem, 1fr) minmax(12rem, 1fr); } .detail { border-left: 0; border-top: 1px solid var(--line); } }
@media print { html, body { height: auto; } body { display: block; background: #fff; color: #000; } .tools, header button, .hint { display: none; }
  main { display: block; } .lanes { overflow: visible; } .cards { flex-wrap: wrap; } .detail { border: 0; break-before: page; } .row { break-inside: avoid; } }
`;
