//go:build browser

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"html"
	"image"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// probe runs in the page and leaves what the browser made of it in an element of its own: tables and charts in their
// order, every plotted number with its place on the screen.
const probe = `<script>
const box = e => { const r = e.getBoundingClientRect(); return {X: r.x, Y: r.y, W: r.width, H: r.height}; };
const data = {Dark: matchMedia('(prefers-color-scheme: dark)').matches, Width: innerWidth, Scroll: document.documentElement.scrollWidth,
	Paper: getComputedStyle(document.body).backgroundColor || '', Ink: getComputedStyle(document.body).color, Blocks: []};
for (const e of document.querySelectorAll('main div.table, main figure')) {
	if (e.tagName === 'FIGURE') {
		const svg = e.querySelector('svg');
		data.Blocks.push({Figure: e.querySelector('figcaption strong').textContent, Box: box(svg),
			Marks: [...svg.querySelectorAll('g.mark')].map(m => {
				const shape = m.querySelector('.fill') || m;
				const style = getComputedStyle(shape);
				return {Series: m.dataset.series, Label: m.dataset.label, Value: m.dataset.value, Low: m.dataset.low || '', High: m.dataset.high || '',
					Shape: shape.tagName, Fill: style.fill, Box: box(shape)};
			}),
			Texts: [...svg.querySelectorAll('text')].map(box)});
		continue;
	}
	const caption = e.querySelector('caption');
	data.Blocks.push({Table: caption ? caption.textContent : '', Box: box(e),
		Columns: [...e.querySelectorAll('thead th')].map(h => h.firstChild ? h.firstChild.textContent : ''),
		Rows: [...e.querySelectorAll('tbody tr')].map(r => [...r.children].map(c => ({Text: c.textContent, Value: c.dataset.value || ''})))});
}
const out = document.createElement('pre');
out.id = 'probe';
out.textContent = JSON.stringify(data);
document.body.append(out);
</script>`

type rect struct{ X, Y, W, H float64 }

type mark struct {
	Series, Label, Value, Low, High, Shape, Fill string
	Box                                          rect
}

type shown struct {
	Figure, Table string
	Box           rect
	Marks         []mark
	Texts         []rect
	Columns       []string
	Rows          [][]struct{ Text, Value string }
}

type seen struct {
	Dark          bool
	Width, Scroll float64
	Paper, Ink    string
	Blocks        []shown
}

// browse runs the browser once, headless and on its own profile, and returns what it printed.
func browse(t *testing.T, dark bool, width int, args ...string) string {
	t.Helper()
	browser := os.Getenv("CHROMIUM")
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); browser == "" && err == nil {
			browser = path
		}
	}
	require.NotEmpty(t, browser, "no browser: install chromium (apt-get install chromium), or name one in CHROMIUM")
	scheme := "1"
	if dark {
		scheme = "0"
	}
	args = append([]string{"--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
		"--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--hide-scrollbars", "--user-data-dir=" + t.TempDir(),
		"--blink-settings=preferredColorScheme=" + scheme, fmt.Sprintf("--window-size=%d,1600", width)}, args...)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	out, err := output(exec.CommandContext(ctx, browser, args...))
	require.NoError(t, err)
	return string(out)
}

func look(t *testing.T, page string, dark bool, width int) seen {
	t.Helper()
	dom := browse(t, dark, width, "--dump-dom", "file://"+page)
	found := regexp.MustCompile(`(?s)<pre id="probe">(.*)</pre>`).FindStringSubmatch(dom)
	require.NotNil(t, found, "the probe did not run")
	var s seen
	require.NoError(t, json.Unmarshal([]byte(html.UnescapeString(found[1])), &s))
	return s
}

// The report of a real run, as a browser shows it.
func TestReportInTheBrowser(t *testing.T) {
	l, _ := small(t, choice{engines: "custom,std,sonic", payloads: "one,batch100,rejected"})
	l.mode, l.info.Mode = "full", "full"
	require.NoError(t, l.run(t.Context()))
	report := filepath.Join(l.dir, "report.html")
	source := read(t, report)
	const policy = `content="default-src 'none'; style-src 'unsafe-inline'"`
	require.Contains(t, source, policy, "the page may load and run nothing")
	probed := filepath.Join(t.TempDir(), "probed.html")
	require.NoError(t, os.WriteFile(probed, []byte(strings.NewReplacer(policy, `content="script-src 'unsafe-inline'"`, "</body>", probe+"</body>").Replace(source)), 0o600))

	light := look(t, probed, false, 1000)
	assert.False(t, light.Dark)
	checkNumbers(t, light)
	checkLayout(t, light)
	dark := look(t, probed, true, 1000)
	assert.True(t, dark.Dark)
	assert.NotEqual(t, light.Ink, dark.Ink)
	checkLayout(t, dark)
	checkLayout(t, look(t, probed, false, 500))

	pictures := os.Getenv("PICTURES")
	if pictures == "" {
		pictures = t.TempDir()
	}
	bright := brightness(t, picture(t, report, filepath.Join(pictures, "report-light.png"), false))
	dim := brightness(t, picture(t, report, filepath.Join(pictures, "report-dark.png"), true))
	assert.Greater(t, bright, 0.8, "paper")
	assert.Less(t, dim, 0.3, "dark paper")
}

