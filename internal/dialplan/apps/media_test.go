package apps_test

import (
	"encoding/binary"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dialwright/dialwright/internal/dialplan/run"
	"github.com/dialwright/dialwright/internal/media"
	"github.com/dialwright/dialwright/internal/pbx"
	"github.com/dialwright/dialwright/internal/pbx/pbxtest"
)

// inStage is a booth with sounds: {snd} is the directory of sounds, {tmp} may be
// written, everything else is closed. A sound t500 is a tone of 500 Hz for a second.
func inStage(t *testing.T, extensions string, f func(t *testing.T, b *booth)) {
	t.Helper()
	dir := t.TempDir()
	snd, tmp := filepath.Join(dir, "snd"), filepath.Join(dir, "tmp")
	for _, d := range []string{snd, tmp, filepath.Join(dir, "etc")} {
		if err := os.Mkdir(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, hz := range []int{500, 900, 1300} {
		writeTone(t, filepath.Join(snd, "t"+itoa(hz)+".wav"), hz)
	}
	extensions = strings.NewReplacer("{snd}", snd, "{tmp}", tmp).Replace(extensions)
	po := pbx.Options{Sounds: os.DirFS(snd), Files: []pbx.FileRoot{{Path: snd, Write: true}, {Path: tmp, Write: true}}}
	inBoothWith(t, dir, po, extensions, func(o *run.Options) {
		o.Dirs.Sounds, o.DB = snd, &database{m: map[string]string{}}
	}, f)
}

func itoa(n int) string {
	if n < 10 {
		return string(rune('0' + n))
	}
	return itoa(n/10) + itoa(n%10)
}

// writeTone makes a second of a tone.
func writeTone(t *testing.T, path string, hz int) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	b := wavHeader(8000)
	for i := range 8000 {
		b = binary.LittleEndian.AppendUint16(b, uint16(int16(8000*math.Sin(2*math.Pi*float64(hz*i)/8000))))
	}
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

// script is one line of a table: steps of extension s, what the phone does, and
// what Log said. The phone is answered when the steps begin with Answer.
type script struct {
	name  string
	steps string // "App(…);App(…)"
	press string
	want  []string
	warn  string // part of a warning; "" = there must be none
}

// scriptEnd is where a script can go.
const scriptEnd = `
exten => 1,1,Log(NOTICE,one)
exten => 23,1,Log(NOTICE,twentythree)
exten => i,1,Log(NOTICE,i ${INVALID_EXTEN})
exten => h,1,Log(NOTICE,h)
[other]
exten => 5,1,Log(NOTICE,other five)
exten => h,1,Log(NOTICE,h)
`

// run plays a script.
func (s script) run(t *testing.T) {
	t.Parallel()
	steps := strings.Split(strings.ReplaceAll(s.steps, "LOG(", "Log(NOTICE,"), ";")
	text := "[t]\nexten => s,1," + strings.Join(steps, "\n same => n,") + scriptEnd
	inStage(t, text, func(t *testing.T, b *booth) {
		c, p := b.call("a", "s")
		if s.press != "" {
			p.Press(s.press)
		}
		b.wait(c)
		b.expect(append(slices.Clone(s.want), "h")...)
		if got := b.warn.text(); s.warn == "" && got != "" || !strings.Contains(got, s.warn) {
			t.Errorf("warnings %q, want %q", got, s.warn)
		}
	})
}

func TestPlaybackAndBackGround(t *testing.T) {
	for _, s := range []script{
		{"codec", "Answer(,i);LOG(${CHANNEL(audionativeformat)} ${CHANNEL(audioreadformat)})", "", []string{"(ulaw) ulaw"}, ""},
		{"both files", "Playback(t500&t900);LOG(${PLAYBACKSTATUS} ${CHANNEL(state)})", "", []string{"SUCCESS Up"}, ""},
		{"missing, then another", "Playback(nope&t900);LOG(${PLAYBACKSTATUS})", "", []string{"FAILED"}, "no such sound"},
		{"nothing", "Playback();LOG(${PLAYBACKSTATUS})", "", []string{"FAILED"}, "no file"},
		{"language", "Set(CHANNEL(language)=de);Playback(digits/4);LOG(${PLAYBACKSTATUS})", "", []string{"SUCCESS"}, ""},
		{"built in", "Playback(vm-goodbye&silence/1&beep);LOG(${PLAYBACKSTATUS})", "", []string{"SUCCESS"}, ""},
		{"skip", "Playback(t500,skip);LOG(${PLAYBACKSTATUS} ${CHANNEL(state)})", "", []string{"SUCCESS Ring"}, ""},
		{"noanswer", "Playback(t500,noanswer);LOG(${PLAYBACKSTATUS} ${CHANNEL(state)})", "", []string{"SUCCESS Ring"}, ""},
		{"path", "Playback({snd}/t500&{snd}/t900.wav);LOG(${PLAYBACKSTATUS})", "", []string{"SUCCESS"}, ""},
		{"closed path", "Playback(/etc/hostname);LOG(${PLAYBACKSTATUS})", "", []string{"FAILED"}, "outside the directories"},
		{"leaves", "Playback(../etc/x);LOG(${PLAYBACKSTATUS})", "", []string{"FAILED"}, "no such sound"},
		{"said", "Playback(num:101&enum:2&digits:12&char:A-1&phonetic:b&datetime:0,say);LOG(${PLAYBACKSTATUS})", "", []string{"SUCCESS"}, ""},
		{"said URI", "Playback(t500&say:num:3);LOG(${PLAYBACKSTATUS})", "", []string{"SUCCESS"}, ""},
		{"said oddly", "Playback(money:1,say);LOG(${PLAYBACKSTATUS})", "", []string{"SUCCESS"}, "nothing to say of this kind"},
		{"mixed", "Playback(t500&num:3,mix);LOG(${PLAYBACKSTATUS})", "", []string{"SUCCESS"}, ""},
		{"not broken", "Answer(,i);Playback(t500);LOG(${PLAYBACKSTATUS});WaitExten(1);LOG(on)", "1", []string{"SUCCESS", "on"}, ""},

		{"to an extension", "Answer(,i);BackGround(t500&t900);LOG(no)", "w1", []string{"one"}, ""},
		{"two digits", "Answer(,i);BackGround(t500);LOG(no)", "23", []string{"twentythree"}, ""},
		{"invalid", "Answer(,i);BackGround(t500);LOG(no)", "w9", []string{"i 9"}, ""},
		{"other context", "Answer(,i);BackGround(t500,,,other);LOG(no)", "w5", []string{"other five"}, ""},
		{"m: not one", "Answer(,i);BackGround(t500,m);LOG(${BACKGROUNDSTATUS})", "2", []string{"SUCCESS"}, ""},
		{"m: one", "Answer(,i);BackGround(t500,m);LOG(no)", "21", []string{"one"}, ""},
		{"p", "Answer(,i);BackGround(t500,p);LOG(${BACKGROUNDSTATUS})", "1", []string{"SUCCESS"}, ""},
		{"s", "BackGround(t500,s);LOG(${CHANNEL(state)})", "", []string{"Ring"}, ""},
		{"n", "BackGround(t500,n);LOG(${BACKGROUNDSTATUS} ${CHANNEL(state)})", "", []string{"SUCCESS Ring"}, ""},
		{"gone file", "BackGround(nope);LOG(${BACKGROUNDSTATUS})", "", []string{"FAILED"}, "no such sound"},
		{"typed ahead", "Answer(,i);MusicOnHold(,0.1);WaitExten(0.1);Set(TIMEOUT(response)=1);Set(TIMEOUT(digit)=1);BackGround(silence/1);LOG(on)", "", []string{"on"}, ""},
	} {
		t.Run(s.name, s.run)
	}
}

func TestRead(t *testing.T) {
	for _, s := range []script{
		{"hash", "Answer(,i);Read(D,t500);LOG([${D}] ${READSTATUS})", "12#", []string{"[12] OK"}, ""},
		{"maximum", "Answer(,i);Read(D,,2);LOG([${D}] ${READSTATUS})", "123", []string{"[12] OK"}, ""},
		{"rest is for the next", "Answer(,i);Read(D,,1);Read(E,,2);LOG(${D} ${E})", "123", []string{"1 23"}, ""},
		{"nothing", "Answer(,i);Read(D,t500,2,,2,0.5);LOG([${D}] ${READSTATUS})", "", []string{"[] TIMEOUT"}, ""},
		{"only hash", "Answer(,i);Read(D,,2);LOG([${D}] ${READSTATUS})", "#", []string{"[] OK"}, ""},
		{"only hash, e", "Answer(,i);Read(D,,2,e);LOG([${D}] ${READSTATUS})", "#", []string{"[#] OK"}, ""},
		{"t", "Answer(,i);Read(D,,9,t(*5));LOG([${D}] ${READSTATUS})", "1#5", []string{"[1#] OK"}, ""},
		{"t without any", "Answer(,i);Read(D,,2,t);LOG([${D}] ${READSTATUS})", "#*", []string{"[#*] OK"}, ""},
		{"tone", "Answer(,i);Read(D,dial,2,i);LOG([${D}] ${READSTATUS})", "12", []string{"[12] OK"}, ""},
		{"odd tone", "Answer(,i);Read(D,nonsense,1,i);LOG([${D}] ${READSTATUS})", "1", []string{"[1] OK"}, "tone nonsense"},
		{"prompt is missing", "Answer(,i);Read(D,nope,1,,3);LOG([${D}] ${READSTATUS})", "", []string{"[] ERROR"}, "no such sound"},
		{"last prompt is missing", "Answer(,i);Read(D,t500&nope,1);LOG([${D}] ${READSTATUS})", "", []string{"[] ERROR"}, "no such sound"},
		{"first prompt is missing", "Answer(,i);Read(D,nope&t500,1,,1,0.2);LOG([${D}] ${READSTATUS})", "", []string{"[] TIMEOUT"}, "no such sound"},
		{"s", "Read(D,t500,1,s);LOG([${D}] ${READSTATUS} ${CHANNEL(state)})", "", []string{"[] SKIPPED Ring"}, ""},
		{"n", "Read(D,t500,1,n,1,0.2);LOG([${D}] ${READSTATUS} ${CHANNEL(state)})", "", []string{"[] TIMEOUT Ring"}, ""},
		{"answers", "Read(D,t500,1,,1,0.2);LOG([${D}] ${READSTATUS} ${CHANNEL(state)})", "", []string{"[] TIMEOUT Up"}, ""},
		{"no variable", "Read();LOG(${READSTATUS})", "", []string{"ERROR"}, "no variable"},
		{"timeouts of the channel", "Answer(,i);Set(TIMEOUT(response)=0.2);Set(EPOCH1=${EPOCH});Read(D);LOG($[${EPOCH}-${EPOCH1}<3])", "", []string{"1"}, ""},

		{"extension", "Answer(,i);ReadExten(E,t500);LOG(${E} ${READEXTENSTATUS})", "23", []string{"23 OK"}, ""},
		{"no extension", "Answer(,i);ReadExten(E);LOG(${E} ${READEXTENSTATUS} ${INVALID_EXTEN})", "9", []string{"i INVALID 9"}, ""},
		{"half of one", "Answer(,i);Set(TIMEOUT(digit)=1);ReadExten(E);LOG(${E} ${READEXTENSTATUS} ${INVALID_EXTEN})", "2", []string{"i INVALID 2"}, ""},
		{"none typed", "Answer(,i);ReadExten(E,,,,0.5);LOG(${E} ${READEXTENSTATUS})", "", []string{"t TIMEOUT"}, ""},
		{"ended by hash", "Answer(,i);ReadExten(E,,other,i);LOG(${E} ${READEXTENSTATUS})", "#", []string{"t TIMEOUT"}, ""},
		{"played to its end", "Answer(,i);ReadExten(E,t500,other,p,0.5);LOG(${E} ${READEXTENSTATUS})", "", []string{"t TIMEOUT"}, ""},
		{"skipped", "ReadExten(E,,,s);LOG([${E}] ${READEXTENSTATUS})", "", []string{"[] SKIP"}, ""},
		{"nothing named", "ReadExten();LOG(${READEXTENSTATUS})", "", []string{"ERROR"}, "no variable"},
	} {
		t.Run(s.name, s.run)
	}
}

func TestAuthenticate(t *testing.T) {
	for _, s := range []script{
		{"right", "Answer(,i);Authenticate(123);LOG(in)", "123#", []string{"in"}, ""},
		{"second try", "Answer(,i);Authenticate(123);LOG(in)", "12#ww123#", []string{"in"}, ""},
		{"wrong", "Answer(,i);Authenticate(123);LOG(in)", "1#2#3#", nil, ""},
		{"silent", "Answer(,i);Authenticate(123);LOG(in)", "", nil, ""},
		{"maximum", "Answer(,i);Authenticate(123,,3,t500);LOG(in)", "123", []string{"in"}, ""},
		{"account", "Answer(,i);Authenticate(77,a);LOG(${CHANNEL(accountcode)})", "77#", []string{"77"}, ""},
		{"database", "Set(DB(pw/55)=x);Answer(,i);Authenticate(/pw,dr);LOG(in ${DB_EXISTS(pw/55)})", "55#", []string{"in 0"}, ""},
		{"not in the database", "Answer(,i);Authenticate(/pw,d);LOG(in)", "5#5#5#", nil, ""},
		{"no file", "Answer(,i);Authenticate({tmp}/none);LOG(in)", "5#", nil, "no such file"},
		{"closed file", "Answer(,i);Authenticate(/etc/passwd);LOG(in)", "5#", nil, "outside the directories"},
		{"nothing", "Answer(,i);Authenticate();LOG(in)", "", nil, "is needed"},
	} {
		t.Run(s.name, s.run)
	}
	inStage(t, "[t]\nexten => s,1,Answer(,i)\n same => n,Authenticate({tmp}/list)\n same => n,Authenticate({tmp}/accounts,ma)\n same => n,Log(NOTICE,${CHANNEL(accountcode)})\n", func(t *testing.T, b *booth) {
		tmp := filepath.Join(b.dir, "tmp")
		for name, text := range map[string]string{"list": "11\n22\n", "accounts": "bob:00\nalice:202CB962AC59075B964B07152D234B70\n"} { // MD5 of 123
			if err := os.WriteFile(filepath.Join(tmp, name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		c, p := b.call("a", "s")
		p.Press("22#wwww123#")
		b.wait(c)
		b.expect("alice")
	})
}

// What is said is what the sounds directory has for it, in order; what has no
// sound of one's own comes from the binary.
func TestSay(t *testing.T) {
	inStage(t, `[t]
exten => s,1,Answer(,i)
 same => n,SayDigits(1*2x)
 same => n,SayNumber(-121,f)
 same => n,SayOrdinal(21)
 same => n,SayNumber(abc)
 same => n,SayNumber(9999999999999)
 same => n,SayNumber()
 same => n,SayAlpha(a b)
 same => n,SayAlphaCase(l,C)
 same => n,SayPhonetic(z9)
 same => n,SayUnixTime(86399,UTC,AdM)
 same => n,SayUnixTime(x,Nowhere/At/All,'beep')
 same => n,Log(NOTICE,done)
 same => n,SayUnixTime(,,,j)
 same => n,Log(NOTICE,no)
exten => 1,1,Log(NOTICE,one)
`, func(t *testing.T, b *booth) {
		events, stop := b.Switch.Subscribe(pbx.EventFilter{Types: []pbx.EventType{pbx.PlaybackStarted, pbx.PlaybackContinues}}, 256)
		c, p := b.call("a", "s")
		for len(b.tracedSoFar()) == 0 {
			<-time.After(time.Second)
		}
		p.Press("1")
		b.wait(c)
		b.expect("done", "one")
		stop()
		var got []string
		for e := range events {
			if e.Type == pbx.PlaybackStarted {
				got = append(got, e.Playback.MediaURI)
			}
		}
		want := []string{
			"digits:1*2x", "number:-121", "ordinal:21", "characters:a b", "characters:C", "phonetic:z9",
			"sound:digits/day-4", "sound:digits/h-1", "sound:digits/50", "sound:digits/9", "sound:beep",
		}
		if d := cmp.Diff(want, got[:min(len(got), len(want))]); d != "" {
			t.Errorf("said (-want +got):\n%s", d)
		}
		for _, w := range []string{`\"abc\"`, "9999999999999", `\"x\"`, "Nowhere"} {
			if !b.hasWarning(w) {
				t.Errorf("no warning about %s: %s", w, b.warn.text())
			}
		}
	})
}

// tracedSoFar gives the trace and leaves it.
func (b *booth) tracedSoFar() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.trace)
}

// Everything is heard: files, tones, music, one's own voice.
func TestHeard(t *testing.T) {
	inStage(t, `[t]
exten => files,1,Playback(t500&t900)
 same => n,Hangup()
exten => tones,1,Answer(,i)
 same => n,Playtones(900)
 same => n,Wait(3)
 same => n,StopPlaytones()
 same => n,Wait(3)
 same => n,Playtones(nonsense)
 same => n,Log(NOTICE,no)
exten => music,1,Answer(,i)
 same => n,MusicOnHold(jazz,3)
 same => n,StartMusicOnHold(jazz)
 same => n,Playback(t900)
 same => n,Wait(3)
 same => n,StopMusicOnHold()
 same => n,Wait(3)
 same => n,MusicOnHold(nope)
 same => n,Log(NOTICE,on)
exten => default,1,Answer(,i)
 same => n,MusicOnHold(,3)
exten => echo,1,Answer(,i)
 same => n,Echo()
 same => n,Log(NOTICE,${CHANNEL(state)})
exten => mw,1,Milliwatt(o)
exten => h,1,Log(NOTICE,h)
`, func(t *testing.T, b *booth) {
		writeTone(t, filepath.Join(b.dir, "snd/moh/jazz/song.wav"), 1300)
		c, p := b.call("files", "files")
		p.Expect("first file", 500)
		<-time.After(700 * time.Millisecond)
		p.Expect("second file", 900)
		b.wait(c)

		c, p = b.call("tones", "tones")
		p.Expect("tone", 900)
		<-time.After(2500 * time.Millisecond)
		p.Expect("no tone")
		b.wait(c)
		if !b.hasWarning("Playtones(nonsense)") {
			t.Errorf("warnings: %s", b.warn.text())
		}
		b.expect("h", "h")

		c, p = b.call("music", "music")
		p.Expect("music", 1300)
		<-time.After(2200 * time.Millisecond)
		p.Expect("a file interrupts", 900)
		<-time.After(time.Second)
		p.Expect("music again", 1300)
		<-time.After(3 * time.Second)
		p.Expect("stopped")
		b.wait(c)
		if !b.hasWarning("no such class of music") {
			t.Errorf("warnings: %s", b.warn.text())
		}
		b.expect("on", "h")

		c, _ = b.call("default", "default")
		meter := &loudness{}
		remove := c.Port().Tap(meter, media.TapOptions{Out: true})
		<-time.After(2 * time.Second)
		remove()
		if got := meter.mean(); got < 250 {
			t.Errorf("the default music has a mean amplitude of %d", got)
		}
		b.wait(c)
		b.expect("h")

		c, p = b.call("echo", "echo")
		p.Says(500)
		p.Expect("echo", 500)
		p.Press("#")
		b.wait(c)
		b.expect("Up", "h")

		c, p = b.call("mw", "mw")
		<-time.After(time.Second) // Milliwatt answers and waits for media
		p.Expect("milliwatt", 1000)
		p.HangUp()
		b.wait(c)
		b.expect("h")
	})
}

// loudness is a sink that measures.
type loudness struct {
	mu     sync.Mutex // guards what follows
	sum, n int
}

func (l *loudness) WriteFrame(pcm []int16, _ int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, v := range pcm {
		l.sum += max(int(v), -int(v))
	}
	l.n += len(pcm)
}

func (l *loudness) mean() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.sum / max(l.n, 1)
}

func TestSendDTMF(t *testing.T) {
	inStage(t, `[t]
exten => s,1,Answer(,i)
 same => n,SendDTMF(1w2?#,100,80)
 same => n,SendDTMF(4,,,Studio/none-1)
 same => n,SendDTMF(5,,,${OTHER})
 same => n,SendDTMF()
 same => n,Wait(1)
 same => n,Log(NOTICE,sent)
`, func(t *testing.T, b *booth) {
		other, op := b.Up("other")
		digits := map[string]chan rune{"a": make(chan rune, 9), "other": make(chan rune, 9)}
		op.OnDigit(func(r rune) { digits["other"] <- r })
		c, p := b.call("a", "s")
		p.OnDigit(func(r rune) { digits["a"] <- r })
		if err := c.SetVariable("OTHER", other.Name()); err != nil {
			t.Fatal(err)
		}
		b.wait(c)
		b.expect("sent")
		for name, want := range map[string]string{"a": "12#", "other": "5"} {
			close(digits[name])
			var got []rune
			for r := range digits[name] {
				got = append(got, r)
			}
			if string(got) != want {
				t.Errorf("%s got %q, want %q", name, string(got), want)
			}
		}
		if !b.hasWarning("not a DTMF digit") || !b.hasWarning("no channel Studio/none-1") {
			t.Errorf("warnings: %s", b.warn.text())
		}
	})
}

func TestControlPlayback(t *testing.T) {
	for _, tt := range []struct{ name, args, press, want string }{
		{"to the end", "t500", "", "SUCCESS  1000"},
		{"stopped", "t500&t900&t1300,,,,0", "w0", "USERSTOPPED 0 "},
		{"begins later", "t500,,,,,,,o(600)", "", "SUCCESS  1000"},
		{"forward over the end", "t500,5000", "#", "SUCCESS "},
		{"paused for good, stopped", "t500,,,,9,8", "8wwww9", "USERSTOPPED 9 "},
		{"back", "t500,2000,#,*,9", "w*w9", "USERSTOPPED 9 "},
		{"again", "t500,200,#,*,9,8,7", "w7ww", "SUCCESS  1000"},
		{"no key", "t500", "5", "SUCCESS  1000"},
		{"missing", "nope", "", "ERROR "},
		{"nothing", "", "", "ERROR "},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			text := "[t]\nexten => s,1,Answer(,i)\n same => n,ControlPlayback(" + tt.args + ")\n same => n,Log(NOTICE,${CPLAYBACKSTATUS} ${CPLAYBACKSTOPKEY} ${CPLAYBACKOFFSET})\n"
			inStage(t, text, func(t *testing.T, b *booth) {
				c, p := b.call("a", "s")
				p.Press(tt.press)
				b.wait(c)
				if got := strings.Join(b.traced(), ";"); !strings.HasPrefix(got, tt.want) {
					t.Errorf("%q, want %q…", got, tt.want)
				}
			})
		})
	}
}

