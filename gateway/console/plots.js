// Small plots of the last minutes.

import { clockAt, make } from "./dom.js";

const longest = 5 * 60_000; // what a plot shows
const shortest = 60_000;
const gap = 3_500; // longer without a sample, and the line is broken
const width = 1000;
const height = 100;
const svgns = "http://www.w3.org/2000/svg";

/**
 * Plot is a figure of one or two quantities over time. series: [{ label, of(sample) }]; format makes text of a number;
 * floor is how far the scale goes at least.
 */
export class Plot {
  #samples;
  #series;
  #format;
  #floor;
  #cursor; // the time under the pointer

  constructor(title, samples, series, format, floor) {
    [this.#samples, this.#series, this.#format, this.#floor] = [samples, series, format, floor];
    this.now = make("span", { className: "now" });
    this.when = make("span", { className: "when" });
    this.top = make("span", { className: "top" });
    this.svg = draw("svg", { viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: "none", "aria-hidden": "true" });
    this.began = make("span");
    const chart = make("div", { className: "chart" }, this.top, this.svg);
    this.element = make("figure", { className: "plot" },
      make("figcaption", {}, make("h2", { textContent: title }), this.when, this.now),
      chart,
      make("div", { className: "span" }, this.began, make("span", { textContent: "now" })));
    this.#prepare();
    chart.addEventListener("pointermove", (event) => {
      const box = chart.getBoundingClientRect();
      this.#cursor = (event.clientX - box.left) / box.width;
      this.draw();
    });
    chart.addEventListener("pointerleave", () => {
      this.#cursor = undefined;
      this.draw();
    });
  }

  #prepare() {
    this.svg.append(draw("line", { class: "grid", x1: 0, x2: width, y1: height / 2, y2: height / 2 }));
    this.cursor = draw("line", { class: "cursor", y1: 0, y2: height });
    this.rows = this.#series.map(({ label }, i) => {
      const colour = i === 0 ? "first" : "second";
      const row = {
        value: make("span", { className: "value" }),
        area: draw("path", { class: `${colour} area` }),
        line: draw("path", { class: colour }),
      };
      const series = make("span", { className: `series ${colour}`, textContent: label });
      this.now.append(make("span", {}, row.value, " ", series));
      this.svg.append(row.area, row.line);
      return row;
    });
    this.svg.append(this.cursor);
  }

  /** Draws what the samples are now. */
  draw() {
    const last = this.#samples.at(-1);
    if (!last) return;
    const end = last.time;
    const span = this.#span();
    this.began.textContent = span < 2 * 60_000 ? `${span / 1000} seconds ago` : `${span / 60_000} minutes ago`;
    const max = nice(Math.max(this.#floor, ...this.#series.flatMap(({ of }) => this.#samples.map(of))));
    this.top.textContent = this.#format(max);
    const at = this.#pointed(end, span) ?? last;
    this.when.textContent = at === last ? "" : clockAt(at.time);
    this.cursor.style.display = at === last ? "none" : "";
    const x = (time) => round(width * (1 - (end - time) / span));
    this.cursor.setAttribute("x1", x(at.time));
    this.cursor.setAttribute("x2", x(at.time));
    this.#series.forEach(({ of }, i) => {
      const y = (sample) => round(height * (1 - of(sample) / max));
      const lines = this.#runs().map((run) => run.map((sample) => `${x(sample.time)},${y(sample)}`));
      const line = (points) => `M${points.join("L")}${points.length === 1 ? "h1" : ""}`;
      const area = (points) => `M${points[0].split(",")[0]},${height}L${points.join("L")}V${height}Z`;
      this.rows[i].value.textContent = this.#format(of(at));
      this.rows[i].line.setAttribute("d", lines.map(line).join(""));
      this.rows[i].area.setAttribute("d", lines.map(area).join(""));
    });
  }

  /** How much time there is on the plot. */
  #span() {
    const known = this.#samples.at(-1).time - this.#samples[0].time;
    return [shortest, 2 * 60_000, longest].find((span) => known <= span) ?? longest;
  }

  /** The sample nearest to the pointer. */
  #pointed(end, span) {
    if (this.#cursor === undefined) return undefined;
    const time = end - (1 - this.#cursor) * span;
    let nearest;
    for (const sample of this.#samples) {
      if (!nearest || Math.abs(sample.time - time) < Math.abs(nearest.time - time)) nearest = sample;
    }
    return Math.abs(nearest.time - time) < gap ? nearest : undefined;
  }

  /** The samples, parted where some are missing. */
  #runs() {
    const runs = [];
    let before = -Infinity;
    for (const sample of this.#samples) {
      if (sample.time - before > gap) runs.push([]);
      runs.at(-1).push(sample);
      before = sample.time;
    }
    return runs;
  }
}

/** Forgets the samples that are too old to be drawn. */
export function trim(samples) {
  while (samples.length > 0 && samples.at(-1).time - samples[0].time > longest) samples.shift();
}

function draw(tag, attributes) {
  const element = document.createElementNS(svgns, tag);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  return element;
}

const round = (x) => Math.round(x * 10) / 10;

/** The next number of 1, 2 or 5 times a power of ten. */
function nice(x) {
  const power = 10 ** Math.floor(Math.log10(x));
  return [1, 2, 5, 10].find((step) => step * power >= x) * power;
}
