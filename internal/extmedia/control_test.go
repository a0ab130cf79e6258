package extmedia_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/coder/websocket"
	"github.com/google/go-cmp/cmp"

	"github.com/dialwright/dialwright/internal/extmedia"
	"github.com/dialwright/dialwright/internal/pbx"
)

// Buffering, marks, pause, flush, flow control and the rest of the commands.
func TestWebSocketCommands(t *testing.T) {
	ulaw := wireOf("PCMU", 160)
	run := func(what, data string, f func(l *lab, p *socket, c, phone *pbx.Channel)) {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			l := newLab(t, extmedia.Config{})
			c := l.open(serverOptions("ulaw", data))
			p := join(l, door(l), c)
			p.SetReadLimit(1 << 20)
			f(l, p, c, l.with(c))
		})
	}
	run("buffering", "", func(l *lab, p *socket, _, phone *pbx.Channel) {
		p.say("START_MEDIA_BUFFERING")
		b := ulaw.tone(900, 60)
		for len(b) > 0 { // cut where no frame ends
			n := min(len(b), 333)
			p.play(b[:n])
			b = b[n:]
		}
		p.play([]byte{0xff}) // less than a frame
		p.say("STOP_MEDIA_BUFFERING file 1")
		l.hears(phone, 900)
		if got := p.text("MEDIA_BUFFERING"); got != "MEDIA_BUFFERING_COMPLETED file 1" {
			l.t.Error(got)
		}
	})
	run("marks", "", func(l *lab, p *socket, _, _ *pbx.Channel) {
		p.text("MEDIA_START")
		p.play(ulaw.tone(900, 5))
		p.say("MARK_MEDIA a")
		p.say("MARK_MEDIA")
		p.say("REPORT_QUEUE_DRAINED")
		for _, want := range []string{"MEDIA_MARK_PROCESSED a", "MEDIA_MARK_PROCESSED", "QUEUE_DRAINED"} {
			if got := p.text(want[:5]); got != want {
				l.t.Errorf("%s, want %s", got, want)
			}
		}
	})
	run("pause and flush", "", func(l *lab, p *socket, c, phone *pbx.Channel) {
		p.say("PAUSE_MEDIA")
		p.play(ulaw.tone(900, 400))
		p.say("GET_STATUS")
		if d := cmp.Diff("STATUS channel_id:"+c.ID()+" queue_length:400 xon_level:800 xoff_level:900 queue_full:false bulk_media:false media_paused:true", p.text("STATUS")); d != "" {
			l.t.Error(d)
		}
		l.hears(phone)
		p.say("CONTINUE_MEDIA")
		l.hears(phone, 900)
		p.say("REPORT_QUEUE_DRAINED")
		p.say("FLUSH_MEDIA") // seconds of it are left
		p.text("QUEUE_DRAINED")
		l.hears(phone)
	})
	run("flow control", "f(json)", func(l *lab, p *socket, c, _ *pbx.Channel) {
		p.say(`{"command":"PAUSE_MEDIA"}`)
		for range 20 { // 2000 frames; half of them are dropped
			p.play(ulaw.tone(900, 100))
		}
		var got map[string]any
		if err := json.Unmarshal([]byte(p.text(`{"channel_id":"`+c.ID()+`","event":"MEDIA_XOFF"`)), &got); err != nil {
			l.t.Error(err)
		}
		p.say(`{"command":"GET_STATUS"}`)
		if err := json.Unmarshal([]byte(p.text(`{"bulk_media":false`)), &got); err != nil {
			l.t.Error(err)
		}
		want := map[string]any{"event": "STATUS", "channel_id": c.ID(), "queue_length": 1000.0, "xon_level": 800.0, "xoff_level": 900.0, "queue_full": true, "bulk_media": false, "media_paused": true}
		if d := cmp.Diff(want, got); d != "" {
			l.t.Errorf("(-want +got):\n%s", d)
		}
		p.say(`{"command":"CONTINUE_MEDIA"}`)
		p.text(`{"channel_id":"` + c.ID() + `","event":"MEDIA_XON"`)
	})
	run("mistakes", "", func(l *lab, p *socket, c, _ *pbx.Channel) {
		for say, want := range map[string]string{
			"media_xyz 1":                            `unknown command "media_xyz"`,
			"SET_MEDIA_DIRECTION up":                 "the direction must be in, out or both",
			"GET_STATUS" + strings.Repeat(" ", 5000): "a command may have 4096 octets",
		} {
			p.say(say)
			if got := p.text("ERROR"); got != "ERROR channel_id:"+c.ID()+" error_text:"+want {
				l.t.Errorf("%.20s: %s", say, got)
			}
		}
		p.say("")
		p.play([]byte{1, 2, 3})
		p.say("GET_STATUS")
		p.text("STATUS channel_id:" + c.ID() + " queue_length:0 ")
	})
	run("direction", "d(in)", func(l *lab, p *socket, c, phone *pbx.Channel) {
		p.play(ulaw.tone(900, 100))
		p.hears(500, ulaw)
		l.hears(phone)
		p.say("SET_MEDIA_DIRECTION out")
		p.play(ulaw.tone(900, 80))
		l.hears(phone, 900)
		p.say("GET_STATUS") // audio that was on its way comes before it
		p.text("STATUS")
		p.say("MARK_MEDIA x")
		for { // and none until the mark is reached
			kind, b, err := p.Read(l.in)
			if err != nil || kind == websocket.MessageText {
				if string(b) != "MEDIA_MARK_PROCESSED x" {
					l.t.Errorf("%s, %v", b, err)
				}
				return
			}
			if len(p.audio) > 3 {
				l.t.Fatal("audio nevertheless")
			}
			p.audio = append(p.audio, b)
		}
	})
	run("digit", "", func(l *lab, p *socket, c, _ *pbx.Channel) {
		if err := c.SendDTMF("5", pbx.DTMFOptions{}); err != nil {
			l.t.Fatal(err)
		}
		if got := p.text("DTMF_END"); got != "DTMF_END digit:5 channel_id:"+c.ID() {
			l.t.Error(got)
		}
	})
	run("frames as they are", "p", func(l *lab, p *socket, _, phone *pbx.Channel) {
		for range 50 {
			p.play(ulaw.tone(900, 2)) // 40 ms, one at each 20 ms: still the tone
		}
		p.say("MARK_MEDIA") // does not apply
		l.hears(phone, 900)
	})
}
