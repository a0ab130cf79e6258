package apps

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/dialwright/dialwright/internal/dialplan"
	"github.com/dialwright/dialwright/internal/dialplan/run"
	"github.com/dialwright/dialwright/internal/media"
	"github.com/dialwright/dialwright/internal/media/dsp"
	"github.com/dialwright/dialwright/internal/pbx"
	"github.com/dialwright/dialwright/internal/wire/conf"
)

// detection lists the applications that listen to the party, and those that
// record it.
func detection() []run.App {
	return []run.App{
		{Name: "AMD", Run: amd},
		{Name: "WaitForSilence", Run: waitForSilence},
		{Name: "WaitForNoise", Run: waitForNoise},
		{Name: "MixMonitor", Run: mixMonitor},
		{Name: "StopMixMonitor", Run: stopMixMonitor},
	}
}

// amdSlack is how much longer than totalAnalysisTime the clock on the wall may
// run: audio that comes in time decides by its own measure.
const amdSlack = 200 * time.Millisecond

// amd decides whether a person or a machine has answered:
// AMD([initialSilence[,greeting[,afterGreetingSilence[,totalTime[,minWord
// [,betweenWords[,maxWords[,silenceThreshold[,maxWordLength[,file]]]]]]]]]]),
// milliseconds but for maxWords and silenceThreshold. Missing figures are those
// of amd.conf. It sets AMDSTATUS (MACHINE, HUMAN, NOTSURE, HANGUP), AMDCAUSE,
// and AMDSTATS, ours: what was measured, as JSON. A party that has sent nothing at
// all is NOTSURE NOAUDIODATA-0, not a machine (spec: dialplan 5.4 AMD;
// Asterisk: app_amd.c).
func amd(ctx context.Context, x *run.Exec, args string) error {
	c := x.Channel()
	parts := dialplan.SplitArgs(args)
	config := amdConfig(x, parts)
	verdict := make(chan dsp.AMDResult, 1)
	sink := media.NewAMDSink(config, func(r dsp.AMDResult) { verdict <- r })
	if port := c.Port(); port != nil {
		remove := port.Tap(heardOnly{sink, port}, media.TapOptions{In: true, Rate: 8000})
		defer remove()
	}
	if len(parts) > 9 && strings.TrimSpace(parts[9]) != "" {
		if p, err := c.Play(pbx.PlayOptions{Media: []string{"sound:" + strings.TrimSpace(parts[9])}}); err == nil {
			defer p.Stop()
		}
	}
	limit := time.NewTimer(config.TotalTime + amdSlack)
	defer limit.Stop()
	var result dsp.AMDResult
	select {
	case result = <-verdict:
	case <-limit.C:
		sink.Timeout()
		result = <-verdict
	case <-ctx.Done():
		sink.Hangup()
		amdTell(ctx, x, <-verdict, sink.Stats(), config)
		return context.Cause(ctx)
	}
	amdTell(ctx, x, result, sink.Stats(), config)
	return nil
}

// heardOnly keeps silence from a sink until the party has sent something: a
// phone whose media has not come is not a silent one.
type heardOnly struct {
	media.Sink
	port *media.Port
}

func (s heardOnly) WriteFrame(pcm []int16, rate int) {
	if !s.port.LastIn().IsZero() {
		s.Sink.WriteFrame(pcm, rate)
	}
}

// amdRecord is AMDSTATS: durations in milliseconds.
type amdRecord struct {
	Status   string       `json:"status"`
	Cause    string       `json:"cause"`
	Total    int64        `json:"total_ms"`
	Voice    int64        `json:"voice_ms"`
	Words    int          `json:"words"`
	Segments []amdSegment `json:"segments"`
	Config   amdFigures   `json:"config"`
}

type amdSegment struct {
	Kind  string `json:"kind"` // "voice", "silence"
	Long  int64  `json:"ms"`
	Level int    `json:"level"`
}

type amdFigures struct {
	InitialSilence       int64 `json:"initial_silence_ms"`
	Greeting             int64 `json:"greeting_ms"`
	AfterGreetingSilence int64 `json:"after_greeting_silence_ms"`
	TotalTime            int64 `json:"total_ms"`
	MinWord              int64 `json:"min_word_ms"`
	BetweenWords         int64 `json:"between_words_ms"`
	MaxWords             int   `json:"max_words"`
	SilenceThreshold     int   `json:"silence_threshold"`
	MaxWordLength        int64 `json:"max_word_ms"`
}

