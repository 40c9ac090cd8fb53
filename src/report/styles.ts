// How a report looks, on light and dark screens, wide and narrow. Knows class names alone. The colours of series are those
// of Okabe and Ito (2008), made darker or lighter until each stands out from the ground by 3 to 1 at least.

export const styles = `
:root { --ground: #fbfbf9; --text: #1d2321; --soft: #5c6763; --line: #dcdfdb; --panel: #f1f2ee; --link: #075985;
  --series-1: #0072b2; --series-2: #c24e00; --series-3: #00785a; --series-4: #a8498a;
  --series-5: #8a6500; --series-6: #2b2b2b; --series-7: #17849a; --series-8: #7a4fbf; --level: #7d7d7d;
  --shade: rgb(0 0 0 / .24); --column: 48rem; }
@media (prefers-color-scheme: dark) {
  :root { --ground: #151918; --text: #e6e9e7; --soft: #9aa5a0; --line: #303735; --panel: #1d2221; --link: #8cc8f2;
    --series-1: #56b4e9; --series-2: #f0854a; --series-3: #2fbf94; --series-4: #e091c2;
    --series-5: #e6b800; --series-6: #d6dad8; --series-7: #5fd0e0; --series-8: #b79cf0; --level: #858585;
    --shade: rgb(255 255 255 / .32); }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--text); font: 16px/1.5 system-ui, sans-serif; }
main { width: fit-content; min-width: min(100%, 50rem); max-width: 100%; margin: 0 auto; padding: 1.5rem 1rem 3rem; overflow-wrap: anywhere; }
p, h1, h2, h3, pre, summary, dl, ul, footer, .facts, .wide, .narrow, figcaption { max-width: var(--column); }
h1 { font-size: 1.6rem; line-height: 1.2; margin: 0 0 .25rem; }
h2 { font-size: 1.2rem; margin: 2.25rem 0 .5rem; }
h3, caption { font-size: 1rem; font-weight: 600; margin: 0; padding: 0; text-align: left; }
p { margin: .25rem 0; }
.note, figcaption, footer { color: var(--soft); }
.note, figcaption { font-size: .9rem; }
figcaption { margin-top: .35rem; }
h1 + .note, h1 + .note ~ .note { font-size: 1rem; }
.told { display: inline-block; margin-right: .4rem; }
.told strong { font-weight: 600; }
.tiles { display: grid; grid-template-columns: repeat(auto-fill, minmax(9rem, 1fr)); gap: .5rem; margin: 1.25rem 0 0; }
.tiles div { background: var(--panel); border-radius: .4rem; padding: .5rem .7rem; }
dt { color: var(--soft); font-size: .8rem; }
dd { margin: 0; font-size: 1.1rem; font-variant-numeric: tabular-nums; }
.verdicts { list-style: none; margin: 1rem 0 0; padding: .6rem .8rem; background: var(--panel); border-radius: .4rem; }
.verdicts li { margin: .2rem 0; }
.mark { display: inline-block; padding: 0 .35rem; border: 1px solid; border-radius: .3rem; font-size: .8rem; line-height: 1.3; }
.mark.win, .mark.best { color: var(--series-1); }
.mark.tie { color: var(--series-3); }
.mark.undecided { color: var(--soft); border-style: dashed; }
figure { margin: 1.25rem 0 2rem; }
.legend > span { display: inline-block; margin-right: 1rem; font-size: .9rem; }
.key { display: inline-block; margin-right: .4rem; }
.key svg { display: inline-block; width: 28px; height: 14px; vertical-align: middle; }
.narrow { display: none; }
@media (max-width: 50rem) { .wide { display: none; } .narrow { display: block; } }
svg, img { display: block; max-width: 100%; height: auto; overflow: hidden; }
.narrow svg { margin: 0 auto; }
.scroll img { max-width: max(100%, 28rem); }
summary { cursor: pointer; margin: .25rem 0; }
pre { background: var(--panel); border-radius: .4rem; padding: .8rem; white-space: pre-wrap; overflow-wrap: anywhere; font-size: .85rem; }
.table { margin: 1.25rem 0; }
.scroll { overflow-x: auto; background:
  linear-gradient(to left, var(--ground) 1.25rem, transparent) right / 2.5rem 100% no-repeat local,
  linear-gradient(to left, var(--shade), transparent) right top / 1rem calc(100% - 1px) no-repeat scroll; }
table { border-collapse: collapse; font-size: .9rem; overflow-wrap: normal; }
.sortable { min-width: min(100%, var(--column)); }
.title { display: inline-block; position: sticky; left: 0; max-width: min(100vw - 2rem, var(--column)); }
th, td { text-align: left; vertical-align: top; padding: .3rem .7rem .3rem 0; border-bottom: 1px solid var(--line); font-weight: normal; }
tbody th { min-width: 8.5rem; max-width: 16rem; overflow-wrap: anywhere; }
td { font-variant-numeric: tabular-nums; }
.number { text-align: right; white-space: nowrap; }
.interval { display: block; color: var(--soft); font-size: .85em; }
td .mark { margin-left: .3rem; }
thead button, .words { display: inline-block; width: max-content; max-width: 12rem; overflow-wrap: break-word; }
thead button { font: inherit; color: inherit; background: none; border: 0; padding: 0; cursor: pointer; text-align: inherit; }
thead th { color: var(--soft); vertical-align: bottom; }
thead .number { white-space: normal; }
[aria-sort="descending"] button::after { content: " ▼"; }
[aria-sort="ascending"] button::after { content: " ▲"; }
@media (min-width: 50rem) { .words { max-width: 20rem; } }
@media (max-width: 50rem) { .scroll th[scope="row"] { max-width: 9rem; } }
.scroll tr > :first-child { position: sticky; left: 0; background: var(--ground); }
.facts { width: 100%; }
.facts th { color: var(--soft); width: 40%; }
.facts td { overflow-wrap: anywhere; }
a { color: var(--link); }
footer { margin-top: 2rem; font-size: .85rem; }
@media print {
  .scroll { overflow: visible; background: none; }
  .scroll img { max-width: 100%; }
  .scroll tr > :first-child, .title { position: static; }
  .sortable { min-width: 0; width: 100%; font-size: .65rem; }
  .sortable th, .sortable td { padding-right: .3rem; white-space: normal; }
  tbody th, .scroll th[scope="row"] { min-width: 0; }
  thead button, .words { width: auto; max-width: none; overflow-wrap: anywhere; }
}
`;
