"use strict";
(function () {
  var list = document.getElementById("list");
  var rows = Array.prototype.slice.call(list.children);
  var search = document.getElementById("search");
  var stratum = document.getElementById("stratum");
  var sort = document.getElementById("sort");
  var toggle = document.getElementById("toggle");
  var texts = rows.map(function (row) { return row.textContent.toLowerCase(); });

  function matches(row, index) {
    var wanted = search.value.trim().toLowerCase();
    return (!stratum.value || row.dataset.stratum === stratum.value) && (!wanted || texts[index].indexOf(wanted) >= 0);
  }

  function show() {
    var left = 0;
    rows.forEach(function (row, index) {
      row.hidden = !matches(row, index);
      left += row.hidden ? 0 : 1;
    });
    document.getElementById("none").hidden = left > 0;
    document.getElementById("count").textContent = left === rows.length ? left + " questions" : left + " of " + rows.length;
  }

  function order() {
    var key = sort.value;
    var up = key === "number" || key === "score" ? 1 : -1;
    rows.slice().sort(function (a, b) {
      return up * (a.dataset[key] - b.dataset[key]) || a.dataset.number - b.dataset.number;
    }).forEach(function (row) { list.appendChild(row); });
  }

  function openAll(open) {
    rows.forEach(function (row) { row.open = open; });
    toggle.textContent = open ? "Close all" : "Open all";
  }

  var before = [];
  window.addEventListener("beforeprint", function () {
    var all = Array.prototype.slice.call(document.querySelectorAll("details"));
    before = all.map(function (row) { return [row, row.open]; });
    all.forEach(function (row) { row.open = true; });
  });
  window.addEventListener("afterprint", function () {
    before.forEach(function (pair) { pair[0].open = pair[1]; });
  });

  search.addEventListener("input", show);
  stratum.addEventListener("change", show);
  sort.addEventListener("change", order);
  toggle.addEventListener("click", function () { openAll(toggle.textContent === "Open all"); });
  document.documentElement.classList.add("js");
  show();
})();
