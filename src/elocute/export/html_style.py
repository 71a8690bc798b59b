"""The style sheet of the HTML page."""

STYLE = """\
:root { color-scheme: light dark; --text: #1b1f24; --quiet: #57606a; --page: #ffffff; --line: #d0d7de;
  --good: #d9f2df; --good-text: #0b4a1d; --fair: #fdefc3; --fair-text: #5b4300;
  --weak: #fbdad6; --weak-text: #7a1109; --unknown: #eaeef2; }
@media (prefers-color-scheme: dark) {
  :root { --text: #e6edf3; --quiet: #9aa5b1; --page: #0d1117; --line: #30363d;
    --good: #12361f; --good-text: #a8e6b8; --fair: #3d3008; --fair-text: #f2d98b;
    --weak: #4a1713; --weak-text: #ffb9b1; --unknown: #21262d; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--text); font: 1rem/1.5 system-ui, sans-serif; }
main { max-width: 60rem; margin: 0 auto; padding: 1rem; overflow-wrap: anywhere; }
h1 { font-size: 1.4rem; line-height: 1.3; }
h2 { font-size: 1.1rem; }
.quiet, small { color: var(--quiet); font-size: .85rem; }
.warnings { border-left: .25rem solid var(--fair-text); padding-left: 1.5rem; }
.scores, .words, .phones { display: flex; flex-wrap: wrap; gap: .5rem; margin: 0; padding: 0; }
.words { list-style: none; }
.scores > div { flex: 1 1 6rem; padding: .5rem .75rem; border-radius: .5rem; }
.scores dd { margin: 0; font-size: 1.5rem; font-weight: 600; }
.word { padding: .5rem .75rem; border: 1px solid var(--line); border-radius: .5rem; }
.word b { padding: 0 .3rem; border-radius: .25rem; }
.mispronounced, .omitted { border-width: 2px; border-color: var(--weak-text); }
.omitted { border-style: dashed; }
.verdict { color: var(--weak-text); }
.phones { gap: .25rem; margin-top: .25rem; }
.phone { padding: .1rem .4rem; border-radius: .25rem; text-align: center; }
.phone small { display: block; color: inherit; font-size: .75rem; }
.pause { align-self: center; }
.good { background: var(--good); color: var(--good-text); }
.fair { background: var(--fair); color: var(--fair-text); }
.weak { background: var(--weak); color: var(--weak-text); font-weight: 700; }
.unknown { background: var(--unknown); }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-size: .9rem; }
th, td { padding: .25rem .75rem .25rem 0; text-align: left; border-bottom: 1px solid var(--line); }
td { font-variant-numeric: tabular-nums; }
summary { cursor: pointer; margin: 1rem 0 .5rem; font-weight: 600; }
@media print { .good, .fair, .weak, .unknown { print-color-adjust: exact; } }
"""