func TestRecord(t *testing.T) {
	for _, tt := range []struct {
		name, args string
		says       int // Hz; 0 = silence is sent, -1 = nothing is sent
		press      string
		want       string // RECORD_STATUS
		file       string // below the test's directory; "" = there must be none
		long       time.Duration
	}{
		{"until hash", "{tmp}/a.wav,,9,q", 500, "ww#", "DTMF", "tmp/a.wav", 1200 * time.Millisecond},
		{"until the time is over", "{tmp}/a.ulaw,,2,q", 500, "", "TIMEOUT", "tmp/a.ulaw", 2 * time.Second},
		{"without any media", "{tmp}/a.gsm,,2,q", -1, "", "TIMEOUT", "tmp/a.gsm", 2 * time.Second},
		{"until silence but for a second", "{tmp}/a.wav,3,20,q", 0, "", "SILENCE", "tmp/a.wav", time.Second},
		{"until silence and all of it", "{tmp}/a.wav,3,20,qu", 0, "", "SILENCE", "tmp/a.wav", 3 * time.Second},
		{"silence in gsm", "{tmp}/a.wav49,3,20,q", -1, "", "SILENCE", "tmp/a.wav49", time.Second},
		{"relative", "deep/er.WAV,,1,q", 500, "", "TIMEOUT", "snd/deep/er.WAV", time.Second},
		{"old spelling", "{tmp}/a:sln,,1,q", 500, "", "TIMEOUT", "tmp/a.sln", time.Second},
		{"star", "{tmp}/a.alaw,,9,qt", 500, "#*", "DTMF", "tmp/a.alaw", 400 * time.Millisecond},
		{"any", "{tmp}/a.wav,,9,qy", 500, "5", "DTMF", "tmp/a.wav", 0},
		{"none", "{tmp}/a.wav,,2,qx", 500, "#*5", "TIMEOUT", "tmp/a.wav", 2 * time.Second},
		{"operator", "{tmp}/a.wav,,9,qo", 500, "0", "OPERATOR", "tmp/a.wav", 0},
		{"beep first", "{tmp}/a.wav,,1", 500, "", "TIMEOUT", "tmp/a.wav", time.Second},
		{"counted", "{tmp}/m%d.wav,,1,q", 500, "", "TIMEOUT", "tmp/m0.wav", time.Second},
		{"no format", "{tmp}/a.mp3,,1,q", 500, "", "ERROR", "", 0},
		{"no suffix", "{tmp}/a,,1,q", 500, "", "ERROR", "", 0},
		{"outside", "/etc/a.wav,,1,q", 500, "", "ERROR", "", 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			text := "[t]\nexten => s,1,Answer(,i)\n same => n,Record(" + tt.args + ")\n same => n,Log(NOTICE,${RECORD_STATUS})\n same => n,Log(NOTICE,${RECORDED_FILE})\n"
			inStage(t, text, func(t *testing.T, b *booth) {
				c, p := b.call("a", "s")
				if tt.says >= 0 {
					p.Says(tt.says)
				}
				p.Press(tt.press)
				b.wait(c)
				base := ""
				if tt.name == "outside" {
					base = "/etc/a" // named, and refused
				}
				if tt.file != "" {
					base = filepath.Join(b.dir, strings.TrimSuffix(tt.file, filepath.Ext(tt.file)))
				}
				b.expect(tt.want, base)
				if tt.file == "" {
					if left, _ := filepath.Glob(filepath.Join(b.dir, "tmp/*")); len(left) > 0 {
						t.Errorf("left: %v", left)
					}
					return
				}
				pcm := pbxtest.ReadFile(t, b.dir, tt.file)
				if got := time.Duration(len(pcm)) * time.Second / 8000; tt.long > 0 && (got < tt.long*85/100 || got > tt.long*115/100) {
					t.Errorf("%v were recorded, want %v", got, tt.long)
				}
				if tones := pbxtest.Tones(pcm); tt.says > 0 && tt.press == "" && !slices.Equal(tones, []int{tt.says}) {
					t.Errorf("tones %v, want %d", tones, tt.says)
				}
			})
		})
	}
}

