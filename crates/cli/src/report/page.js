'use strict';
(() => {
  const data = document.getElementById('chart').dataset;
  const first = Number(data.first), width = Number(data.width), steps = Number(data.steps);
  const form = document.getElementById('filters');
  const svg = document.querySelector('#chart svg');
  const number = new Intl.NumberFormat('en-US');
  const rows = [...document.querySelectorAll('tr[data-l]')].map((row) => ({
    row,
    level: Number(row.dataset.l),
    event: row.dataset.e,
    text: row.textContent.toLowerCase(),
    from: row.dataset.f === undefined ? null : Number(row.dataset.f),
    until: row.dataset.u === undefined ? null : Number(row.dataset.u),
    series: row.dataset.s ? row.dataset.s.split(',').map((step) => step.split(':').map(Number)) : null,
    count: row.querySelector('.count'),
    whole: row.querySelector('.count')?.textContent,
    isEvent: row.closest('section').id === 'events',
  }));
  const time = (value, otherwise) => (value ? Date.parse(value + 'Z') : otherwise);
  const isWhole = (filter) => filter.from === -Infinity && filter.until === Infinity;
  const read = () => ({
    level: Number(form.level.value),
    event: form.event.value.trim().toLowerCase(),
    text: form.text.value.trim().toLowerCase(),
    from: time(form.from.value, -Infinity),
    until: time(form.until.value, Infinity),
  });
  const isIn = (filter, step) => {
    const start = first + step * width;
    return start + width > filter.from && start < filter.until;
  };
  const matches = (filter, at) => {
    if (filter.level >= 0 && (at.level > 5 || at.level < filter.level)) return false;
    if (filter.event && !at.event.toLowerCase().includes(filter.event)) return false;
    if (filter.text && !at.text.includes(filter.text)) return false;
    if (isWhole(filter)) return true;
    if (at.series) return at.series.some(([step]) => isIn(filter, step));
    return at.from !== null && at.until >= filter.from && at.from < filter.until;
  };
  const draw = (sums) => {
    const totals = Array.from({ length: steps }, (_, step) => sums.reduce((sum, of) => sum + of[step], 0));
    const max = Math.max(1, ...totals);
    svg.replaceChildren();
    for (let step = 0; step < steps; step += 1) {
      let top = 200;
      for (let level = 0; level < 7; level += 1) {
        const height = (sums[level][step] / max) * 196;
        if (height === 0) continue;
        top -= height;
        const bar = document.createElementNS('http://www.w3.org/2000/svg', 'rect');
        const place = { x: (step * 1000) / steps, y: top, width: 900 / steps, height, class: 'b' + level };
        Object.entries(place).forEach(([key, value]) => bar.setAttribute(key, value));
        svg.append(bar);
      }
    }
    document.getElementById('highest').textContent = number.format(max);
  };
  const apply = () => {
    const filter = read();
    const sums = Array.from({ length: 7 }, () => new Array(steps).fill(0));
    const shown = new Map();
    let events = 0;
    for (const at of rows) {
      const fits = matches(filter, at);
      at.row.hidden = !fits;
      const section = at.row.closest('section');
      const seen = shown.get(section) ?? [0, 0];
      shown.set(section, [seen[0] + (fits ? 1 : 0), seen[1] + 1]);
      if (!fits || !at.count) continue;
      let count = 0;
      for (const [step, of] of at.series ?? []) {
        if (!isIn(filter, step)) continue;
        count += of;
        if (at.isEvent) sums[at.level][step] += of;
      }
      at.count.textContent = isWhole(filter) ? at.whole : number.format(count);
      if (at.isEvent) events += isWhole(filter) ? Number(at.count.dataset.n) : count;
    }
    for (const [section, [some, all]] of shown) {
      section.querySelector('.shown').textContent = some === all ? '' : `${some} of ${all} rows`;
    }
    document.getElementById('result').textContent = `${number.format(events)} events`;
    draw(sums);
  };
  form.addEventListener('input', apply);
  form.addEventListener('submit', (event) => event.preventDefault());
  form.addEventListener('reset', () => setTimeout(apply));
  form.hidden = false;
  apply();
})();
