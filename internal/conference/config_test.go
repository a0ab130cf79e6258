package conference

import (
	"errors"
	"io/fs"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
)

const sample = `[general]
[default_bridge]
type=bridge
[small]
type=bridge
max_members=2
record_conference=yes
record_file=/tmp/x.wav
record_file_append=no
record_file_timestamp=yes
language=de
sound_muted=my-muted
sound_join=
internal_sample_rate=auto
max_member=7
[boss](!)
type=user
admin=yes
[chair](boss)
marked=yes
pin=1234
timeout=60
announce_user_count_all=5
dsp_silence_threshold=2000
dsp_talking_threshold=100
answer_channel=no
announce_only_user=no
music_on_hold_class=soft
announcement=hello
nonsense=1
timeout=soon
[keys]
type=menu
*=playback_and_continue(conf-usermenu)
*1=toggle_mute
4=dialplan_exec(ctx,100,1),no_op
5=fly
x=no_op
7=toggle_binaural
[more]
type=menu
template=keys
*1=leave_conference
[lost]
type=room
`

func TestLoad(t *testing.T) {
	c, problems, err := Load(fstest.MapFS{"confbridge.conf": {Data: []byte(sample)}})
	if err != nil {
		t.Fatal(err)
	}
	var texts []string
	for _, p := range problems {
		texts = append(texts, p.Text)
	}
	wantTexts := []string{
		`a conference has no option "max_member"; the line is ignored`,
		`a conference user has no option "nonsense"; the line is ignored`,
		`timeout = "soon" is not a number from 0 on; the line is ignored`,
		`a menu has no action "fly"; the line is ignored`,
		`a menu has no option "X"; the line is ignored`,
		`section lost has no type bridge, user or menu; it is ignored`,
	}
	if d := cmp.Diff(wantTexts, texts); d != "" {
		t.Errorf("problems (-want +got):\n%s", d)
	}
	small := BridgeProfile{
		MaxMembers: 2, Record: true, RecordFile: "/tmp/x.wav", RecordTimestamp: true, Language: "de",
		Sounds: map[string]string{"sound_muted": "my-muted", "sound_join": ""},
	}
	if d := cmp.Diff(small, c.Bridges["small"]); d != "" {
		t.Errorf("bridge (-want +got):\n%s", d)
	}
	if p := c.Bridges["small"]; p.sound("sound_muted") != "my-muted" || p.sound("sound_join") != "" || p.sound("sound_leave") != "confbridge-leave" {
		t.Error("sounds")
	}
	chair := UserProfile{
		Admin: true, Marked: true, PIN: "1234", AnnounceCountAll: 5, TalkThreshold: 2 * time.Second, SilenceLevel: 100, NoAnswer: true,
		HearOwnJoinSound: true, MusicClass: "soft", Announcement: "hello", Timeout: 0,
	}
	if d := cmp.Diff(chair, c.Users["chair"]); d != "" {
		t.Errorf("user (-want +got):\n%s", d)
	}
	if _, ok := c.Users["boss"]; ok {
		t.Error("a template is no profile")
	}
	for _, name := range []string{DefaultBridgeName, DefaultUserName, DefaultMenuName} {
		_, b := c.Bridges[name]
		_, u := c.Users[name]
		_, m := c.Menus[name]
		if !b && !u && !m {
			t.Errorf("no %s", name)
		}
	}
}

func TestMenuMatch(t *testing.T) {
	c, _, err := Load(fstest.MapFS{"confbridge.conf": {Data: []byte(sample)}})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		menu, typed string
		want        []Action
		more        bool
	}{
		{"keys", "*", []Action{{"playback_and_continue", "conf-usermenu"}}, true},
		{"keys", "*1", []Action{{"toggle_mute", ""}}, false},
		{"keys", "4", []Action{{"dialplan_exec", "ctx,100,1"}, {"no_op", ""}}, false},
		{"keys", "7", []Action{{"no_op", ""}}, false},
		{"keys", "5", nil, false},
		{"more", "*1", []Action{{"leave_conference", ""}}, false},
		{"more", "4", []Action{{"dialplan_exec", "ctx,100,1"}, {"no_op", ""}}, false},
		{DefaultMenuName, "1", nil, false},
	} {
		m := c.Menus[tt.menu]
		got, found, more := m.Match(tt.typed)
		if d := cmp.Diff(tt.want, got); d != "" || more != tt.more || found != (tt.want != nil) {
			t.Errorf("%s %s: more %v found %v (-want +got):\n%s", tt.menu, tt.typed, more, found, d)
		}
	}
}

func TestNoFile(t *testing.T) {
	c, problems, err := Load(fstest.MapFS{})
	if err != nil || len(problems) != 0 || len(c.Bridges) != 1 || len(c.Users) != 1 || len(c.Menus) != 1 {
		t.Errorf("%+v, %v, %v", c, problems, err)
	}
	if _, _, err := Load(fstest.MapFS{"confbridge.conf": {Data: []byte("x=1\n")}}); err == nil {
		t.Error("text before the first section was accepted")
	}
}

func TestRecordFile(t *testing.T) {
	at := time.Unix(1000, 0)
	for _, tt := range []struct {
		p    BridgeProfile
		want string
	}{
		{BridgeProfile{}, "confbridge-a-b-1000.wav"},
		{BridgeProfile{RecordFile: "x.ulaw"}, "x.ulaw"},
		{BridgeProfile{RecordFile: "d/x.wav", RecordTimestamp: true}, "d/x-1000.wav"},
	} {
		if got := (&room{name: "a/b", p: tt.p}).recordFile(at); got != tt.want {
			t.Errorf("%+v: %s, want %s", tt.p, got, tt.want)
		}
	}
}

func FuzzMenu(f *testing.F) {
	for _, s := range []string{"*1|toggle_mute", "4|dialplan_exec(ctx,100,1),no_op", "|", "1|playback((", "#|,,)("} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		i := 0
		for i < len(text) && text[i] != '|' {
			i++
		}
		var m Menu
		if err := m.Set(text[:i], text[min(i+1, len(text)):]); err != nil {
			return
		}
		if len(m.entries) != 1 || len(m.entries[0].actions) == 0 {
			t.Errorf("%q: %+v", text, m)
		}
	})
}

// A file that confbridge.conf includes must be there: without it the profiles are not
// what was meant.
func TestMissingIncludeIsAnError(t *testing.T) {
	fsys := fstest.MapFS{"confbridge.conf": {Data: []byte("#include \"rooms.conf\"\n")}}
	if _, _, err := Load(fsys); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("error %v", err)
	}
	if _, _, err := Load(fstest.MapFS{}); err != nil {
		t.Errorf("without a file: %v", err)
	}
}
