package ami

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// dialogues reads the requests of a trace with their answers, packets as lines joined by LF.
func dialogues(t *testing.T, name string) (all []dialogue) {
	t.Helper()
	b, err := os.ReadFile("../../../testdata/vectors/ami/" + name + ".txt")
	if err != nil {
		t.Fatal(err)
	}
	for block := range strings.SplitSeq(string(b), "\n\n") {
		head, rest, _ := strings.Cut(strings.TrimRight(dropComments(block), "\n"), "\n")
		switch {
		case head == ">>>" && !strings.Contains(rest, "Action: Login"):
			all = append(all, dialogue{request: strings.TrimRight(rest, "\n")})
		case head == "<<<" && len(all) > 0:
			e := &all[len(all)-1]
			e.answers = append(e.answers, rest)
		}
	}
	return all
}

type dialogue struct {
	request string
	answers []string
}

// What is different from one run to the next.
var (
	channelNumber = regexp.MustCompile(`-[0-9a-f]{8}`)
	uniqueID      = regexp.MustCompile(`(?m)^(Uniqueid|Linkedid): \d+\.\d+(;2)?$`) // ;2: of a Local channel, which has a number there
	hangupTime    = regexp.MustCompile(`(?m)^TimeToHangup: [1-9]\d+$`)
	formats       = regexp.MustCompile(`(?m)^(Nativeformats|Readformat|Writeformat): .*$`) // there is no media here
	elapsed       = regexp.MustCompile(`(?m)^(Duration: 00:00:|Seconds: )\d+$`)
)

// alike makes packets of different runs alike. The order of variables is that of a hash
// here and that of their setting there.
func alike(p string) string {
	p = channelNumber.ReplaceAllString(p, "-N")
	p = uniqueID.ReplaceAllString(p, "$1: id")
	p = hangupTime.ReplaceAllString(p, "TimeToHangup: at")
	p = formats.ReplaceAllString(p, "$1: f")
	p = elapsed.ReplaceAllString(p, "${1}n")
	lines := strings.Split(p, "\n")
	from := slices.IndexFunc(lines, isVariable)
	if from >= 0 {
		to := from
		for to < len(lines) && isVariable(lines[to]) {
			to++
		}
		slices.Sort(lines[from:to])
	}
	return strings.Join(lines, "\n")
}

func isVariable(line string) bool { return strings.HasPrefix(line, "Variable: ") }

// TestOriginateAsTraced says what was said to Asterisk, and wants its answers (trace s6).
func TestOriginateAsTraced(t *testing.T) {
	inOffice(t, func(_ *Options, c *Config) { c.Lenient = true }, func(t *testing.T, o *office) {
		replayExchanges(t, o, dialogues(t, "s6_originate_parameters"))
	})
}

// replayExchanges plays a trace; names of channels in requests are those of ours.
func replayExchanges(t *testing.T, o *office, all []dialogue) {
	u := o.tracer("off")
	n := 0
	for _, e := range all {
		u.say(strings.Split(o.ours(e.request), "\n")...)
		if strings.Contains(e.request, "Channel: /.*/") { // who is there then is chance in the trace
			u.until("Event: ChannelsHungupListComplete")
			settled()
			continue
		}
		var got, want []string
		for _, a := range e.answers {
			got, want = append(got, alike(u.next())), append(want, alike(a))
		}
		if g, w := strings.Join(got, "\n\n"), strings.Join(want, "\n\n"); g != w {
			t.Errorf("%s\n\ngot\n%s\n\nwant\n%s", e.request, g, w)
			return
		}
		n++
		settled()
	}
	if n < 30 {
		t.Errorf("%d exchanges", n)
	}
}

// settled lets what was begun happen, as a client that does not hurry.
func settled() {
	synctest.Wait()
	time.Sleep(10 * time.Millisecond) // of the bubble
	synctest.Wait()
}

// ours puts the name of the live channel of the same phone into a request.
func (o *office) ours(request string) string {
	return regexp.MustCompile(`\S+-[0-9a-f]{8}(;\d)?`).ReplaceAllStringFunc(request, func(name string) string {
		for _, sn := range o.sw.Channels() {
			if channelNumber.ReplaceAllString(sn.Name, "") == channelNumber.ReplaceAllString(name, "") {
				return sn.Name
			}
		}
		return name
	})
}
