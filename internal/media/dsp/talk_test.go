package dsp

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

// script is audio by words: "s500" 500 ms of silence, "t500" of tone, "n500"
// of noise.
func script(text string) []int16 {
	r := rand.New(rand.NewPCG(5, 6))
	var pcm []int16
	for word := range strings.FieldsSeq(text) {
		var ms int
		fmt.Sscanf(word[1:], "%d", &ms)
		d := time.Duration(ms) * time.Millisecond
		switch word[0] {
		case 's':
			pcm = append(pcm, make([]int16, ms*8)...)
		case 't':
			pcm = append(pcm, render(single(300, -13), d)...)
		case 'n':
			pcm = append(pcm, noisy(make([]int16, ms*8), 1500, r)...)
		}
	}
	return pcm
}

func TestM10_TalkAndSilence(t *testing.T) {
	for _, tt := range []struct{ name, audio, want string }{
		{"silence", "s5000", ""},
		{"talk, then silence", "s1000 t2000 s3000", "talk after 1s, silence after 2s"},
		{"a click is no talk", "s1000 t60 s3000", ""},
		{"a breath does not end it", "s1000 t1000 s1000 t1000 s3000", "talk after 1s, silence after 3s"},
		{"steady noise becomes the floor", "n20000", "talk after 0s, silence after"},
	} {
		var got []string
		d := NewTalkDetector(8000, TalkConfig{}, func(talking bool, lasted time.Duration) {
			word := "silence"
			if talking {
				word = "talk"
			}
			got = append(got, fmt.Sprintf("%s after %v", word, lasted))
		})
		pcm := script(tt.audio)
		for from := 0; from < len(pcm); from += 80 {
			d.Write(pcm[from:min(from+80, len(pcm))])
		}
		if s := strings.Join(got, ", "); !strings.HasPrefix(s, tt.want) || tt.want == "" && s != "" {
			t.Errorf("%s: got %q, want %q", tt.name, s, tt.want)
		}
		if d.Talking() != strings.HasPrefix(last(got), "talk") {
			t.Errorf("%s: Talking %v", tt.name, d.Talking())
		}
	}
}

func last(list []string) string {
	if len(list) == 0 {
		return ""
	}
	return list[len(list)-1]
}

func TestM10_TalkOverNoise(t *testing.T) {
	changes := 0
	d := NewTalkDetector(8000, TalkConfig{SilenceAfter: time.Second}, func(bool, time.Duration) { changes++ })
	d.Write(script("n20000"))
	if d.Talking() {
		t.Fatal("noise is still talk")
	}
	d.Write(script("t1000"))
	if !d.Talking() {
		t.Error("a voice above the noise was not heard")
	}
}

// TestM10_AMD follows the rules and figures of Asterisk's app_amd.c.
func TestM10_AMD(t *testing.T) {
	for _, tt := range []struct {
		name, audio, want string
		config            AMDConfig
	}{
		{"silence", "s6000", "MACHINE INITIALSILENCE-2500-2500", AMDConfig{}},
		{"hello", "s400 t500 s2000", "HUMAN HUMAN-800-800", AMDConfig{}},
		{"hello at once", "t500 s2000", "HUMAN HUMAN-800-800", AMDConfig{}},
		{"long greeting", "s300 t3000", "MACHINE LONGGREETING-1500-1500", AMDConfig{}},
		{"many words", "s200 t160 s100 t160 s100 t160 s100 t160 s100 t160", "MACHINE MAXWORDS-4-3", AMDConfig{}},
		{"one endless word", "s200 t3000", "MACHINE MAXWORDLENGTH-1000", AMDConfig{MaxWordLength: time.Second}},
		{"clicks only", "t40 s1000 t40 s1000 t40 s1000 t40 s1000 t40 s1000", "NOTSURE TOOLONG-5000", AMDConfig{}},
		{"short limit", "s2000", "NOTSURE TOOLONG-1000", AMDConfig{TotalTime: time.Second}},
		{"other figures", "s1000", "MACHINE INITIALSILENCE-500-500", AMDConfig{InitialSilence: 500 * time.Millisecond}},
		{"quiet is silence", "n6000", "MACHINE INITIALSILENCE-2500-2500", AMDConfig{SilenceThreshold: 3000}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := NewAMD(8000, tt.config)
			pcm := script(tt.audio)
			var r AMDResult
			for from, done := 0, false; from < len(pcm) && !done; from += 160 {
				r, done = a.Write(pcm[from:min(from+160, len(pcm))])
			}
			if got := r.Status + " " + r.Cause; got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
			if again := a.Hangup(); again != r {
				t.Errorf("the result changed to %v", again)
			}
		})
	}
}

func TestM10_AMDEndsWithTheCall(t *testing.T) {
	a := NewAMD(8000, AMDConfig{})
	if r, done := a.Write(script("s500")); done {
		t.Fatalf("too early: %v", r)
	}
	if r := a.Hangup(); r != (AMDResult{AMDHangup, ""}) {
		t.Errorf("hangup: %v", r)
	}
	if r := NewAMD(8000, AMDConfig{}).Timeout(); r != (AMDResult{AMDNotSure, "NOAUDIODATA-0"}) {
		t.Errorf("no audio: %v", r)
	}
	a = NewAMD(8000, AMDConfig{})
	a.Write(script("s200 t400 s60 t100"))
	a.Hangup()
	st := a.Stats()
	if st.Total != 760*time.Millisecond || st.Voice != 500*time.Millisecond || st.Words != 2 || len(st.Segments) != 4 {
		t.Errorf("stats: %+v", st)
	}
	if s := st.Segments[1]; !s.Voice || s.Long != 400*time.Millisecond || s.Level < 2000 {
		t.Errorf("segment: %+v", s)
	}
	a = NewAMD(16000, AMDConfig{})
	a.Write(make([]int16, 16000))
	if r := a.Timeout(); r != (AMDResult{AMDNotSure, "TOOLONG-1000"}) {
		t.Errorf("too little audio: %v", r)
	}
}
