// How a report looks, on light and dark screens, wide and narrow. Knows class names alone.

export const styles = `
:root { --ground: #fbfbf9; --text: #1d2321; --soft: #5c6763; --line: #dcdfdb; --panel: #f1f2ee;
  --training: #9aa8a3; --validation: #0b6e5a; --optimum: #b4531a; }
@media (prefers-color-scheme: dark) {
  :root { --ground: #151918; --text: #e6e9e7; --soft: #9aa5a0; --line: #303735; --panel: #1d2221;
    --training: #6f7c78; --validation: #4cc2a4; --optimum: #eb9256; }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--text); font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 50rem; margin: 0 auto; padding: 1.5rem 1rem 3rem; }
h1 { font-size: 1.6rem; line-height: 1.2; margin: 0 0 .25rem; overflow-wrap: anywhere; }
h2 { font-size: 1.1rem; margin: 2rem 0 .5rem; }
p { margin: .25rem 0; }
.note, footer { color: var(--soft); }
.figures { display: grid; grid-template-columns: repeat(auto-fill, minmax(9rem, 1fr)); gap: .5rem; margin: 1.25rem 0 0; }
.figures div { background: var(--panel); border-radius: .4rem; padding: .5rem .7rem; }
dt { color: var(--soft); font-size: .8rem; }
dd { margin: 0; font-size: 1.1rem; font-variant-numeric: tabular-nums; }
.legend > span { display: inline-block; margin-right: 1rem; font-size: .9rem; }
.key { display: inline-block; width: 1.2rem; vertical-align: middle; margin-right: .4rem; border-top: 3px solid; }
.key.training { color: var(--training); }
.key.validation { color: var(--validation); }
.key.optimum { color: var(--optimum); border-top-style: dashed; }
.narrow { display: none; }
@media (max-width: 46rem) { .wide { display: none; } .narrow { display: block; } }
svg { max-width: 100%; height: auto; overflow: visible; }
pre { background: var(--panel); border-radius: .4rem; padding: .8rem; white-space: pre-wrap; overflow-wrap: anywhere; font-size: .85rem; }
table { border-collapse: collapse; width: 100%; font-size: .9rem; }
th, td { text-align: left; vertical-align: top; padding: .3rem .5rem .3rem 0; border-bottom: 1px solid var(--line); font-weight: normal; }
th { color: var(--soft); width: 40%; }
td { font-variant-numeric: tabular-nums; overflow-wrap: anywhere; }
footer { margin-top: 2rem; font-size: .85rem; }
code { overflow-wrap: anywhere; }
`;
