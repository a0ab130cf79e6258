package peers

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/dialwright/dialwright/test/harness"
)

// baresip is a registered phone made of the foreign SIP stack of the same
// name. It plays a tone of its own and records what it hears.
type baresip struct {
	t    *testing.T
	dir  string
	cmd  *exec.Cmd
	log  *harness.Log
	seen chan string // lines of its output
}

const baresipConfig = `poll_method epoll
sip_listen 127.0.0.1:%d
audio_source aufile,%s
audio_player aubridge,%s
audio_level no
module_path /usr/lib/baresip/modules
module g711.so
module aufile.so
module aubridge.so
module sndfile.so
module_app account.so
module_app menu.so
snd_path %s
rtp_ports %d-%d
net_interface 127.0.0.1
`

// startBaresip registers a phone at the server and returns when the server has
// accepted it. mode is "auto" (answers) or "manual" (rings for ever).
func startBaresip(t *testing.T, srv *harness.Server, name, mode string, toneHz float64) *baresip {
	t.Helper()
	harness.RequirePeer(t, "baresip", "baresip-core")
	b := &baresip{t: t, dir: t.TempDir(), log: &harness.Log{}, seen: make(chan string, 4096)}
	tone := filepath.Join(b.dir, "tone.wav")
	sounds := filepath.Join(b.dir, "heard")
	first := harness.MediaRange()
	port := freePortPair(t)
	write := func(file, text string) {
		if err := os.WriteFile(filepath.Join(b.dir, file), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(sounds, 0o755); err != nil {
		t.Fatal(err)
	}
	writeTone(t, tone, toneHz, 60*time.Second)
	write("config", fmt.Sprintf(baresipConfig, port, tone, name, sounds, first, first+400-1))
	write("contacts", "")
	write("accounts", fmt.Sprintf("<sip:%s@127.0.0.1:%d>;auth_user=%s;auth_pass=secret-%s;answermode=%s;regint=60\n", name, srv.SIP, name, name, mode))

	b.cmd = exec.Command("baresip", "-f", b.dir)
	out, in := io.Pipe()
	b.cmd.Stdout, b.cmd.Stderr = in, in
	if err := b.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		lines := bufio.NewScanner(out)
		lines.Split(splitLines)
		for lines.Scan() {
			b.log.Add(lines.Text())
			select {
			case b.seen <- lines.Text():
			default: // nobody waits for a line; the log has it
			}
		}
	}()
	t.Cleanup(func() {
		b.stop()
		if t.Failed() {
			t.Logf("baresip %s:\n%s", name, b.log.Tail(4000))
		}
	})
	b.await("[1 binding]")
	return b
}

// splitLines ends lines at CR as well, which baresip uses for its counters.
func splitLines(data []byte, atEOF bool) (int, []byte, error) {
	if i := strings.IndexAny(string(data), "\r\n"); i >= 0 {
		return i + 1, data[:i], nil
	}
	if atEOF && len(data) > 0 {
		return len(data), data, nil
	}
	return 0, nil, nil
}

// await returns when a line with text has been printed.
func (b *baresip) await(text string) {
	b.t.Helper()
	deadline := time.After(20 * time.Second)
	for {
		select {
		case line := <-b.seen:
			if strings.Contains(line, text) {
				return
			}
		case <-deadline:
			b.t.Fatalf("baresip did not say %q:\n%s", text, b.log.Tail(4000))
		}
	}
}

// stop ends the phone, which also completes its recordings.
func (b *baresip) stop() {
	if b.cmd.ProcessState != nil {
		return
	}
	b.cmd.Process.Signal(syscall.SIGTERM)
	done := make(chan struct{})
	go func() { b.cmd.Wait(); close(done) }()
	select {
	case <-done:
	case <-time.After(10 * time.Second):
		b.cmd.Process.Kill()
		<-done
	}
}

// heard gives the frequency of what the phone heard in its only call.
func (b *baresip) heard() float64 {
	b.t.Helper()
	return frequency(b.recorded(), 8000)
}

// recorded gives what the phone heard in its only call, after stop.
func (b *baresip) recorded() []int16 {
	b.t.Helper()
	files, _ := filepath.Glob(filepath.Join(b.dir, "heard", "*-dec.wav"))
	if len(files) != 1 {
		b.t.Fatalf("%d recordings of what was heard, want 1", len(files))
	}
	data, err := os.ReadFile(files[0])
	if err != nil {
		b.t.Fatal(err)
	}
	return samples(data)
}

// heardFor says whether the phone heard a tone for so long without a break, at
// any time of its only call.
func (b *baresip) heardFor(hz float64, d time.Duration) bool {
	b.t.Helper()
	pcm, window := b.recorded(), int(d*8000/time.Second)
	for at := 0; at+window <= len(pcm); at += window / 4 {
		// frequency measures the second half of what it is given
		if f := frequency(append(make([]int16, window), pcm[at:at+window]...), 8000); math.Abs(f-hz) < hz/50 {
			return true
		}
	}
	return false
}

// samples gives the 16-bit samples of a WAV file.
func samples(wav []byte) []int16 {
	if len(wav) < 44 {
		return nil
	}
	pcm := make([]int16, (len(wav)-44)/2)
	for i := range pcm {
		pcm[i] = int16(binary.LittleEndian.Uint16(wav[44+2*i:]))
	}
	return pcm
}

// frequency counts zero crossings in the second half of pcm, in Hz; 0 for
// silence. It shares no code with the server's own measuring.
func frequency(pcm []int16, rate int) float64 {
	pcm = pcm[len(pcm)/2:]
	crossings, peak := 0, 0.0
	for i := 1; i < len(pcm); i++ {
		peak = max(peak, math.Abs(float64(pcm[i])))
		if (pcm[i-1] < 0) != (pcm[i] < 0) {
			crossings++
		}
	}
	if peak < 500 || len(pcm) == 0 {
		return 0
	}
	return float64(crossings) / 2 * float64(rate) / float64(len(pcm))
}

func writeTone(t *testing.T, file string, hz float64, d time.Duration) {
	t.Helper()
	n := int(d.Seconds() * 8000)
	b := make([]byte, 0, 44+2*n)
	b = append(b, "RIFF"...)
	b = binary.LittleEndian.AppendUint32(b, uint32(36+2*n))
	b = append(b, "WAVEfmt "...)
	b = binary.LittleEndian.AppendUint32(b, 16)
	b = binary.LittleEndian.AppendUint16(b, 1) // PCM
	b = binary.LittleEndian.AppendUint16(b, 1) // channel
	b = binary.LittleEndian.AppendUint32(b, 8000)
	b = binary.LittleEndian.AppendUint32(b, 16000)
	b = binary.LittleEndian.AppendUint16(b, 2)
	b = binary.LittleEndian.AppendUint16(b, 16)
	b = append(b, "data"...)
	b = binary.LittleEndian.AppendUint32(b, uint32(2*n))
	for i := range n {
		v := int16(12000 * math.Sin(2*math.Pi*hz*float64(i)/8000))
		b = binary.LittleEndian.AppendUint16(b, uint16(v))
	}
	if err := os.WriteFile(file, b, 0o644); err != nil {
		t.Fatal(err)
	}
}

// freePortPair gives a port whose successor is free too: baresip takes it for TLS.
func freePortPair(t *testing.T) int {
	t.Helper()
	return harness.FreePorts(t, 2)
}

// startCall runs `dialwright call` and gives the lines that it prints.
func startCall(t *testing.T, srv *harness.Server, args ...string) (*exec.Cmd, <-chan string) {
	t.Helper()
	cmd := srv.Command(append([]string{"call"}, args...)...)
	out, in := io.Pipe()
	cmd.Stdout, cmd.Stderr = in, in
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ch := make(chan string, 1024)
	go func() {
		for sc := bufio.NewScanner(out); sc.Scan(); {
			ch <- sc.Text()
		}
		close(ch)
	}()
	t.Cleanup(func() { cmd.Process.Kill(); in.Close() })
	return cmd, ch
}

// awaitLine returns when the command has printed a line with text.
func awaitLine(t *testing.T, lines <-chan string, text string) {
	t.Helper()
	deadline := time.After(20 * time.Second)
	var all []string
	for {
		select {
		case l, ok := <-lines:
			if !ok {
				t.Fatalf("command ended without %q:\n%s", text, strings.Join(all, "\n"))
			}
			all = append(all, l)
			if strings.Contains(strings.ToLower(l), text) {
				return
			}
		case <-deadline:
			t.Fatalf("command did not print %q:\n%s", text, strings.Join(all, "\n"))
		}
	}
}

// TestCallConnectsTwoPhones proves with two foreign phones that the command
// line connects them and that each hears the other's tone.
func TestCallConnectsTwoPhones(t *testing.T) {
	t.Parallel()
	srv := harness.Start(t, harness.Phone("101", ""), harness.Phone("102", ""))
	a := startBaresip(t, srv, "101", "auto", 600)
	b := startBaresip(t, srv, "102", "auto", 900)

	cmd, lines := startCall(t, srv, "101", "102", "--max-time", "4s")
	awaitLine(t, lines, "connected")
	if err := cmd.Wait(); err != nil {
		t.Errorf("dialwright call ended with %v, want success", err)
	}
	a.await("terminated")
	b.await("terminated")
	a.stop()
	b.stop()
	if hz := a.heard(); math.Abs(hz-900) > 40 {
		t.Errorf("A heard %.0f Hz, want B's 900 Hz", hz)
	}
	if hz := b.heard(); math.Abs(hz-600) > 40 {
		t.Errorf("B heard %.0f Hz, want A's 600 Hz", hz)
	}
}

// TestInterruptCancelsRingingCall proves that Ctrl-C while A rings stops the
// ringing, and what the exit status says.
func TestInterruptCancelsRingingCall(t *testing.T) {
	t.Parallel()
	srv := harness.Start(t, harness.Phone("101", ""), harness.Phone("102", ""))
	a := startBaresip(t, srv, "101", "manual", 600)

	cmd, lines := startCall(t, srv, "101", "102")
	awaitLine(t, lines, "ringing")
	cmd.Process.Signal(os.Interrupt)
	cmd.Wait()
	if code := cmd.ProcessState.ExitCode(); code != 5 {
		t.Errorf("exit status %d after Ctrl-C while ringing, want 5 (cancelled)", code)
	}
	a.await("closed")
}
