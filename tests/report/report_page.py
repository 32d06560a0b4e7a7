"""Opens page.html in headless Chromium at the width of a desk and of a phone, and looks at it."""
import csv
import html
import html.parser
import os
import re
import shutil
import subprocess
import sys

import h5py
import numpy

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

# Added to a copy of the page: what the browser made of it, told to the frame around it.
PROBE = """<script>
let failed = "";
window.addEventListener("error", (e) => { failed = e.message; });
setTimeout(() => {
  const plots = [...document.querySelectorAll(".js-plotly-plot")];
  const least = (selector) => Math.min(...plots.map(p => p.querySelectorAll(selector).length));
  const right = (element) => element.getBoundingClientRect().right;
  const table = document.getElementById("configurations");
  const column = [...table.tHead.rows[0].cells].findIndex(c => c.textContent === "Avg, %");
  table.tHead.rows[0].cells[column].querySelector("button").click();
  window.dispatchEvent(new Event("beforeprint"));
  const paper = Math.max(...plots.map(p => p.querySelector(".main-svg").getBoundingClientRect().width));
  const unfolded = document.querySelector("#rates details").open;
  window.dispatchEvent(new Event("afterprint"));
  const sorted = [...table.tBodies[0].rows].map(r => Number(r.cells[column].dataset.value));
  parent.postMessage({
    failed: failed, width: innerWidth, overflow: document.documentElement.scrollWidth - innerWidth,
    plots: plots.length, drawings: least("svg.main-svg"), traces: least("g.trace.scatter"),
    points: least("path.point"), intervals: least(".errorbar path"),
    wide: plots.filter(p => right(p.querySelector(".main-svg")) > right(p.closest(".plot")) + 1).length,
    paper: paper, unfolded: unfolded,
    sorted: sorted.every((v, i) => i === 0 || sorted[i - 1] <= v), rows: sorted.length,
    resources: performance.getEntriesByType("resource").filter(r => !r.name.startsWith("data:")).length}, "*");
}, 2500);
</script></body>"""

# Chromium's windows are at least 500 pixels wide: a frame is as narrow as a phone.
FRAME = """<!DOCTYPE html><html><body style="margin:0"><script>
addEventListener("message", (event) => Object.assign(document.body.dataset, event.data));
</script><iframe src="probe.html" style="border:0;width:%dpx;height:%dpx"></iframe></body></html>"""


class References(html.parser.HTMLParser):
    """Everything the page would load, and its plots."""

    def __init__(self):
        super().__init__()
        self.loaded = []

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        for name in ("src", "srcset", "data", "poster"):
            if attributes.get(name):
                self.loaded.append((tag, attributes[name]))
        if tag == "link":
            self.loaded.append((tag, attributes.get("href")))


