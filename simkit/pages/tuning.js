"use strict";
// Draws the charts of a tuning page from its data. Texts in the data may be other people's:
// plotly reads labels as a little HTML, so that every one goes through plain() first.
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const narrow = matchMedia("(max-width: 600px)");
  // Okabe and Ito's colours, told apart by the colour-blind; patterns tell them apart in print.
  const LIGHT = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#b8860b", "#56b4e9", "#777777"];
  const DARK = ["#56b4e9", "#e69f00", "#2fc79a", "#e29fc4", "#f0e442", "#4a90d9", "#aaaaaa"];
  const PATTERNS = ["", "/", "x", "-", "+", "\\", "."];
  const CONFIG = { displaylogo: false, displayModeBar: false, responsive: true };

  const ENTITIES = { "&": "&amp;", "<": "&lt;", ">": "&gt;" };
  const plain = (text) => text.replace(/[&<>]/g, (character) => ENTITIES[character]);
  const short = (text, most) => plain(text.length > most ? `${text.slice(0, most - 1)}…` : text);

  let printing = false;

  function look() {
    const isDark = dark.matches && !printing;
    const style = getComputedStyle(document.documentElement);
    const variable = (name) => style.getPropertyValue(name).trim();
    return {
      colors: isDark ? DARK : LIGHT,
      ink: printing ? "#000000" : variable("--ink"),
      dim: printing ? "#444444" : variable("--dim"),
      grid: printing ? "#dddddd" : variable("--grid"),
      panel: printing ? "#ffffff" : variable("--panel"),
      narrow: narrow.matches,
    };
  }

  const axis = (now, title, more = {}) => ({
    title: { text: title, standoff: 8, font: { size: 12 } }, gridcolor: now.grid,
    linecolor: now.dim, zerolinecolor: now.grid, automargin: true, fixedrange: true,
    ticklabelstandoff: 4, tickfont: { color: now.dim, size: 12 }, ...more,
  });

  const layout = (now, height, more) => ({
    height, autosize: true, paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
    font: { color: now.ink, family: "system-ui, 'DejaVu Sans', sans-serif", size: 12 },
    margin: { l: 8, r: 24, t: 8, b: 8 }, dragmode: false,
    hoverlabel: { bgcolor: now.panel, bordercolor: now.dim, font: { color: now.ink }, namelength: 40 },
    legend: { orientation: "h", x: 0, xanchor: "left", y: 1.01, yanchor: "bottom", traceorder: "normal" }, ...more,
  });

  // Powers of 2, as many as fit, of which the first is no more than the smallest value.
  function ticks(low, high, most) {
    const from = Math.floor(Math.log2(low)), to = Math.ceil(Math.log2(high));
    const step = Math.max(1, Math.ceil((to - from) / most));
    const values = [];
    for (let power = from; power <= to; power += step) values.push(2 ** power);
    return values;
  }

  function curve(now) {
    const { concurrency, rate, mean, p95 } = data.curve;
    const all = [...concurrency, ...data.fitted.x, ...(data.knee > 0 ? [data.knee] : [])];
    const low = Math.min(...all) / 1.2, high = Math.max(...all) * 1.2;
    const tickvals = ticks(low, high, now.narrow ? 6 : 14);
    const line = (name, y, yaxis, color, symbol, dash, unit) => ({
      name, x: concurrency, y, yaxis, mode: "lines+markers",
      line: { color, dash, width: 2 }, marker: { color, symbol, size: 8 },
      hovertemplate: `%{y:,.3~g} ${unit}`,
    });
    const traces = [
      line("throughput", rate, "y", now.colors[0], "circle", "solid", "calls/s"),
      line("mean latency", mean, "y2", now.colors[1], "square", "solid", "s"),
      line("95th percentile", p95, "y2", now.colors[3], "diamond", "dot", "s"),
    ];
    if (data.fitted.x.length) {
      traces.splice(1, 0, {
        name: "fitted", x: data.fitted.x, y: data.fitted.y, yaxis: "y", mode: "lines",
        line: { color: now.colors[2], dash: "dash", width: 2 },
        hovertemplate: "%{y:,.3~g} calls/s",
      });
    }
    const marked = data.knee > 0;
    return [traces, layout(now, now.narrow ? 460 : 520, {
      hovermode: "x unified",
      xaxis: axis(now, "conversations in flight, log scale", {
        type: "log", range: [Math.log10(low), Math.log10(high)], anchor: "y2", tickvals,
        ticktext: tickvals.map((value) => value.toLocaleString("en")), hoverformat: ",.4~g",
        unifiedhovertitle: { text: "%{x:,.4~g} in flight" },
      }),
      yaxis: axis(now, "calls/s", { domain: [0.54, 1], rangemode: "tozero" }),
      yaxis2: axis(now, "latency, s", { domain: [0, 0.46], rangemode: "tozero" }),
      shapes: marked ? [{
        type: "line", x0: data.knee, x1: data.knee, yref: "paper", y0: 0, y1: 1,
        line: { color: now.ink, width: 1.5, dash: "dashdot" },
      }] : [],
      annotations: marked ? [{
        text: `knee: ${data.knee.toLocaleString("en")}`, x: Math.log10(data.knee), yref: "paper",
        y: 0.5, showarrow: false, bgcolor: now.panel, bordercolor: now.ink, borderpad: 3,
        font: { color: now.ink },
      }] : [],
    })];
  }

  // Nothing sets the pace at the end, when few conversations are left: as quiet as the page.
  const stack = (now, index, cause, more) => {
    const color = cause === "nothing" ? now.grid : now.colors[index];
    const shape = cause === "nothing" ? "" : PATTERNS[index];
    return {
      type: "bar", name: short(cause, now.narrow ? 24 : 40), ...more,
      marker: {
        color, line: { width: 0 },
        pattern: { shape, size: 6, solidity: 0.2, fgcolor: now.panel, fillmode: "replace", bgcolor: color },
      },
    };
  };

  function limits(now) {
    const { names, knee, shares } = data.limits;
    const most = now.narrow ? 16 : 40;
    const rows = names.map((_, index) => index);
    const traces = data.causes.map((cause, index) => stack(now, index, cause, {
      orientation: "h", y: rows, x: shares[index], hovertemplate: "%{x:.0%} of the time",
    }));
    return [traces, layout(now, 110 + 26 * Math.max(2, names.length) + (now.narrow ? 60 : 0), {
      barmode: "stack", bargap: 0.25, hovermode: "y unified",
      xaxis: axis(now, "share of the time", { tickformat: ".0%", dtick: 0.25, range: [0, 1] }),
      yaxis: axis(now, names.length > 5 ? "conversations in flight" : "in flight", {
        autorange: "reversed", tickvals: rows, showgrid: false,
        ticktext: names.map((name, index) => (knee[index] ? "knee: " : "") + short(name, most)),
      }),
    })];
  }

  function course(now) {
    const c = data.course;
    const step = c.ends[0];
    const middles = c.ends.map((end, index) => (end + (c.ends[index - 1] ?? 0)) / 2);
    const line = (name, y, yaxis, color, dash, unit) => ({
      name, x: middles, y, yaxis, mode: c.ends.length > 1 ? "lines" : "markers",
      line: { color, width: 1.8, shape: "hvh", dash }, hovertemplate: `%{y:,.3~g} ${unit}`,
    });
    const traces = [
      line("calls in flight", c.calls, "y", now.colors[0], "solid", "calls"),
      line("conversations", c.conversations, "y", now.colors[2], "dash", "conversations"),
      line("answered", c.answered, "y2", now.colors[0], "solid", "calls/s"),
      line("refused", c.refused, "y2", now.colors[1], "solid", "calls/s"),
      line("failed", c.failed, "y2", now.colors[3], "dot", "calls/s"),
      line("input", c.input, "y3", now.colors[0], "solid", "tokens/s"),
      line("output", c.output, "y3", now.colors[1], "dash", "tokens/s"),
    ];
    const paced = c.shares.some((shares) => shares.some((share) => share > 0));
    if (paced) {
      traces.push(...data.causes.map((cause, index) => stack(now, index, cause, {
        x: middles, y: c.shares[index], yaxis: "y4", width: step,
        hovertemplate: "%{y:.0%} of the step",
      })));
    }
    const groups = paced ? ["y", "y2", "y3", "y4"] : ["y", "y2", "y3"];
    const tops = paced ? [1, 0.73, 0.46, 0.19] : [1, 0.64, 0.28];
    const tall = paced ? 0.19 : 0.26;
    const legends = {};
    groups.forEach((group, index) => {
      const name = index ? `legend${index + 1}` : "legend";
      traces.filter((one) => one.yaxis === group).forEach((one) => { one.legend = name; });
      legends[name] = {
        orientation: "h", x: 0, xanchor: "left", y: tops[index] + 0.004, yanchor: "bottom",
        traceorder: "normal", bgcolor: "rgba(0,0,0,0)",
      };
    });
    // Many or long causes fill several lines, so theirs is below, where there is room to grow.
    if (paced) Object.assign(legends.legend4, { y: -0.08, yanchor: "top" });
    const domain = (index) => [Math.max(0, tops[index] - tall), tops[index]];
    return [traces, layout(now, (now.narrow ? 860 : 820) - (paced ? 0 : 200), {
      ...legends, barmode: "stack", bargap: 0, hovermode: "x unified", hoversubplots: "axis",
      xaxis: axis(now, `time since the start, ${c.unit}`, {
        anchor: groups[groups.length - 1], range: [0, c.ends[c.ends.length - 1]], hoverformat: ",.4~g",
      }),
      yaxis: axis(now, "in flight", { domain: domain(0), rangemode: "tozero" }),
      yaxis2: axis(now, "calls/s", { domain: domain(1), rangemode: "tozero" }),
      yaxis3: axis(now, "tokens/s", { domain: domain(2), rangemode: "tozero", exponentformat: "SI" }),
      ...paced && {
        yaxis4: axis(now, "pace set by", { domain: domain(3), range: [0, 1], dtick: 0.5, tickformat: ".0%" }),
      },
    })];
  }

  const charts = { curve, limits, course };

  function draw() {
    const now = look();
    for (const [name, chart] of Object.entries(charts)) {
      const place = document.getElementById(name);
      if (place) Plotly.react(place, ...chart(now), CONFIG);
    }
  }

  draw();
  dark.addEventListener("change", draw);
  narrow.addEventListener("change", draw);
  addEventListener("beforeprint", () => { printing = true; draw(); });
  addEventListener("afterprint", () => { printing = false; draw(); });
})();