// amdTell keeps the verdict and its grounds on the call, and tells of it.
func amdTell(ctx context.Context, x *run.Exec, r dsp.AMDResult, st dsp.AMDStats, c dsp.AMDConfig) {
	record := amdRecord{
		Status: r.Status, Cause: r.Cause, Total: st.Total.Milliseconds(), Voice: st.Voice.Milliseconds(), Words: st.Words,
		Segments: make([]amdSegment, len(st.Segments)),
		Config: amdFigures{
			c.InitialSilence.Milliseconds(), c.Greeting.Milliseconds(), c.AfterGreetingSilence.Milliseconds(), c.TotalTime.Milliseconds(),
			c.MinWord.Milliseconds(), c.BetweenWords.Milliseconds(), c.MaxWords, c.SilenceThreshold, c.MaxWordLength.Milliseconds(),
		},
	}
	for i, s := range st.Segments {
		record.Segments[i] = amdSegment{"silence", s.Long.Milliseconds(), s.Level}
		if s.Voice {
			record.Segments[i].Kind = "voice"
		}
	}
	text, err := json.Marshal(record)
	if err != nil {
		x.Warn("AMDSTATS: %v", err)
	}
	x.Set(ctx, "AMDSTATUS", r.Status)
	x.Set(ctx, "AMDCAUSE", r.Cause)
	x.Set(ctx, "AMDSTATS", string(text))
	x.Logger().Info("answering machine detection", "status", r.Status, "cause", r.Cause, "measured", string(text))
	if err := x.Channel().UserEvent("AMD", "Status: "+r.Status+"\nCause: "+r.Cause); err != nil && !errors.Is(err, pbx.ErrGone) {
		x.Warn("event of AMD: %v", err)
	}
}

// amdConfig gives the figures of a call of AMD: its arguments, else amd.conf,
// else the defaults.
func amdConfig(x *run.Exec, args []string) dsp.AMDConfig {
	var c dsp.AMDConfig
	ms := func(d *time.Duration) func(int) {
		return func(n int) { *d = time.Duration(n) * time.Millisecond }
	}
	count := func(p *int) func(int) { return func(n int) { *p = n } }
	// In the order of the arguments, with their names in amd.conf.
	figures := [...]struct {
		name string
		set  func(int)
	}{
		{"initial_silence", ms(&c.InitialSilence)}, {"greeting", ms(&c.Greeting)}, {"after_greeting_silence", ms(&c.AfterGreetingSilence)},
		{"total_analysis_time", ms(&c.TotalTime)}, {"min_word_length", ms(&c.MinWord)}, {"between_words_silence", ms(&c.BetweenWords)},
		{"maximum_number_of_words", count(&c.MaxWords)}, {"silence_threshold", count(&c.SilenceThreshold)}, {"maximum_word_length", ms(&c.MaxWordLength)},
	}
	f := confFile(x, "amd.conf")
	for i, fig := range figures {
		from, text := "amd.conf", ""
		if s := f.Section("general"); s != nil {
			text, _ = s.Get(fig.name)
		}
		if i < len(args) && strings.TrimSpace(args[i]) != "" {
			from, text = "argument", strings.TrimSpace(args[i])
		}
		if text == "" {
			continue
		}
		n, err := strconv.Atoi(text)
		if err != nil || n < 0 {
			x.Warn("AMD: %s %s = %q is not a number from 0 on", from, fig.name, text)
			continue
		}
		fig.set(n)
	}
	return c.WithDefaults()
}

// confFile reads one of Asterisk's configuration files that an application
// needs; an empty one if there is none, or it cannot be read.
func confFile(x *run.Exec, name string) *conf.File {
	fsys := confDir(x)
	if fsys == nil {
		return &conf.File{}
	}
	f, problems, err := conf.Load(fsys, name)
	for _, p := range problems {
		x.Machine().WarnOnce(p.File + ":" + strconv.Itoa(p.Line) + ": " + p.Text)
	}
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			x.Warn("%s: %v", name, err)
		}
		return &conf.File{}
	}
	return f
}

// confDir gives the directory of Asterisk's configuration files, nil if there
// is none.
func confDir(x *run.Exec) fs.FS {
	if dir := x.Machine().Options().ConfDir; dir != "" {
		return os.DirFS(dir)
	}
	return nil
}
