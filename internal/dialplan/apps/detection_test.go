package apps_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dialwright/dialwright/internal/dialplan/run"
	"github.com/dialwright/dialwright/internal/media"
	"github.com/dialwright/dialwright/internal/pbx/pbxtest"
	"github.com/dialwright/dialwright/internal/prompts"
)

// greeting makes a source of words: "s500" half a second of silence, "v500" of
// a tone, "n500" of a quiet tone that is below the threshold.
func greeting(t *testing.T, text string) media.Source {
	t.Helper()
	var parts []media.Source
	for word := range strings.FieldsSeq(text) {
		ms, err := strconv.Atoi(word[1:])
		if err != nil {
			t.Fatal(err)
		}
		src := media.Silence(time.Duration(ms) * time.Millisecond)
		switch word[0] {
		case 'v':
			src = pbxtest.Beep(400, 8000, time.Duration(ms)*time.Millisecond)
		case 'n':
			src = pbxtest.Beep(400, 150, time.Duration(ms)*time.Millisecond)
		}
		parts = append(parts, src)
	}
	return media.Sequence(parts...)
}

// The shapes of greetings and what they are taken for, through the media
// engine, and what is kept of it on the call.
func TestAMD(t *testing.T) {
	for _, tt := range []struct{ name, args, says, status, cause string }{
		{"hello", "", "s300 v600 s3000", "HUMAN", "HUMAN-800-800"},
		{"hello at once", "", "v600 s3000", "HUMAN", "HUMAN-800-800"},
		{"two words", "", "s200 v300 s100 v400 s3000", "HUMAN", "HUMAN-800-800"},
		{"silence", "", "s6000", "MACHINE", "INITIALSILENCE-2500-2500"},
		{"noise on the line", "", "n6000", "MACHINE", "INITIALSILENCE-2500-2500"},
		{"one long sentence", "", "s300 v4000", "MACHINE", "LONGGREETING-1500-1500"},
		{"a list of words", "", "s200 v150 s80 v150 s80 v150 s80 v150 s80 v150 s3000", "MACHINE", "MAXWORDS-4-3"},
		{"clicks", "", "s1000 v60 s1000 v60 s1000 v60 s1000 v60 s1000 v60 s5000", "NOTSURE", "TOOLONG-5000"},
		{"one endless word", ",9000,,8000,,,,,1000", "s200 v5000", "MACHINE", "MAXWORDLENGTH-1000"},
		{"own figures", "500,,,3000", "s6000", "MACHINE", "INITIALSILENCE-500-500"},
		{"after greeting", ",,400", "s300 v600 s3000", "HUMAN", "HUMAN-400-400"},
		{"higher threshold", ",,,,,,,6000", "v6000", "MACHINE", "INITIALSILENCE-2500-2500"},
		{"nothing at all", "", "", "NOTSURE", "NOAUDIODATA-0"},
		{"nonsense", "x,-1", "s6000", "MACHINE", "INITIALSILENCE-2500-2500"},
		{"stops in the middle", "", "s300 v300", "HUMAN", "HUMAN-800-800"}, // lost packets are silence
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			inBooth(t, "[t]\nexten => s,1,Answer(,i)\n same => n,AMD("+tt.args+")\n same => n,Log(NOTICE,${AMDSTATUS} ${AMDCAUSE})\n", nil, func(t *testing.T, b *booth) {
				events := b.events("AMD")
				c, p := b.call("a", "s")
				if tt.says != "" {
					p.Plays(greeting(t, tt.says))
				}
				b.wait(c)
				b.expect(tt.status + " " + tt.cause)
				if d := cmp.Diff([]string{"Status: " + tt.status + ", Cause: " + tt.cause}, events()); d != "" {
					t.Errorf("event (-want +got):\n%s", d)
				}
				if b.hasWarning("AMD") != (tt.name == "nonsense") {
					t.Errorf("warnings: %s", b.warn.text())
				}
				var st struct {
					Status, Cause string
					Segments      []struct{ Kind string }
				}
				if err := json.Unmarshal([]byte(get(c, "AMDSTATS")), &st); err != nil || st.Status != tt.status || st.Cause != tt.cause {
					t.Errorf("AMDSTATS %s: %v", get(c, "AMDSTATS"), err)
				}
				if tt.says != "" && len(st.Segments) == 0 {
					t.Error("no segments were kept")
				}
			})
		})
	}
}

