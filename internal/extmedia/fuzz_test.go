package extmedia

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// No octets break the reader of AudioSockets, and what was read is what was sent.
func FuzzAudioSocket(f *testing.F) {
	id := bytes.Repeat([]byte{0x42}, 16)
	f.Add(appendMessage(nil, kindUUID, id))
	f.Add(appendMessage(appendMessage(nil, kindSlin, make([]byte, 320)), kindHangup, nil))
	f.Add([]byte{kindDTMF, 0, 1, '5', kindError, 0, 0})
	f.Add([]byte{kindSlin, 0xff, 0xff, 1, 2})
	f.Add([]byte("GET / HTTP/1.1\r\n"))
	f.Fuzz(func(t *testing.T, in []byte) {
		r := bufio.NewReader(bytes.NewReader(in))
		var buf, again []byte
		for {
			m, b, err := readMessage(r, buf)
			if err != nil {
				if whole := len(again) == len(in); whole != errors.Is(err, io.EOF) {
					t.Fatalf("%v after %d of %d octets", err, len(again), len(in))
				}
				break
			}
			buf = b
			again = appendMessage(again, m.kind, m.payload)
		}
		if !bytes.HasPrefix(in, again) {
			t.Fatalf("read % x of % x", again, in)
		}
	})
}

// No message of a program breaks a WebSocket's feed, or makes it grow.
func FuzzControl(f *testing.F) {
	for _, s := range []string{
		"ANSWER", "START_MEDIA_BUFFERING", "STOP_MEDIA_BUFFERING 1", "FLUSH_MEDIA", "PAUSE_MEDIA", "CONTINUE_MEDIA", "MARK_MEDIA x y",
		"REPORT_QUEUE_DRAINED", "GET_STATUS", "SET_MEDIA_DIRECTION in", "", " ", "\x00", "MARK_MEDIA \xff\n",
		`{"command":"MARK_MEDIA","correlation_id":"a"}`, `{"command":3}`, `{`, `[]`, `null`,
	} {
		f.Add([]byte(s), []byte("audio"), true, false)
		f.Add([]byte(s), make([]byte, 1000), false, true)
	}
	slin, _ := lookup("slin")
	f.Fuzz(func(t *testing.T, text, audio []byte, asJSON, passed bool) {
		fd := newFeed(slin.frame)
		fd.startBuffering()
		for range 5 {
			fd.put(audio)
			if len(audio) > 0 {
				fd.pass(audio[:min(len(audio), slin.frame)])
			}
			cmd, err := parseCommand(text, asJSON)
			tell := []notice{mistake("x")}
			if err == nil {
				tell = append(tell, cmd.obey(fd, dialString{format: slin, passed: passed}, slin.silence())...)
			}
			for range 3 {
				frame, more := fd.next()
				if len(frame) > slin.frame {
					t.Fatalf("frame of %d octets", len(frame))
				}
				tell = append(tell, more...)
			}
			for _, n := range tell {
				b, err := n.encode("1.2", asJSON)
				if err != nil || asJSON && !json.Valid(b) || !bytes.Contains(b, []byte(n.event)) {
					t.Fatalf("%q, %v", b, err)
				}
			}
		}
		if n := len(fd.queue); n != fd.frames+fd.marks || fd.frames > queueMost+len(audio)/slin.frame+1 || len(fd.rest) >= slin.frame {
			t.Fatalf("%d entries, %d frames, %d marks, %d octets left", n, fd.frames, fd.marks, len(fd.rest))
		}
	})
}

// No resource breaks the reading of dial strings.
func FuzzResource(f *testing.F) {
	for _, s := range []string{"a/c(ulaw)nf(json)v(a=b/c)", "ws://h:1/p/c(slin16)", "//", "(", ")", "a/)(", "x/v(%zz)"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		name, options := cutOptions(s)
		if whole := name + "/" + options; whole != s && name != s {
			t.Fatalf("%q became %q and %q", s, name, options)
		}
		if d, err := parseOptions(options, "ulaw"); err == nil && d.format.frame == 0 {
			t.Fatalf("%q has no format", options)
		}
	})
}

