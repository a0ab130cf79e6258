package app

import (
	"context"
	"encoding/binary"
	"math"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/dialwright/dialwright/internal/config"
	"github.com/dialwright/dialwright/internal/door/rest"
	"github.com/dialwright/dialwright/internal/softphone"
)

// tone gives two seconds of a sine as raw 16-bit samples at 8 kHz (.sln).
func tone(hz float64) []byte {
	var out []byte
	for i := range 16000 {
		out = binary.LittleEndian.AppendUint16(out, uint16(int16(8000*math.Sin(2*math.Pi*hz*float64(i)/8000))))
	}
	return out
}

// A phone is rung by a server that was restarted, before it registers again,
// and hears a file of the sounds directory in the language's folder.
func TestRegistrationsAndSoundsOverARestart(t *testing.T) {
	dir := t.TempDir()
	sounds := filepath.Join(dir, "sounds")
	if err := os.MkdirAll(filepath.Join(sounds, "en"), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, hz := range map[string]float64{"hello.sln": 620, "en/hello.sln": 1150} {
		if err := os.WriteFile(filepath.Join(sounds, name), tone(hz), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	listen := "udp:127.0.0.1:0"
	begin := func() (*App, Ready) {
		a, err := New(Options{Log: t.Output(), Adjust: func(c *config.Config) {
			onLoopback(dir)(c)
			c.SIP.Listen, c.Media.Sounds = []string{listen}, sounds
			c.Phones = map[string]config.Phone{"101": {Password: "long-enough"}}
		}})
		if err != nil {
			t.Fatal(err)
		}
		r, err := a.Start(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return a, r
	}
	a, r := begin()
	listen = r.SIP[0]
	p, err := softphone.New(softphone.Config{User: "101", Password: "long-enough", Server: listen[len("udp:"):], Rule: softphone.Rule{Action: softphone.Answer}})
	if err == nil {
		err = p.Start(t.Context())
	}
	if err == nil {
		err = p.WaitRegistered(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	var st rest.Stats
	control := controlOf(t, a)
	for st.SIP.Sent < 2 && t.Context().Err() == nil { // the phone may have the answer before it is counted
		if err := control.Get(t.Context(), "/v1/stats", nil, &st); err != nil {
			t.Fatal(err)
		}
	}
	if st.SIP.Registered != 1 || st.SIP.Received < 2 || st.SIP.Sent < 2 {
		t.Errorf("SIP counters %+v", st.SIP)
	}
	if err := a.Stop(t.Context()); err != nil {
		t.Error(err)
	}

	a, _ = begin()
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 15*time.Second)
		defer cancel()
		if err := p.Stop(ctx); err != nil {
			t.Error(err)
		}
		if err := a.Stop(ctx); err != nil {
			t.Error(err)
		}
	}()
	c := controlOf(t, a)
	var made rest.Call
	if err := c.Post(t.Context(), "/v1/calls", map[string]any{"first": "101", "application": map[string]any{"name": "Playback", "data": "hello"}}, &made); err != nil {
		t.Fatal(err)
	}
	call, err := p.NextCall(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := call.WaitTone(t.Context(), 1150); err != nil {
		t.Error(err)
	}
	if err := call.WaitEnded(t.Context()); err != nil {
		t.Error(err)
	}
}
