/** What only the report's page has: findings, the table of results, answers under an example. */
export const reportStyle: string = `
.findings { list-style: none; margin: 28px 0 0; padding: 0; display: grid; gap: 10px; }
.findings li { display: grid; grid-template-columns: 26px 1fr; gap: 12px; padding: 14px 16px; border-radius: 12px; background: var(--card); border: 1px solid var(--line); }
.findings strong { display: block; font-size: 16px; }
.findings p { margin: 2px 0 0; color: var(--soft); font-variant-numeric: tabular-nums; max-width: 92ch; }
.badge { width: 26px; height: 26px; border-radius: 50%; display: grid; place-items: center; font-weight: 700; font-size: 14px; }
.yes .badge { background: var(--yes-soft); color: var(--yes); }
.no .badge { background: var(--no-soft); color: var(--no); }
.open .badge { background: var(--open-soft); color: var(--open); }
.results thead tr:first-child th { min-width: 84px; }
.results thead { border-bottom: 1px solid var(--line); }
.results .blindly th, .results .blindly td { padding-block: 1px; color: var(--soft); font-weight: 400; font-size: 12.5px; }
.results thead tr:last-child > * { padding-bottom: 8px; }
.results tbody { border-bottom: 1px solid var(--line); }
.results tbody:last-child { border-bottom: 0; }
.results tbody tr:last-child > * { padding-bottom: 12px; }
.results .subject th { padding: 12px 10px 2px; font-size: 14.5px; }
.results .subject span { position: sticky; left: 10px; }
.results .subject small { display: inline; margin-left: 6px; }
.results th[scope=row] { position: sticky; left: 0; background: var(--card); z-index: 1; }
.results tbody th[scope=row] { font-weight: 400; color: var(--soft); font-size: 12.5px; padding-top: 8px; }
.results b { font-weight: 500; }
.results .best b { font-weight: 800; }
.results .sensitivity > * , .results .sensitivity th[scope=row] { background: var(--faint); }
.firm b { color: var(--v0); font-weight: 700; }
.unsure b { color: var(--soft); font-weight: 500; }
.comparisons tr + tr, .answers tr + tr { border-top: 1px solid var(--line); }
.example { background: var(--card); border: 1px solid var(--line); border-radius: 12px; padding: 18px 20px; margin-top: 14px; }
.question { font-size: 17px; font-weight: 600; margin: 0 0 4px; }
.options { display: flex; flex-wrap: wrap; gap: 2px 30px; margin: 0 0 8px; padding-left: 20px; font-size: 14px; }
.chip { display: inline-block; border: 1px solid var(--line); background: var(--faint); border-radius: 99px; padding: 0 9px; font-size: 12px; color: var(--ink); }
.chip.paper { background: var(--yes-soft); color: var(--yes); border-color: transparent; }
.chip.reconstructed { background: var(--open-soft); color: var(--open); border-color: transparent; }
.answers { width: auto; min-width: min(100%, 460px); }
.answers th, .answers td { text-align: left; white-space: normal; }
.answers tbody th { font-weight: 500; }
.answers thead th { font-size: 12.5px; color: var(--soft); font-weight: 400; }
.right { color: var(--yes); font-weight: 700; } .wrong { color: var(--no); font-weight: 700; }
#provenance table :is(th, td) { text-align: left; }
.tally { list-style: none; margin: 0 0 6px; padding: 0; display: flex; flex-wrap: wrap; gap: 4px 22px; font-size: 14px; }
.kind { margin: 0 0 6px; font-size: 13px; color: var(--soft); }
.kind b { color: var(--open); margin-right: 4px; font-variant-numeric: tabular-nums; }
.kind.kept b { color: var(--yes); } .kind.missed b { color: var(--no); }
.tally .kind { font-size: 14px; }
.metrics tbody tr + tr { border-top: 1px solid var(--line); }
.metrics b { font-weight: 500; }
.chip.run { background: var(--faint); color: var(--v0); border-color: var(--v0); }
@media (max-width: 640px) {
  .results .blindly th { white-space: normal; min-width: 84px; }
  .findings li { grid-template-columns: 1fr; gap: 6px; }
}
@media print { .findings li { break-inside: avoid; } }
`;