// A party that hangs up loses its recording unless k is given; a appends; s
// leaves alone who is not up.
func TestRecordEnds(t *testing.T) {
	inStage(t, `[t]
exten => lost,1,Answer(,i)
 same => n,Record({tmp}/lost.wav,,,q)
exten => kept,1,Answer(,i)
 same => n,Record({tmp}/kept.wav,,,qk)
exten => more,1,Answer(,i)
 same => n,Record({tmp}/kept.wav,,1,qa)
 same => n,Record({tmp}/m%d.gsm,,1,q)
 same => n,Record({tmp}/m%d.gsm,,1,q)
 same => n,Log(NOTICE,${RECORDED_FILE})
exten => skip,1,Record({tmp}/no.wav,,1,s)
 same => n,Log(NOTICE,${RECORD_STATUS})
exten => limit,1,Answer(,i)
 same => n,Set(TIMEOUT(absolute)=1)
 same => n,Record({tmp}/limit.wav,,,qk)
exten => T,1,Log(NOTICE,T)
exten => h,1,Log(NOTICE,${RECORD_STATUS})
`, func(t *testing.T, b *booth) {
		for _, exten := range []string{"lost", "kept"} {
			c, p := b.call(exten, exten)
			p.Says(500)
			<-time.After(time.Second)
			p.HangUp()
			b.wait(c)
			b.expect("HANGUP")
		}
		c, p := b.call("more", "more")
		p.Says(900)
		b.wait(c)
		b.expect(filepath.Join(b.dir, "tmp/m1"), "TIMEOUT")
		c, _ = b.call("skip", "skip")
		b.wait(c)
		b.expect("SKIP", "SKIP")
		c, _ = b.call("limit", "limit")
		b.wait(c)
		b.expect("T", "HANGUP")
		synctest.Wait()
		files, err := filepath.Glob(filepath.Join(b.dir, "tmp/*"))
		if err != nil {
			t.Fatal(err)
		}
		for i := range files {
			files[i] = filepath.Base(files[i])
		}
		if d := cmp.Diff([]string{"kept.wav", "limit.wav", "m0.gsm", "m1.gsm"}, files); d != "" {
			t.Errorf("files (-want +got):\n%s", d)
		}
		if d := cmp.Diff([]int{500, 900}, pbxtest.Tones(pbxtest.ReadFile(t, b.dir, "tmp/kept.wav"))); d != "" {
			t.Errorf("kept and appended (-want +got):\n%s", d)
		}
	})
}