def browse(width, height, *action):
    """Shows the page in a frame of this size; returns what Chromium wrote to standard output."""
    with open("frame.html", "w", encoding="utf-8") as frame:
        frame.write(FRAME % (width, height))
    profile = os.path.abspath("profile")
    command = [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars",
               f"--user-data-dir={profile}", "--host-resolver-rules=MAP * ~NOTFOUND", "--enable-logging=stderr",
               "--v=0", "--virtual-time-budget=15000",
               f"--window-size={max(width, 500)},{height}", *action, "file://" + os.path.abspath("frame.html")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
    shutil.rmtree(profile, ignore_errors=True)
    complaints = [line for line in done.stderr.splitlines() if "CONSOLE" in line]
    assert not complaints, complaints
    return done.stdout


def check_in_browser(width):
    dom = browse(width, 900, "--dump-dom")
    facts = dict(re.findall(r'data-(\w+)="([^"]*)"', dom))
    print(facts)
    assert facts["failed"] == "" and facts["resources"] == "0", "a script failed or something was loaded"
    assert int(facts["width"]) == width and int(facts["overflow"]) <= 0, "the page is wider than the screen"
    assert facts["wide"] == "0", "a plot is wider than its frame"
    # Half of an A4 page with margins of 14 mm is 340 pixels.
    assert 300 <= float(facts["paper"]) <= 340, "on paper two plots do not fit side by side"
    assert facts["unfolded"] == "true", "on paper a table is folded"
    assert facts["sorted"] == "true" and facts["rows"] == "34", "the table does not sort"
    # 4 panels of errors, 2 of gap changes, 2 of STD, 2 of SER, 4 of gaps: each with data in it.
    assert facts["plots"] == "14", facts
    # The changes of gaps may all be on one side of p = 0.05: one trace with all points.
    for what, least in (("drawings", 1), ("traces", 1), ("points", 8), ("intervals", 8)):
        assert int(facts[what]) >= least, f"an empty plot: {facts[what]} {what}"


def check_picture(width, height):
    browse(width, height, f"--screenshot={os.path.abspath(f'page-{width}.png')}")
    assert os.path.getsize(f"page-{width}.png") > 30000


def signed(value):
    return "0.0" if abs(value) < 0.05 else f"{value:+.1f}"


def shown_text(markdown):
    """Markdown as its reader sees it."""
    return html.unescape(re.sub(r"\\([\\`*_|~#+=.)\]-])", r"\1", markdown))


def check_text():
    page = open("page.html", encoding="utf-8").read()
    references = References()
    references.feed(re.sub(r"<script>.*?</script>", "", page, flags=re.S))
    assert references.loaded == [], references.loaded
    assert "<no> real faces" not in page and "&lt;no&gt; real faces" in page, "the job file's text must be escaped"
    markdown = open("page.md", encoding="utf-8").read()
    with open("tables/configurations.csv", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        std, low, high = (float(row[name]) for name in ("std_points", "std_points_low", "std_points_high"))
        shown = f"{std:.2f} [{low:.2f}, {high:.2f}]"
        assert shown in markdown, shown
        assert shown.replace(" [", "<small>[") in page, shown
    for row in csv.DictReader(open("tables/findings.csv", encoding="utf-8")):
        assert row["text"] in shown_text(markdown)
        assert html.escape(row["text"]) in page
    contrasts = csv.DictReader(open("tables/contrasts.csv", encoding="utf-8"))
    primary = [row for row in contrasts if row["family"] == "primary"]
    assert len(primary) == 28
    for row in primary:
        value, low, high = (signed(float(row["change_points" + end])) for end in ("", "_low", "_high"))
        p = float(row["p_adjusted"])
        shown = f"D {value} [{low}, {high}] p {'< 0.001' if p < 0.001 else f'{p:.2g}'}"
        assert shown in shown_text(markdown), shown
        assert html.escape(shown).replace(" [", "<small>[").replace(" p ", "<br>p ") in page, shown
    assert "equal groups: p" in page and "equal groups: p" in markdown


HOSTILE = "<script>alert(1)</script>|`x` *b* [l](http://a.b) ![i](j)"


def rename(file, path):
    """Every text of a dataset gets the hostile name in front; same place, new width."""
    texts = [HOSTILE + v.decode() for v in file[path][()]]
    attributes = dict(file[path].attrs)
    del file[path]
    file.create_dataset(path, data=numpy.array([t.encode() for t in texts]))
    file[path].attrs.update(attributes)


def check_hostile_names():
    """Names of a stranger's analysis file are text in both forms, never markup."""
    shutil.copy("analysis.h5", "hostile.h5")
    with h5py.File("hostile.h5", "r+") as file:
        for path in ["groups", "provenance/sweep_name", "provenance/job_text", "analysis/findings/text",
                     "analysis/warnings/text", "analysis/overview/text"]:
            rename(file, path)
        for table in ("points", "groups", "configurations", "configuration_groups", "contrasts"):
            rename(file, f"analysis/{table}/architecture")
    for form in ("md", "html"):
        program = os.path.join(os.environ["FAIRSWEEP_SOURCE_DIR"], "analysis/report.py")
        subprocess.run([sys.executable, program, "hostile.h5", f"hostile.{form}"], check=True)
    markdown = open("hostile.md", encoding="utf-8").read()
    outside_job_text = re.sub(r"<pre>.*?</pre>", "", markdown, flags=re.S)
    assert "&lt;script&gt;" in markdown and "<script" not in markdown and "</pre" not in outside_job_text
    assert not re.search(r"[^\\](`|\*b\*|\]\()", outside_job_text), "code, emphasis or a link"
    widths = None
    for row in (re.sub(r"\\\|", "", r) for r in markdown.splitlines()):
        if not row.startswith("|"):
            widths = None
        elif widths is None:
            widths = row.count("|")
        else:
            assert row.count("|") == widths, row
    page = open("hostile.html", encoding="utf-8").read()
    assert page.count("<script>alert") == 0 and "&lt;script&gt;alert" in page


if CHROMIUM is None:
    sys.exit("no Chromium: apt-get install chromium")
check_text()
check_hostile_names()
with open("page.html", encoding="utf-8") as file, open("probe.html", "w", encoding="utf-8") as probe:
    probe.write(file.read().replace("</body>", PROBE))
for width in (1280, 390):
    check_in_browser(width)
    check_picture(width, 2000)
browse(1000, 800, f"--print-to-pdf={os.path.abspath('page.pdf')}")
assert os.path.getsize("page.pdf") > 30000
print("the page is fit to be read")