// Real speech, as far as the built-in prompts are: a word is a person, an
// announcement is a machine.
func TestAMDSpeech(t *testing.T) {
	for _, tt := range []struct{ says, status string }{
		{"en/digits/4", "HUMAN"},
		{"en/letters/a", "HUMAN"},
		{"en/hello", "HUMAN"},
		{"en/please-leave-message", "MACHINE"},
		{"en/digits/hundred", "HUMAN"},
		{"en/cannot-complete-as-dialed", "MACHINE"},
		{"en/conf-onlyperson", "MACHINE"},
		{"en/check-number-dial-again", "MACHINE"},
	} {
		inBooth(t, "[t]\nexten => s,1,Answer(,i)\n same => n,AMD()\n same => n,Log(NOTICE,${AMDSTATUS})\n", nil, func(t *testing.T, b *booth) {
			src, err := media.OpenFile(prompts.FS(), tt.says)
			if err != nil {
				t.Fatal(err)
			}
			c, p := b.call("a", "s")
			p.Plays(media.Sequence(media.Silence(400*time.Millisecond), src, media.Silence(3*time.Second)))
			b.wait(c)
			if got := b.traced(); len(got) != 1 || got[0] != tt.status {
				t.Errorf("%s: %v, want %s; %s", tt.says, got, tt.status, get(c, "AMDSTATS"))
			}
		})
	}
}

// What has led to a verdict is on the call, in figures.
func TestAMDStats(t *testing.T) {
	inBooth(t, "[t]\nexten => s,1,Answer(,i)\n same => n,AMD()\n", nil, func(t *testing.T, b *booth) {
		c, p := b.call("a", "s")
		p.Plays(greeting(t, "s300 v600 s3000"))
		b.wait(c)
		var st struct {
			Total    int `json:"total_ms"`
			Voice    int `json:"voice_ms"`
			Words    int `json:"words"`
			Segments []struct {
				Kind  string `json:"kind"`
				Long  int    `json:"ms"`
				Level int    `json:"level"`
			} `json:"segments"`
			Config map[string]int `json:"config"`
		}
		if err := json.Unmarshal([]byte(get(c, "AMDSTATS")), &st); err != nil {
			t.Fatal(err)
		}
		if len(st.Segments) != 3 || st.Voice < 580 || st.Voice > 640 || st.Words != 1 || st.Config["greeting_ms"] != 1500 {
			t.Errorf("%+v", st)
		}
		if s := st.Segments[1]; s.Kind != "voice" || s.Level < 3000 {
			t.Errorf("segment %+v", s)
		}
	})
}

