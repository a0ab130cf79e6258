package mixmonitor_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dialwright/dialwright/internal/media"
	"github.com/dialwright/dialwright/internal/mixmonitor"
	"github.com/dialwright/dialwright/internal/pbx"
	"github.com/dialwright/dialwright/internal/pbx/pbxtest"
)

func create(t *testing.T, dir, name string, o mixmonitor.FileOptions) *mixmonitor.File {
	t.Helper()
	f, err := mixmonitor.Create(dir, name, o)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// part gives the tones of a part of a file, in hundredths of a second.
func part(pcm []int16, from, to int) []int {
	if len(pcm) < to*80 {
		return []int{-len(pcm) / 80}
	}
	return pbxtest.Tones(pcm[from*80 : to*80])
}

// Both directions are in one file, each in its own too; joining and leaving a
// bridge changes nothing; louder and quieter.
func TestRecording(t *testing.T) {
	dir := t.TempDir()
	pbxtest.InStudio(t, pbx.Options{}, func(t *testing.T, st *pbxtest.Studio) {
		ca, a := st.Up("a")
		cb, b := st.Up("b")
		a.Says(500)
		b.Says(900)
		full, err := mixmonitor.Start(ca, mixmonitor.Options{
			Mixed: create(t, dir, "x/mix.wav", mixmonitor.FileOptions{}),
			In:    create(t, dir, "x/in.ulaw", mixmonitor.FileOptions{}), Out: create(t, dir, "x/out.sln", mixmonitor.FileOptions{}), GainIn: -2, GainOut: 1,
		})
		if err != nil {
			t.Fatal(err)
		}
		bridged, err := mixmonitor.Start(ca, mixmonitor.Options{Mixed: create(t, dir, "bridged.wav", mixmonitor.FileOptions{}), WhileBridged: true})
		if err != nil {
			t.Fatal(err)
		}
		<-time.After(time.Second)
		br, err := st.Switch.NewBridge(pbx.BridgeOptions{})
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range []*pbx.Channel{ca, cb} {
			if err := br.Add(c, pbx.AddOptions{}); err != nil {
				t.Fatal(err)
			}
		}
		<-time.After(2 * time.Second)
		br.Destroy()
		<-time.After(time.Second)
		if err := bridged.Stop(); err != nil {
			t.Error(err)
		}
		a.HangUp() // ends the other one
		<-full.Done()
		if err := full.Err(); err != nil {
			t.Error(err)
		}
		if err := full.Stop(); err != nil {
			t.Error(err)
		}
	})
	mix, in, out := pbxtest.ReadFile(t, dir, "x/mix.wav"), pbxtest.ReadFile(t, dir, "x/in.ulaw"), pbxtest.ReadFile(t, dir, "x/out.sln")
	for _, tt := range []struct {
		name     string
		pcm      []int16
		from, to int
		want     []int
	}{
		{"mix before", mix, 20, 80, []int{500}}, {"mix bridged", mix, 140, 280, []int{500, 900}}, {"mix after", mix, 330, 390, []int{500}},
		{"in", in, 140, 280, []int{500}}, {"out before", out, 20, 80, nil}, {"out bridged", out, 140, 280, []int{900}},
		{"only bridged", pbxtest.ReadFile(t, dir, "bridged.wav"), 40, 180, []int{500, 900}},
	} {
		if d := cmp.Diff(tt.want, part(tt.pcm, tt.from, tt.to)); d != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, d)
		}
	}
	if n := len(pbxtest.ReadFile(t, dir, "bridged.wav")); n < 15000 || n > 17000 {
		t.Errorf("only bridged: %d samples", n)
	}
	if loud, quiet := slices.Max(in[10000:20000]), slices.Max(mix[2000:6000]); quiet > loud/3 {
		t.Errorf("the party is not quieter in the mix: %d, %d", quiet, loud)
	}
}

// A file is continued, overwritten, refused.
func TestCreate(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, o mixmonitor.FileOptions, samples int) error {
		f, err := mixmonitor.Create(dir, name, o)
		if err != nil {
			return err
		}
		f.WriteFrame(make([]int16, samples), f.Rate())
		return f.Close()
	}
	for _, name := range []string{"a.wav", "a.ulaw", "a.sln", "a.gsm", "a.WAV", "a.al"} {
		for _, tt := range []struct {
			o    mixmonitor.FileOptions
			want int
		}{{mixmonitor.FileOptions{}, 960}, {mixmonitor.FileOptions{Append: true}, 1920}, {mixmonitor.FileOptions{Append: true}, 2880}, {mixmonitor.FileOptions{}, 960}} {
			if err := write(name, tt.o, 960); err != nil {
				t.Fatal(name, err)
			}
			if got := len(pbxtest.ReadFile(t, dir, name)); got != tt.want {
				t.Errorf("%s: %d samples, want %d", name, got, tt.want)
			}
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "odd.wav"), []byte("RIFFxxxx"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(t.TempDir(), filepath.Join(dir, "out")); err != nil {
		t.Fatal(err)
	}
	elsewhere := filepath.Join(t.TempDir(), "sub/x.wav")
	for _, tt := range []struct {
		name string
		o    mixmonitor.FileOptions
		want error
	}{
		{"../x.wav", mixmonitor.FileOptions{}, mixmonitor.ErrOutside},
		{elsewhere, mixmonitor.FileOptions{}, mixmonitor.ErrOutside},
		{elsewhere, mixmonitor.FileOptions{Outside: true}, nil},
		{filepath.Join(dir, "in.wav"), mixmonitor.FileOptions{}, nil},
		{"x.mp3", mixmonitor.FileOptions{}, media.ErrFormat},
		{"noformat", mixmonitor.FileOptions{}, media.ErrFormat},
	} {
		if err := write(tt.name, tt.o, 1); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, err, tt.want)
		}
	}
	for _, name := range []string{"odd.wav", "out/x.wav"} {
		if write(name, mixmonitor.FileOptions{Append: true}, 1) == nil {
			t.Errorf("%s was written", name)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "x.mp3")); err == nil {
		t.Error("a file without format was left behind")
	}
	if f := create(t, dir, "w.sln16", mixmonitor.FileOptions{}); f.Rate() != 16000 || f.Path() != filepath.Join(dir, "w.sln16") || f.Close() != nil {
		t.Errorf("wide: %d, %s", f.Rate(), f.Path())
	}
}