// checkNumbers holds every chart to the table of the same numbers.
func checkNumbers(t *testing.T, s seen) {
	t.Helper()
	tables := map[string]map[[2]string]string{} // caption of the last table of that name before the chart
	charts := 0
	var last map[[2]string]string
	for _, b := range s.Blocks {
		if b.Figure == "" {
			cells := map[[2]string]string{}
			for _, row := range b.Rows {
				for i, c := range row[1:] {
					if column := b.Columns[i+1]; c.Value != "" && column != "noise floor" && !strings.HasPrefix(column, "A/A") {
						cells[[2]string{row[0].Text, b.Columns[i+1]}] = c.Value
					}
				}
			}
			tables[b.Table], last = cells, cells
			continue
		}
		charts++
		require.NotEmpty(t, b.Marks, b.Figure)
		drawn := map[[2]string]string{}
		for _, m := range b.Marks {
			drawn[[2]string{m.Label, m.Series}] = m.Value
		}
		want := last
		if payload, latency := strings.CutPrefix(b.Figure, "Latency by engine, "); latency {
			want = map[[2]string]string{}
			for _, percentile := range []string{"p50", "p99", "p99.9"} {
				for _, engine := range []string{"custom", "std", "sonic"} {
					want[[2]string{percentile, engine}] = tables["Latency "+percentile+", open loop, from the intended send time"][[2]string{payload, engine}]
				}
			}
		} else if strings.HasPrefix(b.Figure, "CPU time under the contract") {
			want = map[[2]string]string{}
			for key, value := range last {
				if key[1] == "geometric mean" {
					want[[2]string{key[0], "contract / none"}] = value
				}
			}
		}
		assert.Equal(t, want, drawn, b.Figure)
	}
	assert.Equal(t, 3*2+1+2+2+1, charts, "ratios and times of three groups, the service's four, its latencies on two payloads, the contract's price")
}

// checkLayout looks at where things are: everything is somewhere, nothing leaves its drawing or makes the page scroll sideways,
// and bars are as long as their numbers say.
func checkLayout(t *testing.T, s seen) {
	t.Helper()
	assert.LessOrEqual(t, s.Scroll, s.Width, "the page scrolls sideways")
	for _, b := range s.Blocks {
		assert.Positive(t, b.Box.W*b.Box.H, b.Figure+b.Table)
		colours := map[string]string{}
		scale := map[string]float64{}
		for _, m := range b.Marks {
			assert.Positive(t, m.Box.W, "%s: %s of %s", b.Figure, m.Series, m.Label)
			assert.Positive(t, m.Box.H, "%s: %s of %s", b.Figure, m.Series, m.Label)
			inside(t, b, m.Box)
			if m.Shape == "rect" {
				var value float64
				_, err := fmt.Sscan(m.Value, &value)
				require.NoError(t, err)
				if scale[b.Figure] == 0 {
					scale[b.Figure] = m.Box.W / value
				}
				assert.InEpsilon(t, scale[b.Figure], m.Box.W/value, 0.02, "%s: the bar of %s is as long as its number", b.Figure, m.Series)
			}
			if m.Shape != "g" {
				colours[m.Series] = m.Fill
			}
		}
		distinct := map[string]bool{}
		for _, c := range colours {
			distinct[c] = true
		}
		assert.Len(t, distinct, len(colours), "%s: each engine has a colour of its own", b.Figure)
		for _, text := range b.Texts {
			inside(t, b, text)
		}
	}
}

func inside(t *testing.T, b shown, r rect) {
	t.Helper()
	const slack = 1.5
	assert.True(t, r.X >= b.Box.X-slack && r.X+r.W <= b.Box.X+b.Box.W+slack && r.Y >= b.Box.Y-slack && r.Y+r.H <= b.Box.Y+b.Box.H+slack,
		"%s: %+v leaves its drawing %+v", b.Figure, r, b.Box)
}

func picture(t *testing.T, page, path string, dark bool) image.Image {
	t.Helper()
	browse(t, dark, 1000, "--screenshot="+path, "--window-size=1000,4200", "file://"+page)
	f, err := os.Open(path)
	require.NoError(t, err)
	defer f.Close()
	img, err := png.Decode(f)
	require.NoError(t, err)
	colours := map[any]bool{}
	for y := range img.Bounds().Dy() {
		for x := range img.Bounds().Dx() {
			colours[img.At(x, y)] = true
		}
	}
	assert.Greater(t, len(colours), 50, "there is something in the picture")
	return img
}

// brightness of the picture's corner, from 0 to 1.
func brightness(t *testing.T, img image.Image) float64 {
	t.Helper()
	r, g, b, _ := img.At(2, 2).RGBA()
	return float64(r+g+b) / 3 / 0xFFFF
}