func TestResources(t *testing.T) {
	ulaw, _ := lookup("ulaw")
	slin16, _ := lookup("slin16")
	for _, tt := range []struct {
		resource, name string
		want           dialString
		err            string
	}{
		{"INCOMING", "INCOMING", dialString{format: ulaw}, ""},
		{"bot/c(SLIN16)n", "bot", dialString{format: slin16, noAnswer: true}, ""},
		{"bot/pf(json)d(out)", "bot", dialString{format: ulaw, passed: true, json: true, direction: "out"}, ""},
		{"bot/f(plain-text)f", "bot", dialString{format: ulaw}, ""},
		{"ws://h:1/a/b/c(ulaw)v(x=1,y=%2F,z=/)", "ws://h:1/a/b", dialString{format: ulaw, query: "x=1&y=%2F&z=/"}, ""},
		{"bot/c(opus)", "bot", dialString{}, "cannot convert"},
		{"bot/c(ulaw", "bot", dialString{}, "not closed"},
		{"bot/x", "bot", dialString{}, "unknown"},
		{"bot/v(a=b c)", "bot", dialString{}, "not URI encoded"},
		{"bot/v(a=%2)", "bot", dialString{}, "not URI encoded"},
		{"bot/d(up)", "bot", dialString{}, "not in, out or both"},
	} {
		name, options := cutOptions(tt.resource)
		got, err := parseOptions(options, "ulaw")
		switch {
		case name != tt.name:
			t.Errorf("%s: name %q", tt.resource, name)
		case tt.err != "" && (err == nil || !strings.Contains(err.Error(), tt.err)):
			t.Errorf("%s: %v, want %s", tt.resource, err, tt.err)
		case tt.err == "" && (err != nil || cmp.Diff(tt.want, got, cmp.AllowUnexported(dialString{}, format{})) != ""):
			t.Errorf("%s: %+v, %v", tt.resource, got, err)
		}
	}
}

// Frames, what is left over, and the order of marks.
func TestFeed(t *testing.T) {
	f := newFeed(4)
	next := func(want string, tell ...string) {
		t.Helper()
		frame, n := f.next()
		var got []string
		for _, n := range n {
			b, _ := n.encode("c", false)
			got = append(got, string(b))
		}
		if string(frame) != want || cmp.Diff(tell, got) != "" {
			t.Errorf("%q %q, want %q %q", frame, got, want, tell)
		}
	}
	f.put([]byte("abcdefghij"))
	next("abcd")
	next("efgh")
	next("") // ij was dropped
	f.startBuffering()
	f.put([]byte("ab"))
	next("")
	f.put([]byte("c"))
	f.put([]byte("defghi"))
	f.stopBuffering(notice{eventBuffered, []field{{"correlation_id", "7"}}}, []byte("...."))
	f.put([]byte("wxyz"))
	next("abcd")
	next("efgh")
	next("i...")
	next("wxyz", "MEDIA_BUFFERING_COMPLETED 7")
	next("")
	f.pause(true)
	f.put([]byte("abcd"))
	f.reportDrained()
	next("")
	f.pause(false)
	next("abcd")
	next("", "QUEUE_DRAINED")
	for i := range marksMost + 1 {
		if ok := f.mark(notice{event: eventMark}); ok != (i < marksMost) {
			t.Fatalf("mark %d: %v", i, ok)
		}
	}
	f.flush()
	next("")
	for i := range queueMost + 5 {
		if xoff := f.put([]byte("abcd")); xoff != (i == queueOff-1) {
			t.Fatalf("frame %d: %v", i, xoff)
		}
	}
	if f.dropped != 20 || !f.isFull() {
		t.Errorf("%d octets dropped, full %v", f.dropped, f.isFull())
	}
	for range queueMost - queueOn + 1 {
		next("abcd")
	}
	next("abcd", "MEDIA_XON")
	f.setDeaf(true)
	f.flush()
	f.put([]byte("abcd"))
	next("")
}