// amd.conf has the defaults; a hangup is told in h.
func TestAMDConfAndHangup(t *testing.T) {
	text := "[t]\nexten => s,1,Answer(,i)\n same => n,AMD()\n same => n,Log(NOTICE,${AMDSTATUS} ${AMDCAUSE})\nexten => h,1,Log(NOTICE,h ${AMDSTATUS})\n"
	inBooth(t, text, nil, func(t *testing.T, b *booth) {
		write(t, filepath.Join(b.dir, "etc/amd.conf"), "[general]\ninitial_silence = 700\nsilence_threshold = odd\n")
		c, p := b.call("a", "s")
		p.Says(0)
		b.wait(c)
		b.expect("MACHINE INITIALSILENCE-700-700", "h MACHINE")
		c, p = b.call("b", "s")
		p.HangUp()
		b.wait(c)
		b.expect("h HANGUP")
		if !b.hasWarning("silence_threshold") {
			t.Errorf("warnings: %s", b.warn.text())
		}
	})
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestWaitForSound(t *testing.T) {
	for _, tt := range []struct {
		name, app, says, want string
		from, to              time.Duration
	}{
		{"silence", "WaitForSilence(500)", "v2000 s5000", "SILENCE", 2400 * time.Millisecond, 2800 * time.Millisecond},
		{"silence twice", "WaitForSilence(500,2)", "v1000 s5000", "SILENCE", 1900 * time.Millisecond, 2300 * time.Millisecond},
		{"too short", "WaitForSilence(500,1,3)", "v600 s300 v600 s300 v600 s300 v3000", "TIMEOUT", 3 * time.Second, 3 * time.Second},
		{"nothing is silence", "WaitForSilence(500)", "", "SILENCE", 400 * time.Millisecond, 600 * time.Millisecond},
		{"default", "WaitForSilence()", "v500 s5000", "SILENCE", 1400 * time.Millisecond, 1800 * time.Millisecond},
		{"noise", "WaitForNoise(300)", "s1000 v2000", "NOISE", 1200 * time.Millisecond, 1600 * time.Millisecond},
		{"no noise", "WaitForNoise(300,1,2)", "s9000", "TIMEOUT", 2 * time.Second, 2 * time.Second},
		{"nothing is no noise", "WaitForNoise(300,1,2)", "", "TIMEOUT", 2 * time.Second, 2 * time.Second},
		{"odd figures", "WaitForNoise(x,,1)", "s9000", "TIMEOUT", time.Second, time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			inBooth(t, "[t]\nexten => s,1,"+tt.app+"\n same => n,Log(NOTICE,${WAITSTATUS})\n", nil, func(t *testing.T, b *booth) {
				begun := time.Now()
				c, p := b.call("a", "s")
				if tt.says != "" {
					p.Plays(greeting(t, tt.says))
				}
				b.wait(c)
				b.expect(tt.want)
				if d := time.Since(begun); d < tt.from || d > tt.to {
					t.Errorf("it took %v", d)
				}
			})
		})
	}
	inBooth(t, "[t]\nexten => s,1,WaitForNoise(500)\nexten => h,1,Log(NOTICE,h ${WAITSTATUS})\n", nil, func(t *testing.T, b *booth) {
		c, p := b.call("a", "s")
		p.HangUp()
		b.wait(c)
		b.expect("h HANGUP")
	})
}

