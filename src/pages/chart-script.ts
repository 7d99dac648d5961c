/** Runs in the page: the cross-hair of line charts, by pointer and by arrow keys. Reads only what the page holds. */
export const chartScript: string = `
for (const figure of document.querySelectorAll("figure[data-chart]")) {
  const data = JSON.parse(figure.dataset.chart);
  const svg = figure.querySelector("svg");
  const tip = figure.querySelector(".tip");
  const cursor = figure.querySelector(".cursor");
  const longest = data.series.reduce((a, b) => (b.points.length > a.points.length ? b : a)).points;
  let at = longest.length - 1;
  const show = (x) => {
    const near = (points) => points.reduce((a, b) => (Math.abs(b[0] - x) < Math.abs(a[0] - x) ? b : a));
    const here = near(longest);
    at = longest.indexOf(here);
    cursor.setAttribute("visibility", "visible");
    const line = cursor.querySelector("line");
    line.setAttribute("x1", here[0]);
    line.setAttribute("x2", here[0]);
    cursor.querySelectorAll("circle").forEach((dot) => dot.remove());
    tip.replaceChildren();
    const head = document.createElement("b");
    head.textContent = data.xLabel + " " + here[2];
    tip.append(head);
    data.series.forEach((series, i) => {
      const point = near(series.points);
      if (Math.abs(point[0] - here[0]) > 12) return;
      const dot = document.createElementNS("http://www.w3.org/2000/svg", "circle");
      dot.setAttribute("class", "end s" + (i % 6));
      dot.setAttribute("cx", point[0]);
      dot.setAttribute("cy", point[1]);
      dot.setAttribute("r", 4);
      cursor.append(dot);
      const row = document.createElement("span");
      const swatch = document.createElement("i");
      swatch.className = "swatch s" + (i % 6);
      const value = document.createElement("strong");
      value.textContent = point[3];
      row.append(swatch, " " + series.name + " ", value);
      tip.append(row);
    });
    tip.hidden = false;
    const share = here[0] / data.width;
    tip.style.left = share * 100 + "%";
    tip.style.transform = share > 0.55 ? "translateX(calc(-100% - 10px))" : "translateX(10px)";
  };
  const hide = () => {
    tip.hidden = true;
    cursor.setAttribute("visibility", "hidden");
  };
  svg.addEventListener("pointermove", (event) => {
    const box = svg.getBoundingClientRect();
    show(((event.clientX - box.left) / box.width) * data.width);
  });
  svg.addEventListener("pointerleave", hide);
  svg.addEventListener("blur", hide);
  svg.addEventListener("focus", () => { if (svg.matches(":focus-visible")) show(longest[at][0]); });
  svg.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    at = Math.min(longest.length - 1, Math.max(0, at + step));
    show(longest[at][0]);
  });
}
`;