// MixMonitor: where files go, what is refused, and that it goes on through a
// conference.
func TestMixMonitor(t *testing.T) {
	text := `[t]
exten => rec,1,Answer()
 same => n,MixMonitor(calls/${CHANNEL(uniqueid)}.wav,r(in.ulaw)t(out.wav)i(ID))
 same => n,Log(NOTICE,${MIXMONITOR_FILENAME} ${ID})
 same => n,Wait(1)
 same => n,Set(CONFBRIDGE(user,quiet)=yes)
 same => n,ConfBridge(c)
exten => guest,1,Set(CONFBRIDGE(user,quiet)=yes)
 same => n,ConfBridge(c)
exten => stop,1,Answer()
 same => n,MixMonitor(a.wav,i(A))
 same => n,MixMonitor(b.wav)
 same => n,Wait(1)
 same => n,StopMixMonitor(${A})
 same => n,Wait(1)
 same => n,StopMixMonitor()
 same => n,StopMixMonitor(0x77)
exten => bad,1,Answer()
 same => n,MixMonitor(/elsewhere/x.wav)
 same => n,MixMonitor(../x.wav)
 same => n,MixMonitor(x.mp3,v(9)Q)
 same => n,MixMonitor(cmd.wav,,touch x)
 same => n,StopMixMonitor()
 same => n,Log(NOTICE,goes on [${MIXMONITOR_FILENAME:-7}])
 same => n,MixMonitor()
 same => n,Log(NOTICE,not reached)
exten => cmd,1,Answer()
 same => n,Set(V=1)
 same => n,MixMonitor(cmd.wav,d,echo ^{V}^{MIXMONITOR_FILENAME:-8} > DIR/out.txt)
 same => n,Wait(1)
`
	dir := t.TempDir()
	channel := ""
	inBooth(t, strings.ReplaceAll(text, "DIR", dir), func(o *run.Options) {
		o.Dirs.Monitor = dir
	}, func(t *testing.T, b *booth) {
		c, p := b.call("a", "rec")
		channel = c.ID()
		p.Says(500)
		_, q := b.call("b", "guest")
		q.Says(900)
		<-time.After(3 * time.Second)
		p.HangUp()
		b.wait(c)
		q.HangUp()
		tr := b.traced()
		if len(tr) != 1 || !strings.HasPrefix(tr[0], filepath.Join(dir, "calls", channel+".wav")+" 0x") {
			t.Errorf("trace %q", tr)
		}
		c, _ = b.call("c", "stop")
		b.wait(c)
		if !b.hasWarning("0x77") {
			t.Errorf("warnings: %s", b.warn.text())
		}
		c, _ = b.call("d", "bad")
		b.wait(c)
		b.expect("goes on [cmd.wav]")
		for _, want := range []string{"allow_files", "x.mp3", "v(9)", "unknown option Q", "allow_exec", "needs a file"} {
			if !b.hasWarning(want) {
				t.Errorf("no warning of %s: %s", want, b.warn.text())
			}
		}
	})
	mix := pbxtest.ReadFile(t, dir, "calls/"+channel+".wav")
	if d := cmp.Diff([]int{500}, pbxtest.Tones(mix[2000:8000])); d != "" {
		t.Errorf("alone (-want +got):\n%s", d)
	}
	if d := cmp.Diff([]int{500, 900}, pbxtest.Tones(mix[14000:22000])); d != "" {
		t.Errorf("in the conference (-want +got):\n%s", d)
	}
	if d := cmp.Diff([]int{500}, pbxtest.Tones(pbxtest.ReadFile(t, dir, "in.ulaw")[14000:22000])); d != "" {
		t.Errorf("in (-want +got):\n%s", d)
	}
	if d := cmp.Diff([]int{900}, pbxtest.Tones(pbxtest.ReadFile(t, dir, "out.wav")[14000:22000])); d != "" {
		t.Errorf("out (-want +got):\n%s", d)
	}
	if a, b := len(pbxtest.ReadFile(t, dir, "a.wav")), len(pbxtest.ReadFile(t, dir, "b.wav")); a < 7500 || a > 8500 || b < 15500 || b > 16500 {
		t.Errorf("stopped after %d and %d samples", a, b)
	}
}

// Monitor, of old: two files, or with m one.
func TestMonitorOfOld(t *testing.T) {
	dir := t.TempDir()
	inBooth(t, `[t]
exten => two,1,Answer()
 same => n,Monitor(wav,old)
 same => n,Wait(1)
 same => n,StopMonitor()
 same => n,Log(NOTICE,${MONITOR_FILENAME})
exten => one,1,Answer()
 same => n,Monitor(,,m)
 same => n,Wait(1)
`, func(o *run.Options) { o.Dirs.Monitor = dir }, func(t *testing.T, b *booth) {
		c, p := b.call("a", "two")
		p.Says(500)
		b.wait(c)
		b.expect(filepath.Join(dir, "old"))
		c, _ = b.call("b", "one")
		b.wait(c)
		if _, err := os.Stat(filepath.Join(dir, strings.ReplaceAll(c.Name(), "/", "-")+".wav")); err != nil {
			t.Error(err)
		}
	})
	if d := cmp.Diff([]int{500}, pbxtest.Tones(pbxtest.ReadFile(t, dir, "old-in.wav")[3000:7000])); d != "" {
		t.Errorf("in (-want +got):\n%s", d)
	}
	if d := cmp.Diff([]int(nil), pbxtest.Tones(pbxtest.ReadFile(t, dir, "old-out.wav")[3000:7000])); d != "" {
		t.Errorf("out (-want +got):\n%s", d)
	}
}
